//! Writes an imported project. The header, which makes it visible, is written last.

use std::collections::BTreeMap;

use access::teams::Member;
use files::{FileOwner, FileTable, StoredFile};
use shared_utils::clock::Timestamp;
use shared_utils::dynamo::{Condition, StoreError, Transaction, put_if, to_item};
use shared_utils::ids::{BudgetId, LineId, ProjectId, UserId};

use super::budget::line_item;
use super::projects::items;
use super::{Project, ProjectStore, Write, budget_key, revision_key};
use crate::project::Changes;
use budgets::{Budget, Line, Revision};

/// A project from another system, converted to our fields.
#[derive(Debug)]
pub struct ImportedProject {
    pub id: ProjectId,
    pub owner: UserId,
    pub team: BTreeMap<UserId, Member>,
    pub fields: Changes,
    /// The files that the fields name.
    pub files: Vec<StoredFile>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// The budget of an imported project.
#[derive(Debug)]
pub struct ImportedBudget {
    pub id: BudgetId,
    /// Never empty.
    pub revisions: BTreeMap<u64, (Revision, BTreeMap<LineId, Line>)>,
    pub client_revision: Option<u64>,
}

impl ProjectStore {
    /// Whether the project exists, deleted or not.
    pub async fn is_imported(&self, project: ProjectId) -> Result<bool, StoreError> {
        Ok(self.project(project).await?.is_some())
    }

    /// Writes a project with its budget. Returns `false` if it already exists. An interrupted import is written again.
    pub async fn import(&self, imported: &ImportedProject, budget: &ImportedBudget) -> Result<bool, StoreError> {
        if self.is_imported(imported.id).await? {
            return Ok(false);
        }
        let (created_at, updated_at) = (imported.created_at, imported.updated_at);
        let project = Project::new(imported.id, imported.owner, imported.team.clone(), created_at, updated_at).changed(&imported.fields, updated_at);
        let highest = budget.revisions.keys().next_back().copied().unwrap_or(1);
        let root = Budget { client_revision: budget.client_revision, ..Budget::new(budget.id, imported.id, highest) };
        // Removes the items of an interrupted earlier import, which may have used another export.
        self.purge(imported.id).await?;
        let (header, details) = items(&project)?;
        let (mut first, mut then) = (vec![details, to_item(budget_key(imported.id), "budget", &root)?], Vec::new());
        for (number, (revision, lines)) in &budget.revisions {
            first.push(to_item(revision_key(imported.id, *number), "budgetRevision", revision)?);
            for line in lines.values() {
                then.push(line_item(revision.generation, line)?);
            }
        }
        first.extend(FileTable::items(FileOwner::Project(imported.id), &imported.files)?);
        // Lines are written last: a purge finds them through their revisions.
        self.store.put_many(&self.table, first).await?;
        self.store.put_many(&self.table, then).await?;
        let mut visible = Transaction::new();
        visible.add(Write::Header, put_if(&self.table, header, Condition::absent()));
        visible.add_all(Write::ListRow, project.team.keys().map(|user| self.member_put(imported.id, *user, project.updated_at.minute())));
        Ok(self.store.transact(&visible).await?.is_committed())
    }
}
