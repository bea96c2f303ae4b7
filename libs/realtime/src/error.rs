//! Errors of connections and locks.

use shared_utils::dynamo::StoreError;
use shared_utils::rate_limit::RateLimited;
use shared_utils::refusal::{DomainError, Refusal};

/// Errors of connections and locks.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Another connection holds the lock.
    #[error("someone else is editing the line")]
    LineTaken,
    /// The rate limit is exceeded.
    #[error(transparent)]
    RateLimited(#[from] RateLimited),
    /// The table call failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        match error {
            Error::LineTaken => Self::Conflict("Someone else is editing this line.".into()),
            Error::RateLimited(limited) => Self::RateLimited(limited),
            Error::Store(error) => Self::Store(error),
        }
    }
}

impl DomainError for Error {}
