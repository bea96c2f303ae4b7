//! A project's fields: which ones a client may write, and within which bounds. One table says it all.

mod fields;

pub(crate) use fields::{Changes, FIELDS, Kind, is_summary, read, read_changes, read_date};
