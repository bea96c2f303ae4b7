//! Budgets: exact decimals, lines, totals. Nothing here does I/O.

mod apply;
mod decimal;
mod line;
#[cfg(test)]
mod model;
mod patch;
mod revision;
mod totals;

pub(crate) use apply::apply_lines;
pub(crate) use decimal::{Scale, nearest, read_scaled, to_json};
pub(crate) use line::{FIELDS as LINE_FIELDS, FieldValue, Kind as LineKind, Line, line_json, read as read_line_field, upper};
pub(crate) use patch::{BudgetPatch, CreateRevision, MAX_REVISION_LINES, read_patch};
pub(crate) use revision::{Revision, slug};
