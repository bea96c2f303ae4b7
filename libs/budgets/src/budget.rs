//! A budget: its root, its revisions, and what a write changes of them.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use shared_utils::clock::Timestamp;
use shared_utils::ids::{BudgetId, GenerationId, LineId, ProjectId};

use crate::{Line, Revision};

/// The currency of a new budget.
const CURRENCY: &str = "USD";
/// How many lines a transaction takes beside the root and the revisions: 100 items at most.
const MAX_TRANSACTION_LINES: usize = 90;
/// How much of them, in bytes: 4 MB at most, with everything else in it.
const MAX_TRANSACTION_BYTES: usize = 3 * 1024 * 1024;
/// After so long nobody reads or writes a generation that nothing shows, in milliseconds: no event lives that long.
const EXPIRY_MILLIS: i64 = 15 * 60 * 1000;

/// A budget's root.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Budget {
    /// Which one.
    pub budget_id: BudgetId,
    /// Its project.
    pub project_id: ProjectId,
    /// ISO 4217.
    pub currency: String,
    /// Rises with every write.
    pub version: u64,
    /// The revision that the client sees.
    pub client_revision: Option<u64>,
    /// The highest number that a revision ever had: numbers are not given twice.
    pub highest_revision: u64,
    /// Generations that nothing shows, with since when (epoch milliseconds): begun by a write and not shown yet, or replaced. They
    /// are deleted once nobody can be reading or writing them any more.
    #[serde(default, rename = "unfinished")]
    pub pending_generations: BTreeMap<GenerationId, i64>,
}

impl Budget {
    /// A budget whose highest revision is this one.
    pub fn new(budget_id: BudgetId, project_id: ProjectId, highest_revision: u64) -> Self {
        Self {
            budget_id,
            project_id,
            currency: CURRENCY.to_owned(),
            version: 1,
            client_revision: None,
            highest_revision,
            pending_generations: BTreeMap::new(),
        }
    }

    /// Generations that nothing shows and nobody can be reading or writing any more.
    pub fn expired_generations(&self, now: Timestamp) -> Vec<GenerationId> {
        let is_expired = |(_, since): &(&GenerationId, &i64)| now.millis() - **since > EXPIRY_MILLIS;
        self.pending_generations.iter().filter(is_expired).map(|(generation, _)| *generation).collect()
    }
}

/// A budget and its revisions, without lines.
#[derive(Debug, Clone)]
pub struct BudgetRead {
    /// The root.
    pub budget: Budget,
    /// By number.
    pub revisions: BTreeMap<u64, Revision>,
}

impl BudgetRead {
    /// The revision that is shown when none is named: the client's, else the highest.
    pub fn shown(&self) -> Option<u64> {
        self.budget.client_revision.filter(|revision| self.revisions.contains_key(revision)).or_else(|| self.revisions.keys().next_back().copied())
    }
}

/// What a write changes: the next states, and the lines that go with them.
#[derive(Debug, Clone, Default)]
pub struct BudgetWrite {
    /// Lines written into the shown generation of a revision.
    pub put_lines: Vec<(GenerationId, Line)>,
    /// Lines deleted from it.
    pub delete_lines: Vec<(GenerationId, LineId)>,
    /// Generations written whole, to be shown by this write.
    pub generations: Vec<(GenerationId, Vec<Line>)>,
    /// Generations that this write leaves behind.
    pub replaced: Vec<GenerationId>,
    /// Revisions that are gone.
    pub delete_revisions: Vec<u64>,
    /// Revisions that are new or changed.
    pub revisions: BTreeSet<u64>,
}

impl BudgetWrite {
    /// Whether the changed lines fit into one transaction.
    pub(crate) fn fits(&self) -> bool {
        let bytes: usize = self.put_lines.iter().map(|(_, line)| line.size()).sum();
        self.put_lines.len() + self.delete_lines.len() <= MAX_TRANSACTION_LINES && bytes <= MAX_TRANSACTION_BYTES
    }

    /// The generations that are written before the root shows them.
    pub fn new_generations(&self) -> Vec<GenerationId> {
        self.generations.iter().filter(|(_, lines)| !lines.is_empty()).map(|(generation, _)| *generation).collect()
    }
}
