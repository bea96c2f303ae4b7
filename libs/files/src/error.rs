//! Why a file cannot be read or written.

use objects::key::MalformedKey;
use shared_utils::dynamo::StoreError;
use shared_utils::internal::Internal;
use shared_utils::refusal::{DomainError, Refusal};
use shared_utils::signed_requests::ServiceError;

/// Why a file cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no such file.
    #[error("there is no such file")]
    NotFound,
    /// The owner's files would take more than they may.
    #[error("there is no room for the file")]
    NoRoom {
        /// The limit in bytes.
        limit: u64,
    },
    /// The owner no longer exists, or changed meanwhile.
    #[error("the owner changed meanwhile")]
    OwnerChanged,
    /// The upload has not arrived, or is not what was declared.
    #[error("the upload has not arrived")]
    NotUploaded,
    /// The person may not delete this file.
    #[error("this is not for this person to do")]
    NotAllowed,
    /// The file belongs to a message and goes with it.
    #[error("the file belongs to a message")]
    Attached,
    /// The malware scan has not finished.
    #[error("the file was not scanned yet")]
    NotScanned,
    /// The malware scan found something.
    #[error("the scan refused the file")]
    Unsafe,
    /// S3 did not respond, or refused a request.
    #[error(transparent)]
    Service(#[from] ServiceError),
    /// The table call failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Error {
    /// The text for a log line.
    pub fn for_log(&self) -> &str {
        match self {
            Self::Service(error) => error.for_log(),
            Self::Store(error) => error.for_log(),
            _ => "refused",
        }
    }
}

impl From<MalformedKey> for Error {
    fn from(error: MalformedKey) -> Self {
        Self::Store(StoreError::Broken(Internal::new(error)))
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        match error {
            Error::NotFound => Self::NotFound,
            Error::NoRoom { limit } => Self::Conflict(format!("All files together may take {} MB.", limit / 1_000_000).into()),
            Error::OwnerChanged => Self::Store(StoreError::Contended),
            Error::NotUploaded => Self::Conflict("The upload has not arrived.".into()),
            Error::NotAllowed => Self::Forbidden,
            Error::Attached => Self::Conflict("The file belongs to a message: delete the message.".into()),
            Error::NotScanned => Self::Conflict("The file is being scanned: try again shortly.".into()),
            Error::Unsafe => Self::Conflict("The scan found something in this file. It cannot be downloaded.".into()),
            Error::Service(error) => Self::Service(error),
            Error::Store(error) => Self::Store(error),
        }
    }
}

impl DomainError for Error {}
