//! Budgets: exact decimals, lines, totals, and what a PATCH makes of them. Nothing here does I/O.
//!
//! | module | what it has |
//! | --- | --- |
//! | `decimal` | decimals as integers of a fixed scale |
//! | `line`, `revision`, `totals` | lines, revisions with their lines' sums |
//! | `budget` | the root, and what a write changes |
//! | `patch` | what a PATCH asks for |
//! | `apply`, `plan` | what a PATCH makes of a revision, and of a budget |

mod apply;
mod budget;
mod decimal;
mod error;
mod line;
#[cfg(test)]
mod model;
mod patch;
mod plan;
mod revision;
mod totals;

pub use budget::{Budget, BudgetRead, BudgetWrite};
pub use decimal::{Scale, nearest, read_scaled, to_json};
pub use error::Error;
pub use line::{FIELDS as LINE_FIELDS, FieldValue, Line, LineFieldKind, LineView, line_json, read as read_line_field, upper};
pub use patch::{BudgetPatch, MAX_REVISION_LINES, read_fields, read_patch};
pub use plan::{Lines, Plan, Planned, plan};
pub use revision::{HeaderView, Revision, RevisionSummary, slug};
pub use totals::TotalsView;
