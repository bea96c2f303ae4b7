//! The error type of the HTTP and socket contracts, and the match that gives each error its status and code.
//!
//! `Display` is the `detail` that the client reads. The internal cause is an [`Internal`], which has no `Display` and can only be logged.

use std::borrow::Cow;

use super::{Fault, LoginStep};
use crate::dynamo::StoreError;
use crate::fields::{FieldError, FieldErrors, FieldPath};
use crate::idempotency::IdempotencyMismatch;
use crate::internal::Internal;
use crate::json::InvalidJson;
use crate::rate_limit::RateLimited;
use crate::refusal::{DomainError, Refusal};

/// Every way in which a request can fail. The text is for the client; see [`Error::status`] and [`Error::code`].
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The body is not a JSON object, nests too deep, or is not UTF-8.
    #[error("The body must be a JSON object in UTF-8 with at most 16 levels.")]
    InvalidJson,
    /// A query parameter or header is not valid.
    #[error("{0}")]
    InvalidParameter(Cow<'static, str>),
    /// A page cursor was altered, or belongs to another caller or list.
    #[error("The cursor is not valid for this list.")]
    InvalidCursor,
    /// The sync cursor is older than the change log.
    #[error("The cursor is too old: fetch everything again.")]
    CursorExpired,
    /// The request has no credentials.
    #[error("This needs a bearer token.")]
    MissingToken,
    /// The credentials are not valid, for any reason.
    #[error("The token is not valid.")]
    InvalidToken,
    /// The token is correctly signed, but has expired.
    #[error("The token has expired.")]
    TokenExpired,
    /// The token's session was ended.
    #[error("This login was ended.")]
    SessionRevoked,
    /// The address is unknown or the password is wrong.
    #[error("The e-mail address or the password is wrong.")]
    InvalidCredentials,
    /// The password that confirms a change is wrong. The caller is known, so the status is 403.
    #[error("The current password is wrong.")]
    WrongPassword,
    /// The link of a mail was used, has expired, or never existed.
    #[error("The link is not valid any more.")]
    InvalidLink,
    /// The password was right. The login needs another step.
    #[error("{step}")]
    LoginNeeds {
        /// The step.
        step: LoginStep,
        /// The secret that stands for the right password in the next step.
        challenge: String,
        /// How long the challenge is valid, in seconds.
        expires_in: u64,
    },
    /// The challenge of a login was used, has expired, or never existed.
    #[error("The login took too long: begin it again.")]
    InvalidChallenge,
    /// The code of a login's second step is wrong or was used.
    #[error("The code is wrong.")]
    InvalidCode,
    /// The code that confirms a change is wrong or was used. The caller is known, so the status is 403.
    #[error("The code is wrong.")]
    WrongCode,
    /// The refresh token cannot be used.
    #[error("The refresh token is not valid.")]
    InvalidRefreshToken,
    /// The caller may see the resource, but may not do this.
    #[error("You may not do this.")]
    Forbidden,
    /// The caller's account waits for approval.
    #[error("This account waits for approval.")]
    AccountPending,
    /// The resource does not exist, or the caller may not see it.
    #[error("There is no such resource.")]
    NotFound,
    /// The path does not have this method, but has others.
    #[error("This path does not have this method.")]
    MethodNotAllowed {
        /// The value of the `Allow` header.
        allow: String,
    },
    /// The current state does not allow the request.
    #[error("{0}")]
    Conflict(Cow<'static, str>),
    /// A project must keep its last owner.
    #[error("A project needs an owner: make someone else owner first.")]
    LastOwner,
    /// The last active administrator must stay.
    #[error("There must be an active administrator.")]
    LastAdmin,
    /// The message was deleted, and only a tombstone remains.
    #[error("The message was deleted.")]
    Deleted,
    /// `If-Match` does not name the current version.
    #[error("The resource has changed since.")]
    VersionMismatch {
        /// The current entity tag.
        etag: String,
    },
    /// The body is larger than the route allows.
    #[error("The body is too large for this route.")]
    PayloadTooLarge,
    /// The content type is not JSON.
    #[error("The body must be application/json.")]
    UnsupportedMediaType,
    /// The body is compressed or otherwise encoded.
    #[error("The body must not be encoded: send it without Content-Encoding.")]
    UnsupportedEncoding,
    /// Some values are not valid. Every field error is listed.
    #[error("Some values are not valid.")]
    ValidationFailed(FieldErrors),
    /// The idempotency key was used with another body.
    #[error("This key was used with another body.")]
    IdempotencyMismatch,
    /// The account is temporarily locked.
    #[error("Too many failed attempts: wait before the next one.")]
    TooManyAttempts {
        /// Seconds to wait, rounded up.
        retry_after: u64,
    },
    /// A rate limit was exceeded.
    #[error("Too many requests: wait before the next one.")]
    TooManyRequests {
        /// Milliseconds until the next request may pass.
        retry_after_ms: u64,
    },
    /// The action of a socket frame does not exist.
    #[error("There is no such action.")]
    UnknownAction,
    /// The connection's token has expired and must be renewed.
    #[error("The connection's token has expired: renew it with the auth action.")]
    AuthExpired,
    /// An internal failure.
    #[error("Something went wrong here. It was noted.")]
    Internal(Internal),
    /// A service that we need did not respond. A retry may succeed.
    #[error("The service is busy: try again shortly.")]
    Unavailable(Internal),
}

impl Error {
    /// An invalid query parameter or header, with the reason.
    pub fn parameter(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::InvalidParameter(detail.into())
    }

    /// A single invalid value.
    pub fn field(path: impl Into<FieldPath>, code: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        Self::ValidationFailed(FieldError::new(path, code, detail).into())
    }

    /// An internal failure, with the cause for the log.
    pub fn internal(cause: impl ToString) -> Self {
        Self::Internal(Internal::new(cause))
    }

    /// The HTTP status and the stable code, from the contract's table.
    const fn status_and_code(&self) -> (u16, &'static str) {
        match self {
            Self::InvalidJson => (400, "invalid_json"),
            Self::InvalidParameter(_) => (400, "invalid_parameter"),
            Self::InvalidCursor => (400, "invalid_cursor"),
            Self::UnknownAction => (400, "unknown_action"),
            Self::InvalidLink => (400, "invalid_link"),
            Self::MissingToken => (401, "missing_token"),
            Self::InvalidToken => (401, "invalid_token"),
            Self::TokenExpired => (401, "token_expired"),
            Self::AuthExpired => (401, "auth_expired"),
            Self::SessionRevoked => (401, "session_revoked"),
            Self::InvalidCredentials => (401, "invalid_credentials"),
            Self::InvalidChallenge => (401, "invalid_challenge"),
            Self::InvalidCode => (401, "invalid_code"),
            Self::WrongCode => (403, "invalid_code"),
            Self::LoginNeeds { step, .. } => (403, step.code()),
            Self::InvalidRefreshToken => (401, "invalid_refresh_token"),
            Self::WrongPassword => (403, "invalid_credentials"),
            Self::Forbidden => (403, "forbidden"),
            Self::AccountPending => (403, "account_pending"),
            Self::NotFound => (404, "not_found"),
            Self::MethodNotAllowed { .. } => (405, "method_not_allowed"),
            Self::Conflict(_) => (409, "conflict"),
            Self::LastOwner => (409, "last_owner"),
            Self::LastAdmin => (409, "last_admin"),
            Self::Deleted => (409, "deleted"),
            Self::CursorExpired => (410, "cursor_expired"),
            Self::VersionMismatch { .. } => (412, "version_mismatch"),
            Self::PayloadTooLarge => (413, "payload_too_large"),
            Self::UnsupportedMediaType | Self::UnsupportedEncoding => (415, "unsupported_media_type"),
            Self::ValidationFailed(_) => (422, "validation_failed"),
            Self::IdempotencyMismatch => (422, "idempotency_mismatch"),
            Self::TooManyAttempts { .. } => (429, "too_many_attempts"),
            Self::TooManyRequests { .. } => (429, "too_many_requests"),
            Self::Internal(_) => (500, "internal"),
            Self::Unavailable(_) => (503, "unavailable"),
        }
    }

    /// The HTTP status.
    pub const fn status(&self) -> u16 {
        self.status_and_code().0
    }

    /// The stable, machine-readable code.
    pub const fn code(&self) -> &'static str {
        self.status_and_code().1
    }

    /// The field errors, if there are any.
    pub fn faults(&self) -> Vec<Fault<'_>> {
        match self {
            Self::ValidationFailed(errors) => errors.0.iter().map(Fault::from).collect(),
            _ => Vec::new(),
        }
    }

    /// The challenge of a login that needs another step, and how long it is valid in seconds.
    pub(super) fn challenge(&self) -> Option<(&str, u64)> {
        match self {
            Self::LoginNeeds { challenge, expires_in, .. } => Some((challenge, *expires_in)),
            _ => None,
        }
    }

    /// The cause for the log, if the failure is internal.
    pub fn cause(&self) -> Option<&str> {
        match self {
            Self::Internal(cause) | Self::Unavailable(cause) => Some(cause.for_log()),
            _ => None,
        }
    }

    /// The response headers of this error.
    pub fn headers(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::InvalidToken | Self::TokenExpired | Self::SessionRevoked | Self::AuthExpired => {
                vec![("www-authenticate", format!(r#"Bearer realm="mylg", error="invalid_token", error_description="{self}""#))]
            }
            Self::MissingToken | Self::InvalidCredentials | Self::InvalidRefreshToken | Self::InvalidChallenge | Self::InvalidCode => {
                vec![("www-authenticate", r#"Bearer realm="mylg""#.to_owned())]
            }
            Self::MethodNotAllowed { allow } => vec![("allow", allow.clone())],
            Self::UnsupportedEncoding => vec![("accept-encoding", "identity".to_owned())],
            Self::VersionMismatch { etag } => vec![("etag", etag.clone())],
            Self::TooManyAttempts { retry_after } => vec![("retry-after", retry_after.to_string())],
            Self::TooManyRequests { retry_after_ms } => vec![("retry-after", retry_after_ms.div_ceil(1000).max(1).to_string())],
            Self::Unavailable(_) => vec![("retry-after", "1".to_owned())],
            _ => Vec::new(),
        }
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::InvalidToken => Self::InvalidToken,
            Refusal::SessionRevoked => Self::SessionRevoked,
            Refusal::AccountPending => Self::AccountPending,
            Refusal::Forbidden => Self::Forbidden,
            Refusal::NotFound => Self::NotFound,
            Refusal::Conflict(detail) => Self::Conflict(detail),
            Refusal::Deleted => Self::Deleted,
            Refusal::CursorExpired => Self::CursorExpired,
            Refusal::IdempotencyMismatch => Self::IdempotencyMismatch,
            Refusal::Invalid(errors) => Self::ValidationFailed(errors),
            Refusal::RateLimited(limited) => limited.into(),
            Refusal::Store(error) => error.into(),
            Refusal::Service(error) => error.into(),
        }
    }
}

impl<E: DomainError> From<E> for Error {
    fn from(error: E) -> Self {
        Self::from(error.into())
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Busy(cause) => Self::Unavailable(cause),
            StoreError::Contended => Self::Unavailable(Internal::new(error)),
            StoreError::Broken(cause) => Self::Internal(cause),
        }
    }
}

impl From<RateLimited> for Error {
    fn from(limited: RateLimited) -> Self {
        Self::TooManyRequests { retry_after_ms: limited.retry_after_ms }
    }
}

impl From<IdempotencyMismatch> for Error {
    fn from(_: IdempotencyMismatch) -> Self {
        Self::IdempotencyMismatch
    }
}

impl From<InvalidJson> for Error {
    fn from(_: InvalidJson) -> Self {
        Self::InvalidJson
    }
}

impl From<FieldErrors> for Error {
    fn from(errors: FieldErrors) -> Self {
        Self::ValidationFailed(errors)
    }
}
