//! Locks as the API gives them, and the frames about them.

use schemars::JsonSchema;
use serde::Serialize;
use shared_utils::clock::Timestamp;
use shared_utils::ids::{ProjectId, UserId};

/// A lock as the API gives it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "LineLock")]
pub struct LineLockView {
    /// The line.
    pub line_id: String,
    /// The revision's number.
    pub revision: u64,
    /// Who edits the line.
    pub user_id: UserId,
    /// When the lock ends, unless it is renewed or released.
    pub expires_at: Timestamp,
    /// When the lock was last taken, renewed or released. Of two frames about one line the later one holds.
    pub at: Timestamp,
}

/// A frame about a lock.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(tag = "action", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum LockFrame {
    /// A line was locked, or its lock was renewed.
    LineLocked {
        /// The budget's project.
        project_id: ProjectId,
        #[serde(flatten)]
        lock: LineLockView,
    },
    /// A lock was released.
    LineUnlocked {
        /// The budget's project.
        project_id: ProjectId,
        /// The line.
        line_id: String,
        /// The revision's number.
        revision: u64,
        /// Who held the lock.
        user_id: UserId,
        /// When it was released.
        at: Timestamp,
    },
}
