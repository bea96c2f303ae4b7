//! Budgets: exact decimals, lines, totals. Nothing here does I/O.

mod decimal;
mod line;
mod patch;
mod totals;

pub(crate) use decimal::{Scale, read_scaled};
pub(crate) use line::{Line, line_json};
pub(crate) use patch::{BudgetPatch, CreateRevision, Revision, apply_lines, read_patch};
