//! A project's fields: which ones a client may write, and their limits. [`PROJECT_FIELDS`] lists them all.

mod fields;
mod file_ids;
mod model;
mod values;

pub use fields::{Changes, PROJECT_FIELDS, ProjectFieldKind};
pub(crate) use fields::{is_summary, read_changes};
pub(crate) use file_ids::file_ids;
pub(crate) use model::{Project, TeamEntry};
pub use model::{ProjectSummaryView, ProjectView};
pub use values::{read, schema};
