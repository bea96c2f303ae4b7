//! Why a budget cannot be changed.

use shared_utils::fields::{FieldError, FieldErrors, FieldPath};
use shared_utils::refusal::{DomainError, Refusal};

/// Why a budget cannot be changed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The budget does not exist.
    #[error("there is no such budget")]
    NotFound,
    /// The last revision of a budget cannot be deleted.
    #[error("a budget keeps one revision")]
    LastRevision,
    /// The client sees this revision, so it cannot be deleted.
    #[error("the revision is the client's")]
    ClientRevision,
    /// Some values are not valid.
    #[error(transparent)]
    Invalid(#[from] FieldErrors),
}

impl Error {
    /// A single invalid value.
    pub(crate) fn field(path: impl Into<FieldPath>, code: &'static str, detail: &'static str) -> Self {
        Self::Invalid(FieldError::new(path, code, detail).into())
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        match error {
            Error::NotFound => Self::NotFound,
            Error::LastRevision => Self::Conflict("A budget keeps one revision.".into()),
            Error::ClientRevision => Self::Conflict("This revision is the client's.".into()),
            Error::Invalid(errors) => Self::Invalid(errors),
        }
    }
}

impl DomainError for Error {}
