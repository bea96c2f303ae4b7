//! Closing connections: why, what the client is told, and what happens to a connection that is gone (410).

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};
use shared_utils::ids::UserId;

use crate::connections::{Connection, Departure};
use crate::delivery::Delivery;
use crate::gateway::PostOutcome;

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

/// The last frame of a connection that this backend closes, or whose token has expired.
#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
pub struct CloseFrame {
    /// `sessionRevoked`, `auth_expired` or `closing`. A connection that is told `auth_expired` stays open for a minute, to be renewed.
    #[schemars(extend("enum" = ["sessionRevoked", "auth_expired", "closing"]))]
    action: &'static str,
    /// Why.
    #[schemars(extend("enum" = ["session_revoked", "token_expired", "rights_changed", "account_pending", "another_person", "replaced", "too_many_connections", "unknown_connection", "strikes"]))]
    reason: &'static str,
    /// Whether a client should connect again, with a fresh token where that has ended.
    reconnect: bool,
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
        json!(CloseFrame { action, reason, reconnect })
    }
}

impl Delivery {
    /// What happens to a connection whose token has expired: it is told so once, and closed at the next delivery that comes a minute later or
    /// more. In between it may be renewed.
    pub(crate) async fn expire(&self, connection: &Connection) -> Option<Departure> {
        match connection.told_expired_at {
            None => {
                self.gateway.post(&connection.connection_id, &CloseReason::TokenExpired.frame().to_string()).await;
                self.tell_expired(connection).await;
                None
            }
            Some(_) if connection.is_past_renewal(self.clock.now()) => self.close(connection, CloseReason::TokenExpired).await,
            Some(_) => None,
        }
    }

    /// Notes that a connection was told that its token's time is over.
    pub async fn tell_expired(&self, connection: &Connection) {
        if let Err(error) = self.connections.told_expired(connection).await {
            tracing::warn!(cause = error.for_log(), "it could not be noted that a connection's token has expired");
        }
    }

    /// Tells a connection why it ends, and closes it. `$disconnect` follows, and knows what that means to others; a departure when it
    /// turns out to be gone already, and none will follow.
    pub async fn close(&self, connection: &Connection, reason: CloseReason) -> Option<Departure> {
        if self.post(connection, &reason.frame().to_string()).await == PostOutcome::Gone {
            let departure = self.mark_gone(connection).await;
            if self.is_opening(connection) {
                // Its handshake may have ended only now.
                self.gateway.close(&connection.connection_id).await;
            }
            return departure;
        }
        // Noted before it is closed: `$disconnect` takes it out.
        if let Err(error) = self.connections.mark_ended(connection).await {
            tracing::warn!(cause = error.for_log(), "the end of a connection could not be noted");
        }
        self.gateway.close(&connection.connection_id).await;
        None
    }

    /// Tells a connection that no item knows why it ends, and closes it.
    pub async fn close_unknown(&self, connection_id: &str) {
        self.gateway.post(connection_id, &CloseReason::UnknownConnection.frame().to_string()).await;
        self.gateway.close(connection_id).await;
    }

    /// Ends the sockets of a person that `ends` names.
    pub async fn close_where(&self, user: UserId, reason: CloseReason, ends: impl Fn(&Connection) -> bool) -> Vec<Departure> {
        let connections = match self.connections.of_users(&[user]).await {
            Ok(connections) => connections,
            Err(error) => {
                tracing::warn!(cause = error.for_log(), "sockets that end could not be looked up");
                return Vec::new();
            }
        };
        let ended = connections.iter().filter(|connection| ends(connection)).map(|connection| self.close(connection, reason));
        futures_util::future::join_all(ended).await.into_iter().flatten().collect()
    }

    pub(crate) async fn mark_gone(&self, connection: &Connection) -> Option<Departure> {
        self.connections.mark_gone(connection).await.unwrap_or_else(|error| {
            tracing::warn!(cause = error.for_log(), "a connection that is gone could not be taken out; it expires by itself");
            None
        })
    }
}
