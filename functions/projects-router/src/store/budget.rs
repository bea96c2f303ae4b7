//! Budgets: one root item that all writes are conditional on, one item per revision, and the lines of each revision's shown generation. A small
//! change is one transaction. A large change first writes a new generation, which nobody sees until the revision points to it.

use access::session::Session;
use std::collections::BTreeMap;

use access::teams::{header_key, is_unchanged};
use aws_sdk_dynamodb::types::AttributeValue;
use budgets::{Budget, BudgetRead, BudgetWrite, Line, Revision};
use shared_utils::clock::Timestamp;
use shared_utils::dynamo::{
    Condition, Item, PartitionQuery, StoreError, TransactWrite, Transaction, Update, check, delete, from_item, put, s, to_attribute, to_item, update,
};
use shared_utils::http::Error;
use shared_utils::ids::{BudgetId, GenerationId, LineId, ProjectId};

use super::{Answer, Project, ProjectStore, UsedKey, Write, budget_key, budget_partition, line_key, lines_partition, revision_key};

impl ProjectStore {
    /// Creates the budget of a new project: the root and revision 1.
    pub(super) fn add_first_revision(
        &self,
        creation: &mut Transaction<Write>,
        project: ProjectId,
        ball_park: Option<i64>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let budget = Budget::new(BudgetId::generate(now), project, 1);
        let revision = Revision::empty(1, ball_park, now);
        creation.add(Write::Budget, put(&self.table, to_item(budget_key(project), "budget", &budget)?));
        creation.add(Write::Revision, put(&self.table, to_item(revision_key(project, 1), "budgetRevision", &revision)?));
        Ok(())
    }

    /// A budget and all its revisions, without lines. One round trip.
    pub(crate) async fn budget(&self, project: ProjectId) -> Result<Option<BudgetRead>, StoreError> {
        let items = self.store.query_all(&PartitionQuery::all(&self.table, budget_partition(project))).await?;
        let (mut budget, mut revisions) = (None, BTreeMap::new());
        for item in items {
            if item.get("type").and_then(|kind| kind.as_s().ok()).is_some_and(|kind| kind == "budget") {
                budget = Some(from_item(item)?);
            } else {
                let revision: Revision = from_item(item)?;
                revisions.insert(revision.revision, revision);
            }
        }
        Ok(budget.map(|budget| BudgetRead { budget, revisions }))
    }

    /// The lines of a generation. One round trip per megabyte.
    pub(crate) async fn lines(&self, generation: GenerationId) -> Result<BTreeMap<LineId, Line>, StoreError> {
        let items = self.store.query_all(&PartitionQuery::all(&self.table, lines_partition(generation))).await?;
        items.into_iter().map(|item| from_item::<Line>(item).map(|line| (line.budget_item_id, line))).collect()
    }

    /// Writes the next state of a budget, and the stored response if the request has a key. Returns `false` if the budget or the team changed since
    /// the read, or if the key was used meanwhile. New generations then stay listed as pending.
    pub(crate) async fn write_budget(
        &self,
        _session: &Session,
        project: &Project,
        before: &Budget,
        next: &BudgetRead,
        write: BudgetWrite,
        answer: Option<(&UsedKey, &Answer)>,
    ) -> Result<bool, Error> {
        // Permissions and recipients were decided from the team that was read, so the team must be unchanged.
        let team_check = check(&self.table, header_key(project.project_id), is_unchanged(project.team_version));
        let project = before.project_id;
        let begun = write.new_generations();
        if !begun.is_empty() {
            self.begin(project, &begun).await?;
            for (generation, lines) in &write.generations {
                let items = lines.iter().map(|line| line_item(*generation, line)).collect::<Result<Vec<_>, _>>()?;
                self.store.put_many(&self.table, items).await?;
            }
        }
        let mut change = Transaction::new();
        change.add(Write::Budget, self.root_write(before, &next.budget, &begun, &write.replaced)?);
        change.add(Write::Header, team_check);
        for number in &write.revisions {
            if let Some(revision) = next.revisions.get(number) {
                change.add(Write::Revision, put(&self.table, to_item(revision_key(project, *number), "budgetRevision", revision)?));
            }
        }
        if let Some((used, answer)) = answer {
            let record = self.record(used, project, answer, self.clock.now())?;
            self.store.put_many(&self.table, record.rest).await?;
            change.add(Write::IdempotencyKey, record.write);
        }
        change.add_all(Write::Revision, write.delete_revisions.iter().map(|number| delete(&self.table, revision_key(project, *number))));
        for (generation, line) in &write.put_lines {
            change.add(Write::Line, put(&self.table, line_item(*generation, line)?));
        }
        change.add_all(Write::Line, write.delete_lines.iter().map(|(generation, line)| delete(&self.table, line_key(*generation, *line))));
        Ok(self.store.transact(&change).await?.is_committed())
    }

    /// The update of the root item. It sets only its own attributes, so generations that other writes have begun stay listed.
    fn root_write(&self, before: &Budget, next: &Budget, shown: &[GenerationId], replaced: &[GenerationId]) -> Result<TransactWrite, StoreError> {
        let mut text = "SET version = :version, currency = :currency, clientRevision = :client, highestRevision = :highest".to_owned();
        for (index, _) in replaced.iter().enumerate() {
            text = format!("{text}, unfinished.#r{index} = :now");
        }
        for (index, _) in shown.iter().enumerate() {
            let separator = if index == 0 { " REMOVE " } else { ", " };
            text = format!("{text}{separator}unfinished.#g{index}");
        }
        let mut expression = Update::new(text)
            .when("version = :before")
            .value(":version", to_attribute(&next.version)?)
            .value(":currency", s(&next.currency))
            .value(":client", to_attribute(&next.client_revision)?)
            .value(":highest", to_attribute(&next.highest_revision)?)
            .value(":before", to_attribute(&before.version)?);
        for (index, generation) in shown.iter().enumerate() {
            expression = expression.name(&format!("#g{index}"), generation);
        }
        for (index, generation) in replaced.iter().enumerate() {
            expression = expression.name(&format!("#r{index}"), generation);
        }
        if !replaced.is_empty() {
            expression = expression.value(":now", AttributeValue::N(self.clock.now().millis().to_string()));
        }
        Ok(update(&self.table, budget_key(before.project_id), expression))
    }

    /// Lists generations as pending before they are written, so that a later cleanup finds them after a crash.
    async fn begin(&self, project: ProjectId, generations: &[GenerationId]) -> Result<(), Error> {
        let sets: Vec<String> = (0..generations.len()).map(|index| format!("unfinished.#g{index} = :now")).collect();
        let mut expression = Update::new(format!("SET {}", sets.join(", ")))
            .when(Condition::exists())
            .value(":now", AttributeValue::N(self.clock.now().millis().to_string()));
        for (index, generation) in generations.iter().enumerate() {
            expression = expression.name(&format!("#g{index}"), generation);
        }
        let noted = self.store.update_item(&self.table, budget_key(project), expression).await?;
        noted.map(|_| ()).map_err(|_| Error::NotFound)
    }

    /// Deletes generations that no revision shows, and their pending entries.
    pub(crate) async fn forget_generations(&self, project: ProjectId, generations: &[GenerationId]) -> Result<(), Error> {
        for generation in generations {
            self.store.delete_partition(&self.table, &lines_partition(*generation), |_| false).await?;
            let expression = Update::new("REMOVE unfinished.#g").when(Condition::exists()).name("#g", generation);
            let _ = self.store.update_item(&self.table, budget_key(project), expression).await?;
        }
        Ok(())
    }
}

pub(super) fn line_item(generation: GenerationId, line: &Line) -> Result<Item, StoreError> {
    to_item(line_key(generation, line.budget_item_id), "budgetLine", line)
}
