//! The projects table: keys, items and transactions.
//!
//! | item | pk | sk |
//! | --- | --- | --- |
//! | header: team, version, the fields that lists show | `PROJECT#<id>` | `HEADER` |
//! | details: the fields that lists do not show | `PROJECT#<id>` | `DETAILS` |
//! | a member's list row; index `byMember` (`memberId`, `activity`) | `PROJECT#<id>` | `MEMBER#<userId>` |
//! | budget | `BUDGET#<projectId>` | `BUDGET` |
//! | revision | `BUDGET#<projectId>` | `REVISION#<n>` |
//! | line | `LINES#<generationId>` | `LINE#<lineId>` |
//! | stored response of an idempotency key | `IDEMPOTENCY#<userId>` | `PROJECTS#<key>`, `BUDGET#<projectId>#<key>` |
//! | further parts of a long response | `ANSWER#<random>` | `PART#<n>` |

mod answers;
mod budget;
mod import;
mod lists;
mod projects;
mod purge;
mod team;

pub(crate) use answers::{Answer, Answered, KeyScope, UsedKey};
pub use import::{ImportedBudget, ImportedProject};
pub(crate) use projects::{CreateOutcome, NewProject};

pub(crate) use crate::project::Project;
pub(crate) use team::TeamChange;

use shared_utils::clock::{Clock, Timestamp};
use shared_utils::dynamo::{Key, Store};
use shared_utils::ids::{GenerationId, LineId, ProjectId, UserId};

/// The maximum size of a project, in bytes. A `DynamoDB` item holds 400 KB.
pub const MAX_BYTES: usize = 390 * 1024;

/// Labels for the writes in this table's transactions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Write {
    Header,
    Details,
    /// A member's list row.
    ListRow,
    Budget,
    Revision,
    Line,
    IdempotencyKey,
}

/// Access to the projects table.
#[derive(Clone)]
pub struct ProjectStore {
    store: Store,
    table: String,
    clock: Clock,
}

impl ProjectStore {
    /// Creates the store for this table.
    pub fn new(store: Store, table: String, clock: Clock) -> Self {
        Self { store, table, clock }
    }
}

fn project_partition(project: ProjectId) -> String {
    format!("PROJECT#{project}")
}

fn details_key(project: ProjectId) -> Key {
    Key::new(project_partition(project), "DETAILS")
}

fn member_key(project: ProjectId, user: UserId) -> Key {
    Key::new(project_partition(project), format!("MEMBER#{user}"))
}

fn budget_partition(project: ProjectId) -> String {
    format!("BUDGET#{project}")
}

fn budget_key(project: ProjectId) -> Key {
    Key::new(budget_partition(project), "BUDGET")
}

fn revision_key(project: ProjectId, revision: u64) -> Key {
    Key::new(budget_partition(project), format!("REVISION#{revision:010}"))
}

fn lines_partition(generation: GenerationId) -> String {
    format!("LINES#{generation}")
}

fn line_key(generation: GenerationId, line: LineId) -> Key {
    Key::new(lines_partition(generation), format!("LINE#{line}"))
}

fn idempotency_key(used: &UsedKey) -> Key {
    let scope = match used.scope {
        KeyScope::Projects => "PROJECTS".to_owned(),
        KeyScope::Budget(project) => format!("BUDGET#{project}"),
    };
    Key::new(format!("IDEMPOTENCY#{}", used.user), format!("{scope}#{}", used.key.key))
}

fn answer_partition(id: &str) -> String {
    format!("ANSWER#{id}")
}

fn answer_key(id: &str, part: usize) -> Key {
    Key::new(answer_partition(id), format!("PART#{part:04}"))
}

/// The sort key of a project in its members' lists: the minute of its latest change, then its id.
fn activity(minute: Timestamp, project: ProjectId) -> String {
    format!("{minute}#{project}")
}
