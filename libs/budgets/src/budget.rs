//! A budget: its root, its revisions, and the changes of a write.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use shared_utils::clock::Timestamp;
use shared_utils::ids::{BudgetId, GenerationId, LineId, ProjectId};

use crate::{Line, Revision};

/// The currency of a new budget.
const CURRENCY: &str = "USD";
/// The maximum number of lines in a transaction, besides the root and the revisions. A transaction has at most 100 items.
const MAX_TRANSACTION_LINES: usize = 90;
/// The maximum size of the lines in a transaction, in bytes. A transaction has at most 4 MB with all its items.
const MAX_TRANSACTION_BYTES: usize = 3 * 1024 * 1024;
/// The age after which no event reads or writes a generation that no revision shows, in milliseconds. No event lives that long.
const EXPIRY_MILLIS: i64 = 15 * 60 * 1000;

/// A budget's root.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Budget {
    /// The budget's id.
    pub budget_id: BudgetId,
    /// The budget's project.
    pub project_id: ProjectId,
    /// The ISO 4217 code.
    pub currency: String,
    /// The version. It rises with every write.
    pub version: u64,
    /// The revision that the client sees.
    pub client_revision: Option<u64>,
    /// The highest revision number that was ever used. Revision numbers are never reused.
    pub highest_revision: u64,
    /// Generations that no revision shows, with the start of that state (epoch milliseconds). A write started them and has not shown them yet, or
    /// replaced them. They are deleted when no event can read or write them any more.
    #[serde(default, rename = "unfinished")]
    pub pending_generations: BTreeMap<GenerationId, i64>,
}

impl Budget {
    /// Creates a budget with this highest revision number.
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

    /// Generations that no revision shows and that no event can read or write any more.
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
    /// The revisions by number.
    pub revisions: BTreeMap<u64, Revision>,
}

impl BudgetRead {
    /// The revision that is shown if a request names none: the client's, else the highest.
    pub fn shown(&self) -> Option<u64> {
        self.budget.client_revision.filter(|revision| self.revisions.contains_key(revision)).or_else(|| self.revisions.keys().next_back().copied())
    }
}

/// The changes of a write: lines, generations and revisions.
#[derive(Debug, Clone, Default)]
pub struct BudgetWrite {
    /// Lines written into the shown generation of a revision.
    pub put_lines: Vec<(GenerationId, Line)>,
    /// Lines deleted from the shown generation of a revision.
    pub delete_lines: Vec<(GenerationId, LineId)>,
    /// New generations with all their lines, which this write shows.
    pub generations: Vec<(GenerationId, Vec<Line>)>,
    /// Generations that no revision shows after this write.
    pub replaced: Vec<GenerationId>,
    /// Deleted revisions.
    pub delete_revisions: Vec<u64>,
    /// New and changed revisions.
    pub revisions: BTreeSet<u64>,
}

impl BudgetWrite {
    /// Whether the changed lines fit into one transaction.
    pub(crate) fn fits(&self) -> bool {
        let bytes: usize = self.put_lines.iter().map(|(_, line)| line.size()).sum();
        self.put_lines.len() + self.delete_lines.len() <= MAX_TRANSACTION_LINES && bytes <= MAX_TRANSACTION_BYTES
    }

    /// The generations that must be written before the root shows them.
    pub fn new_generations(&self) -> Vec<GenerationId> {
        self.generations.iter().filter(|(_, lines)| !lines.is_empty()).map(|(generation, _)| *generation).collect()
    }
}
