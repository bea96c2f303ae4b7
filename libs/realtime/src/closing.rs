//! Closing connections: the reasons, the frame that the client gets, and the handling of a connection that is gone (410).

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};
use shared_utils::ids::UserId;
use strum::VariantArray;

use crate::connections::{Connection, Departure};
use crate::delivery::Delivery;
use crate::gateway::PostOutcome;

/// Why a connection ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::VariantArray)]
pub enum CloseReason {
    /// Its session was ended.
    SessionRevoked,
    /// Its token expired and was not renewed.
    TokenExpired,
    /// Its user's rights were replaced.
    RightsChanged,
    /// Its user's account waits for approval.
    AccountPending,
    /// Another person's token was used to renew it.
    AnotherPerson,
    /// The same tab has a newer connection.
    Replaced,
    /// Its user has too many connections.
    TooManyConnections,
    /// The table has no item for it.
    UnknownConnection,
    /// Too many unrecognized frames in a row.
    Strikes,
}

/// The last frame of a connection that this backend closes, or whose token has expired.
#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
pub struct CloseFrame {
    /// `sessionRevoked`, `auth_expired` or `closing`. A connection that is told `auth_expired` stays open for a minute, to be renewed.
    action: &'static str,
    /// Why.
    reason: &'static str,
    /// Whether a client should connect again, with a fresh token where that has ended.
    reconnect: bool,
}

impl CloseReason {
    /// The reason to close a connection whose session was refused. `None` when the error is not about the session.
    pub fn of_refusal(error: &access::Error) -> Option<Self> {
        match error {
            access::Error::SessionEnded => Some(Self::SessionRevoked),
            access::Error::RightsReplaced => Some(Self::RightsChanged),
            _ => None,
        }
    }

    /// The frame that the client gets. `reconnect` says whether to reconnect, with a fresh token if the old one has expired.
    pub fn frame(self) -> Value {
        json!(self.content())
    }

    /// The reasons that each action has, for the generated contract.
    pub fn by_action() -> BTreeMap<&'static str, Vec<&'static str>> {
        let mut actions: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for CloseFrame { action, reason, .. } in Self::VARIANTS.iter().map(|close| close.content()) {
            actions.entry(action).or_default().push(reason);
        }
        actions
    }

    const fn content(self) -> CloseFrame {
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
        CloseFrame { action, reason, reconnect }
    }
}

impl Delivery {
    /// Handles a connection whose token has expired. The first delivery notifies the client. A delivery at least a minute later closes the
    /// connection. In between it may be renewed.
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

    /// Records that a connection was notified of its token's expiry.
    pub async fn tell_expired(&self, connection: &Connection) {
        if let Err(error) = self.connections.told_expired(connection).await {
            tracing::warn!(cause = error.for_log(), "it could not be noted that a connection's token has expired");
        }
    }

    /// Sends a connection the reason and closes it. `$disconnect` follows and handles the effects on others. If the connection is already gone,
    /// no `$disconnect` follows, and this returns the departure.
    pub async fn close(&self, connection: &Connection, reason: CloseReason) -> Option<Departure> {
        if self.post(connection, &reason.frame().to_string()).await == PostOutcome::Gone {
            let departure = self.mark_gone(connection).await;
            if self.is_opening(connection) {
                // The handshake may have finished only now.
                self.gateway.close(&connection.connection_id).await;
            }
            return departure;
        }
        // Recorded before the close, because `$disconnect` removes the item.
        if let Err(error) = self.connections.mark_ended(connection).await {
            tracing::warn!(cause = error.for_log(), "the end of a connection could not be noted");
        }
        self.gateway.close(&connection.connection_id).await;
        None
    }

    /// Sends the reason to a connection without an item, and closes it.
    pub async fn close_unknown(&self, connection_id: &str) {
        self.gateway.post(connection_id, &CloseReason::UnknownConnection.frame().to_string()).await;
        self.gateway.close(connection_id).await;
    }

    /// Closes the connections of a person that `ends` selects.
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
