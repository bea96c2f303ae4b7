//! Why a conversation or message cannot be read or written.

use shared_utils::dynamo::StoreError;
use shared_utils::fields::{FieldError, FieldErrors, FieldPath};
use shared_utils::idempotency::IdempotencyMismatch;
use shared_utils::rate_limit::RateLimited;
use shared_utils::refusal::{DomainError, Refusal};

use crate::MAX_CONVERSATIONS;
use crate::group::MAX_GROUP;

/// Why a conversation or message cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no such conversation or message, or the person does not take part in it.
    #[error("there is no such conversation or message for this person")]
    NotFound,
    /// The person takes part, but is not allowed to do this.
    #[error("this is not for this person to do")]
    NotAllowed,
    /// Only a group has its own title and participants.
    #[error("this is no group")]
    NotAGroup,
    /// A group is full.
    #[error("the group is full")]
    GroupFull,
    /// The person takes part in too many conversations.
    #[error("too many conversations")]
    TooManyConversations,
    /// The message is a tombstone.
    #[error("the message was deleted")]
    Deleted,
    /// The sync cursor has expired.
    #[error("the cursor is too old")]
    CursorExpired,
    /// The key or the `optimisticId` was used for a different request.
    #[error("the key was used for something else")]
    IdempotencyMismatch,
    /// Field errors.
    #[error(transparent)]
    Invalid(#[from] FieldErrors),
    /// The session was refused.
    #[error(transparent)]
    Access(#[from] access::Error),
    /// The rate limit is exceeded.
    #[error(transparent)]
    RateLimited(#[from] RateLimited),
    /// The table call failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Error {
    /// A field error for one value.
    pub(crate) fn field(path: impl Into<FieldPath>, code: &'static str, detail: impl Into<std::borrow::Cow<'static, str>>) -> Self {
        Self::Invalid(FieldError::new(path, code, detail).into())
    }
}

impl From<IdempotencyMismatch> for Error {
    fn from(_: IdempotencyMismatch) -> Self {
        Self::IdempotencyMismatch
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        match error {
            Error::NotFound => Self::NotFound,
            Error::NotAllowed => Self::Forbidden,
            Error::NotAGroup => Self::Conflict("Only a group has a title and people of its own.".into()),
            Error::GroupFull => Self::Conflict(format!("A group has at most {MAX_GROUP} people.").into()),
            Error::TooManyConversations => Self::Conflict(format!("One can take part in {MAX_CONVERSATIONS} conversations.").into()),
            Error::Deleted => Self::Deleted,
            Error::CursorExpired => Self::CursorExpired,
            Error::IdempotencyMismatch => Self::IdempotencyMismatch,
            Error::Invalid(errors) => Self::Invalid(errors),
            Error::Access(error) => error.into(),
            Error::RateLimited(limited) => Self::RateLimited(limited),
            Error::Store(error) => Self::Store(error),
        }
    }
}

impl DomainError for Error {}
