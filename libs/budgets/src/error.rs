//! Why a budget cannot be changed.

use shared_utils::fields::{FieldError, FieldErrors, FieldPath};
use shared_utils::refusal::{DomainError, Refusal};

/// Why a budget cannot be changed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no such budget.
    #[error("there is no such budget")]
    NotFound,
    /// A budget keeps one revision.
    #[error("a budget keeps one revision")]
    LastRevision,
    /// The revision is the one that the client sees.
    #[error("the revision is the client's")]
    ClientRevision,
    /// Values that are not valid.
    #[error(transparent)]
    Invalid(#[from] FieldErrors),
}

impl Error {
    /// A single value that is not valid.
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
