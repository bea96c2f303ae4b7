//! Budgets: exact decimals, lines, totals, and the effects of a PATCH. This crate does no I/O.
//!
//! | module | contents |
//! | --- | --- |
//! | `decimal` | decimals as integers of a fixed scale |
//! | `line`, `revision`, `totals` | lines, and revisions with the sums of their lines |
//! | `budget` | the root, and the changes of a write |
//! | `patch` | the content of a PATCH |
//! | `apply`, `plan` | the effects of a PATCH on a revision and on a budget |

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
