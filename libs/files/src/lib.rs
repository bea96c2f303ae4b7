//! Files of projects and conversations, and pictures of people. A client uploads to S3 and downloads from S3; this crate keeps the records.
//!
//! | module | contents |
//! | --- | --- |
//! | [`form`] | the declaration of a file that a client wants to upload |
//! | [`record`] | the stored record, and a file in the shape of the API |
//! | [`table`] | the records in a domain's table, and the writes that other transactions include |
//! | [`contract`] | what the generated contract says of routes for files |
//! | `removals` | objects that must go: later, and resumably |
//! | [`files`] | what routes do: declare, complete, list, download, delete |
//!
//! A file is declared (the record is pending, and its size counts), uploaded with a presigned form, and completed. What is not completed within a day
//! is removed.

pub mod contract;
mod error;
pub mod files;
pub mod form;
pub mod record;
mod removals;
pub mod table;

pub use error::Error;
pub use files::{CompletedFile, Download, FileLimits, FilePage, Files, NewFile};
pub use form::FileForm;
pub use record::{File, StoredFile};
pub use table::{FileOwner, FileTable, OwnerKind, picture_of};
