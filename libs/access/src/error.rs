//! Why access is refused.

use shared_utils::dynamo::StoreError;
use shared_utils::rate_limit::RateLimited;
use shared_utils::refusal::{DomainError, Refusal};

/// Why access is refused.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The session behind the token has ended.
    #[error("the session has ended")]
    SessionEnded,
    /// The rights that the token was issued for were replaced.
    #[error("the rights were replaced")]
    RightsReplaced,
    /// The account waits for approval.
    #[error("the account waits for approval")]
    AccountPending,
    /// The ticket is unknown, used or expired.
    #[error("the ticket does not count")]
    InvalidTicket,
    /// The person is not in the team, or the team does not exist.
    #[error("the person is not in the team")]
    NotInTeam,
    /// The person's role in the team is too low.
    #[error("the role is too small")]
    RoleTooSmall,
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
            Error::SessionEnded => Self::SessionRevoked,
            Error::RightsReplaced | Error::InvalidTicket => Self::InvalidToken,
            Error::AccountPending => Self::AccountPending,
            Error::NotInTeam => Self::NotFound,
            Error::RoleTooSmall => Self::Forbidden,
            Error::RateLimited(limited) => Self::RateLimited(limited),
            Error::Store(error) => Self::Store(error),
        }
    }
}

impl DomainError for Error {}
