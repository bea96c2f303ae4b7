//! Budgets: exact decimals, lines, totals. Nothing here does I/O.

mod apply;
mod decimal;
mod line;
mod patch;
mod revision;
mod totals;

pub(crate) use apply::apply_lines;
pub(crate) use decimal::{Scale, read_scaled};
pub(crate) use line::{Line, line_json};
pub(crate) use patch::{BudgetPatch, CreateRevision, read_patch};
pub(crate) use revision::Revision;
