//! Delivery of frames: to every live connection of every person concerned, once each.

use std::sync::Arc;
use std::time::Duration;

use access::revocations::Revocations;
use futures_util::stream::{self, StreamExt};
use serde_json::{Value, json};
use shared_utils::clock::Clock;
use shared_utils::http::Error;
use shared_utils::ids::{SessionId, UserId};

use crate::connections::{Connection, Connections};
use crate::ending::Ending;
use crate::gateway::{Gateway, PostOutcome};

/// The largest frame that API Gateway carries, in bytes.
const MAX_FRAME: usize = 32 * 1024;
/// Posts under way at once.
const CONCURRENCY: usize = 32;
/// `$connect` writes before the upgrade is finished, so a connection this young may answer 410 and be alive all the same.
const OPENING_SECONDS: i64 = 30;
/// How long to wait before such a connection is tried again.
const OPENING_WAIT: Duration = Duration::from_millis(500);

/// The text of a frame. One over 32 KB goes without its message's text and attachments, marked `truncated`: the client fetches it.
pub fn frame_text(frame: &Value) -> String {
    let text = frame.to_string();
    if text.len() <= MAX_FRAME {
        return text;
    }
    let mut short = frame.clone();
    for place in ["", "/message"] {
        if let Some(Value::Object(fields)) = short.pointer_mut(place)
            && fields.contains_key("text")
        {
            fields.insert("text".to_owned(), Value::Null);
            fields.insert("attachments".to_owned(), json!([]));
        }
    }
    short["truncated"] = json!(true);
    short.to_string()
}

/// Announces what happened to the people concerned.
#[derive(Clone)]
pub struct Announcer {
    connections: Connections,
    gateway: Gateway,
    revocations: Arc<Revocations>,
    clock: Clock,
}

/// What became of one announcement, by connections.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Tally {
    delivered: usize,
    gone: usize,
    failed: usize,
    ended: usize,
}

impl Announcer {
    /// An announcer on these connections.
    pub fn new(connections: Connections, gateway: Gateway, revocations: Arc<Revocations>, clock: Clock) -> Self {
        Self { connections, gateway, revocations, clock }
    }

    /// Sends a frame to every live connection of these people. Never fails: what could not be delivered is logged by count.
    pub async fn announce(&self, people: &[UserId], frame: &Value) {
        let connections = match self.connections.of_users(people).await {
            Ok(connections) => connections,
            Err(error) => {
                tracing::warn!(cause = Error::from(error).cause(), people = people.len(), "nobody could be looked up for a delivery");
                return;
            }
        };
        let text = frame_text(frame);
        let text = &text;
        let tally = stream::iter(connections)
            .map(|connection| async move { self.deliver(&connection, text).await })
            .buffer_unordered(CONCURRENCY)
            .fold(Tally::default(), async |tally, outcome| Tally {
                delivered: tally.delivered + outcome.delivered,
                gone: tally.gone + outcome.gone,
                failed: tally.failed + outcome.failed,
                ended: tally.ended + outcome.ended,
            })
            .await;
        let action = frame.get("action").and_then(Value::as_str).unwrap_or_default();
        tracing::info!(action, delivered = tally.delivered, gone = tally.gone, failed = tally.failed, ended = tally.ended, "announced");
    }

    /// Posts to one connection, unless its login or its token has ended: then that is what it is told, and it is closed.
    async fn deliver(&self, connection: &Connection, text: &str) -> Tally {
        match self.revocations.check(connection.user_id, connection.session_id, connection.version).await {
            Ok(()) if connection.is_live(self.clock.now()) => {}
            Ok(()) => {
                self.expire(connection).await;
                return Tally { ended: 1, ..Tally::default() };
            }
            Err(error) => {
                let Some(ending) = Ending::of_refusal(&error) else { return Tally { failed: 1, ..Tally::default() } };
                self.end(connection, ending).await;
                return Tally { ended: 1, ..Tally::default() };
            }
        }
        let mut outcome = self.gateway.post(&connection.connection_id, text).await;
        let opening = self.clock.now().millis_since(connection.connected_at) < OPENING_SECONDS * 1000;
        if outcome == PostOutcome::Gone && opening {
            tokio::time::sleep(OPENING_WAIT).await;
            outcome = self.gateway.post(&connection.connection_id, text).await;
        }
        match outcome {
            PostOutcome::Delivered => Tally { delivered: 1, ..Tally::default() },
            PostOutcome::Failed => Tally { failed: 1, ..Tally::default() },
            PostOutcome::Gone => {
                if !opening {
                    self.remove(connection).await;
                }
                Tally { gone: 1, ..Tally::default() }
            }
        }
    }

    /// What happens to a connection whose token's time is over: it is told so, once, and closed by whoever meets it a minute later.
    /// In between it may be renewed.
    pub async fn expire(&self, connection: &Connection) {
        match connection.told_expired_at {
            None => {
                self.gateway.post(&connection.connection_id, &Ending::TokenExpired.frame().to_string()).await;
                self.tell_expired(connection).await;
            }
            Some(_) if connection.is_past_renewal(self.clock.now()) => self.end(connection, Ending::TokenExpired).await,
            Some(_) => {}
        }
    }

    /// Notes that a connection was told that its token's time is over.
    pub async fn tell_expired(&self, connection: &Connection) {
        if let Err(error) = self.connections.told_expired(connection).await {
            tracing::warn!(cause = Error::from(error).cause(), "it could not be noted that a connection's token has expired");
        }
    }

    /// Tells a connection why it ends, closes it and removes it.
    pub async fn end(&self, connection: &Connection, ending: Ending) {
        self.gateway.post(&connection.connection_id, &ending.frame().to_string()).await;
        self.gateway.close(&connection.connection_id).await;
        self.remove(connection).await;
    }

    /// Tells a connection that no item knows why it ends, and closes it.
    pub async fn close_unknown(&self, connection_id: &str) {
        self.gateway.post(connection_id, &Ending::UnknownConnection.frame().to_string()).await;
        self.gateway.close(connection_id).await;
    }

    /// Ends the sockets of these logins of a person.
    pub async fn end_sessions(&self, user: UserId, sessions: &[SessionId]) {
        self.end_where(user, Ending::SessionRevoked, |connection| sessions.contains(&connection.session_id)).await;
    }

    /// Ends all sockets of a person.
    pub async fn end_all(&self, user: UserId, ending: Ending) {
        self.end_where(user, ending, |_| true).await;
    }

    async fn end_where(&self, user: UserId, ending: Ending, ends: impl Fn(&Connection) -> bool) {
        let connections = match self.connections.of_users(&[user]).await {
            Ok(connections) => connections,
            Err(error) => {
                tracing::warn!(cause = Error::from(error).cause(), "sockets that end could not be looked up");
                return;
            }
        };
        let ended = connections.iter().filter(|connection| ends(connection)).map(|connection| self.end(connection, ending));
        futures_util::future::join_all(ended).await;
    }

    async fn remove(&self, connection: &Connection) {
        if let Err(error) = self.connections.remove(connection).await {
            tracing::warn!(cause = Error::from(error).cause(), "the item of a dead connection could not be removed; it expires by itself");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_over_32_kb_goes_without_its_text() {
        let frame = |length: usize| json!({"action": "newMessage", "seq": 7, "text": "x".repeat(length), "attachments": [{"key": "a"}]});
        let overhead = frame(0).to_string().len();
        let fits = frame_text(&frame(MAX_FRAME - overhead));
        assert_eq!(fits.len(), MAX_FRAME);
        let short: Value = serde_json::from_str(&frame_text(&frame(MAX_FRAME - overhead + 1))).unwrap();
        assert_eq!(short, json!({"action": "newMessage", "seq": 7, "text": null, "attachments": [], "truncated": true}));
    }
}
