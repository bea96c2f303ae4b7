//! What a client is told when the domain refuses something, whatever protocol it asked by.
//!
//! Each domain crate has an error enum of its own and says, in one match, what a client is told of it. [`crate::http::Error`] gives each
//! refusal its status and code; the replies of sockets take the same codes.

use std::borrow::Cow;

use crate::dynamo::StoreError;
use crate::fields::FieldErrors;
use crate::rate_limit::RateLimited;

/// Why a request is refused.
#[derive(Debug)]
pub enum Refusal {
    /// The credentials do not count, or not any more.
    InvalidToken,
    /// The session has ended.
    SessionRevoked,
    /// The account waits for approval.
    AccountPending,
    /// The caller may see the thing, but may not do this.
    Forbidden,
    /// There is no such thing, or none that the caller may see.
    NotFound,
    /// The state of things does not allow it. The text is for people.
    Conflict(Cow<'static, str>),
    /// The message was deleted.
    Deleted,
    /// The sync cursor is older than the change log.
    CursorExpired,
    /// The key was used for something else.
    IdempotencyMismatch,
    /// Values that are not valid.
    Invalid(FieldErrors),
    /// Too many in too short a time.
    RateLimited(RateLimited),
    /// The table is busy or broken.
    Store(StoreError),
}

impl Refusal {
    /// The cause for the log, where it is our fault.
    pub fn cause(&self) -> Option<&str> {
        match self {
            Self::Store(error) => Some(error.for_log()),
            _ => None,
        }
    }
}

/// An error of a domain crate, which says what a client is told of it.
pub trait DomainError: Into<Refusal> {}
