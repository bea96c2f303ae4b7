//! A project's fields: which ones a client may write, and within which bounds. One table says it all.

mod fields;

pub use fields::{Changes, PROJECT_FIELDS, ProjectFieldKind, read};
pub(crate) use fields::{is_summary, read_changes};
