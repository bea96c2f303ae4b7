//! Writing an imported project: first what nothing points at yet, last the header that makes it visible.

use shared_utils::dynamo::{put, to_item};
use shared_utils::http::Error;
use shared_utils::ids::BudgetId;

use super::budgets::{Budget, CURRENCY, line_item};
use super::projects::{Project, happened, items};
use super::{ProjectStore, budget_key, revision_key};
use crate::import::{OldBudget, OldProject};

impl ProjectStore {
    /// Writes a project with its budget. `false` when it is there already. One that was cut short is written again, over itself.
    pub(crate) async fn import(&self, old: &OldProject, budget: &OldBudget) -> Result<bool, Error> {
        if self.project(old.id).await?.is_some() {
            return Ok(false);
        }
        let project = Project::imported(old);
        let root = Budget {
            budget_id: BudgetId::derived(old.id_time, &old.old_id),
            project_id: old.id,
            currency: CURRENCY.to_owned(),
            version: 1,
            client_revision: budget.client_revision,
            highest_revision: budget.revisions.keys().next_back().copied().unwrap_or(1),
            unfinished: std::collections::BTreeMap::new(),
        };
        let (header, details) = items(&project)?;
        let mut written = vec![details, to_item(budget_key(old.id), "budget", &root)?];
        for (number, (revision, lines)) in &budget.revisions {
            written.push(to_item(revision_key(old.id, *number), "budgetRevision", revision)?);
            for line in lines.values() {
                written.push(line_item(revision.generation, line)?);
            }
        }
        self.store.put_many(&self.table, written).await?;
        let mut visible = vec![put(&self.table, header, Some("attribute_not_exists(pk)"))];
        visible.extend(project.team.keys().map(|user| self.member_put(old.id, *user, project.updated_at.minute())));
        happened(self.store.transact(visible).await)
    }
}
