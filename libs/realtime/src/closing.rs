//! Why a connection ends, and what it is told.

use serde_json::{Value, json};

/// Why a connection ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CloseReason {
    /// Its login was ended.
    SessionRevoked,
    /// Its token's time is over and it was not renewed.
    TokenExpired,
    /// Its person's rights were replaced.
    RightsChanged,
    /// Its person's account waits for approval.
    AccountPending,
    /// Another person's token was used to renew it.
    AnotherPerson,
    /// The same tab has a newer one.
    Replaced,
    /// Its person has too many.
    TooManyConnections,
    /// Nobody knows it.
    UnknownConnection,
    /// Too many frames in a row made no sense.
    Strikes,
}

impl CloseReason {
    /// Why a connection ends whose login was refused. `None` when the error says nothing about the login.
    pub fn of_refusal(error: &access::Error) -> Option<Self> {
        match error {
            access::Error::SessionEnded => Some(Self::SessionRevoked),
            access::Error::RightsReplaced => Some(Self::RightsChanged),
            _ => None,
        }
    }

    /// What the connection is told; `reconnect` says whether it makes sense to come back, with a fresh token where that has ended.
    pub fn frame(self) -> Value {
        let (action, reason, reconnect) = match self {
            Self::SessionRevoked => ("sessionRevoked", "session_revoked", false),
            Self::TokenExpired => ("auth_expired", "token_expired", true),
            Self::RightsChanged => ("closing", "rights_changed", true),
            Self::AccountPending => ("closing", "account_pending", false),
            Self::AnotherPerson => ("closing", "another_person", false),
            Self::Replaced => ("closing", "replaced", false),
            Self::TooManyConnections => ("closing", "too_many_connections", false),
            Self::UnknownConnection => ("closing", "unknown_connection", true),
            Self::Strikes => ("closing", "strikes", false),
        };
        json!({"action": action, "reason": reason, "reconnect": reconnect})
    }
}
