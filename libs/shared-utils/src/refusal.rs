//! Refusals of the domain in the form that clients see, whatever the protocol.
//!
//! Each domain crate has its own error enum and converts it to a [`Refusal`] in one match. [`crate::http::Error`] gives each refusal its
//! status and code. Socket replies use the same codes.

use std::borrow::Cow;

use crate::dynamo::StoreError;
use crate::fields::FieldErrors;
use crate::rate_limit::RateLimited;
use crate::signed_requests::ServiceError;

/// Why a request is refused.
#[derive(Debug)]
pub enum Refusal {
    /// The credentials are not valid, or no longer valid.
    InvalidToken,
    /// The session has ended.
    SessionRevoked,
    /// The account waits for approval.
    AccountPending,
    /// The caller may see the resource, but may not do this.
    Forbidden,
    /// The resource does not exist, or the caller may not see it.
    NotFound,
    /// The current state does not allow the request. The text is for people.
    Conflict(Cow<'static, str>),
    /// The message was deleted.
    Deleted,
    /// The sync cursor is older than the change log.
    CursorExpired,
    /// The idempotency key was used for another request.
    IdempotencyMismatch,
    /// Some values are not valid.
    Invalid(FieldErrors),
    /// A rate limit was exceeded.
    RateLimited(RateLimited),
    /// Another service is busy or broken.
    Service(ServiceError),
    /// The table is busy or broken.
    Store(StoreError),
}

impl Refusal {
    /// The cause for the log, if the failure is internal.
    pub fn cause(&self) -> Option<&str> {
        match self {
            Self::Store(error) => Some(error.for_log()),
            Self::Service(error) => Some(error.for_log()),
            _ => None,
        }
    }
}

/// An error of a domain crate, which converts to a [`Refusal`].
pub trait DomainError: Into<Refusal> {}
