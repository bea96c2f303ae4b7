//! Writing an imported project: first what nothing points at yet, last the header that makes it visible.

use std::collections::BTreeMap;

use access::teams::Member;
use shared_utils::clock::Timestamp;
use shared_utils::dynamo::{Condition, Transaction, put_if, to_item};
use shared_utils::http::Error;
use shared_utils::ids::{BudgetId, LineId, ProjectId, UserId};

use super::budgets::{Budget, CURRENCY, line_item};
use super::projects::items;
use super::{Project, ProjectStore, Write, budget_key, revision_key};
use crate::budget::{Line, Revision};
use crate::project::Changes;

/// A project as it was elsewhere, in our terms.
#[derive(Debug)]
pub(crate) struct ImportedProject {
    pub(crate) id: ProjectId,
    pub(crate) owner: UserId,
    pub(crate) team: BTreeMap<UserId, Member>,
    pub(crate) fields: Changes,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
}

/// Its budget.
#[derive(Debug)]
pub(crate) struct ImportedBudget {
    pub(crate) id: BudgetId,
    /// Never empty.
    pub(crate) revisions: BTreeMap<u64, (Revision, BTreeMap<LineId, Line>)>,
    pub(crate) client_revision: Option<u64>,
}

impl ProjectStore {
    /// Writes a project with its budget. `false` when it is there already. One that was cut short is written again.
    pub(crate) async fn import(&self, imported: &ImportedProject, budget: &ImportedBudget) -> Result<bool, Error> {
        if self.project(imported.id).await?.is_some() {
            return Ok(false);
        }
        let (created_at, updated_at) = (imported.created_at, imported.updated_at);
        let project = Project::new(imported.id, imported.owner, imported.team.clone(), created_at, updated_at).changed(&imported.fields, updated_at);
        let root = Budget {
            budget_id: budget.id,
            project_id: imported.id,
            currency: CURRENCY.to_owned(),
            version: 1,
            client_revision: budget.client_revision,
            highest_revision: budget.revisions.keys().next_back().copied().unwrap_or(1),
            unfinished: BTreeMap::new(),
        };
        // What an earlier import has left that was cut short, perhaps of another export.
        self.purge(imported.id).await?;
        let (header, details) = items(&project)?;
        let (mut first, mut then) = (vec![details, to_item(budget_key(imported.id), "budget", &root)?], Vec::new());
        for (number, (revision, lines)) in &budget.revisions {
            first.push(to_item(revision_key(imported.id, *number), "budgetRevision", revision)?);
            for line in lines.values() {
                then.push(line_item(revision.generation, line)?);
            }
        }
        // Lines last: whoever has to clear them away finds them by their revisions.
        self.store.put_many(&self.table, first).await?;
        self.store.put_many(&self.table, then).await?;
        let mut visible = Transaction::new();
        visible.add(Write::Header, put_if(&self.table, header, Condition::absent()));
        visible.add_all(Write::ListRow, project.team.keys().map(|user| self.member_put(imported.id, *user, project.updated_at.minute())));
        Ok(self.store.transact(&visible).await?.is_committed())
    }
}
