//! Delivery of frames: once to every live connection of every person concerned.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use access::revocations::Revocations;
use futures_util::stream::{self, StreamExt};
use serde_json::{Value, json};
use shared_utils::clock::Clock;
use shared_utils::event_context::{Counter, count};
use shared_utils::ids::UserId;

use crate::closing::CloseReason;
use crate::connections::{Connection, Connections, Departure};
use crate::gateway::{ConnectionsApi, PostOutcome};

/// The largest frame that API Gateway accepts, in bytes.
const MAX_FRAME: usize = 32 * 1024;
/// Number of concurrent posts. A process may have 1,024 open files.
const CONCURRENCY: usize = 512;
/// `$connect` writes the item before the upgrade is finished, so a connection this young may return 410 although it is alive.
const OPENING_SECONDS: i64 = 30;
/// How long to wait before a retry on such a connection.
const OPENING_WAIT: Duration = Duration::from_millis(500);

/// The fields that a frame over 32 KB loses: first its message's text and attachments, then, if needed, its reactions, a project's fields or the
/// project.
const TRUNCATIONS: [&[(&str, Value)]; 2] = [
    &[("text", Value::Null), ("attachments", Value::Array(Vec::new()))],
    &[("reactions", Value::Null), ("fields", Value::Null), ("project", Value::Null)],
];

/// The text of a frame. A frame over 32 KB loses its large fields and is marked `truncated`; the client fetches them.
pub fn frame_text(frame: &Value) -> String {
    let mut text = frame.to_string();
    if text.len() <= MAX_FRAME {
        return text;
    }
    let mut short = frame.clone();
    short["truncated"] = json!(true);
    for fields in TRUNCATIONS {
        for place in ["", "/message"] {
            let Some(Value::Object(object)) = short.pointer_mut(place) else { continue };
            for (name, nothing) in fields {
                if let Some(value) = object.get_mut(*name) {
                    *value = nothing.clone();
                }
            }
        }
        text = short.to_string();
        if text.len() <= MAX_FRAME {
            break;
        }
    }
    text
}

/// What to do where a connection may still be opening.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OnOpening {
    /// Wait and post again.
    Retry,
    /// Leave it out, because the client asks when it is open. Nothing waits for it.
    GiveUp,
}

/// Delivers frames to the people concerned.
#[derive(Clone)]
pub struct Delivery {
    pub(crate) connections: Connections,
    pub(crate) gateway: ConnectionsApi,
    pub(crate) revocations: Arc<Revocations>,
    pub(crate) clock: Clock,
}

/// The result of one broadcast, counted by connection.
#[derive(Debug, Default, Clone)]
struct Tally {
    delivered: usize,
    gone: usize,
    /// Of those that failed: refused by a throttle each time.
    throttled: usize,
    failed: usize,
    ended: usize,
    outcome: Delivered,
}

/// Whom a broadcast reached, and the connections that it found gone.
#[derive(Debug, Default, Clone)]
pub struct Delivered {
    /// The people of whom at least one connection got the frame.
    pub reached: BTreeSet<UserId>,
    /// The connections that were found gone. The caller handles the effects on others.
    pub departures: Vec<Departure>,
}

impl Tally {
    /// One connection that did not get the frame, and the departure that this showed.
    fn departed(departure: Option<Departure>) -> Self {
        Self { outcome: Delivered { departures: departure.into_iter().collect(), ..Delivered::default() }, ..Self::default() }
    }

    fn with(mut self, other: Self) -> Self {
        self.outcome.reached.extend(other.outcome.reached);
        self.outcome.departures.extend(other.outcome.departures);
        Self {
            delivered: self.delivered + other.delivered,
            gone: self.gone + other.gone,
            throttled: self.throttled + other.throttled,
            failed: self.failed + other.failed,
            ended: self.ended + other.ended,
            outcome: self.outcome,
        }
    }
}

impl Delivery {
    /// Delivery to these connections.
    pub fn new(connections: Connections, gateway: ConnectionsApi, revocations: Arc<Revocations>, clock: Clock) -> Self {
        Self { connections, gateway, revocations, clock }
    }

    /// Sends a frame to every live connection of these people that `admits` accepts. Never fails: the log has the number of failed deliveries.
    /// Connections found gone are removed and returned; the caller handles the effects on others.
    pub async fn broadcast(&self, people: &[UserId], frame: &Value, admits: impl Fn(&Connection) -> bool) -> Vec<Departure> {
        self.broadcast_reaching(people, frame, admits).await.departures
    }

    /// Like [`Self::broadcast`]. Also says whom it reached: nobody, if the connections cannot be read.
    pub async fn broadcast_reaching(&self, people: &[UserId], frame: &Value, admits: impl Fn(&Connection) -> bool) -> Delivered {
        let text: Arc<str> = frame_text(frame).into();
        let Some(connections) = self.connections_of(people).await else { return Delivered::default() };
        self.deliver_to(connections, (frame, OnOpening::Retry), |connection| admits(connection).then(|| text.clone())).await
    }

    /// Like [`Self::broadcast`], with a separate frame for each person.
    pub async fn broadcast_each(&self, frames: &[(UserId, Value)]) -> Vec<Departure> {
        let people: Vec<UserId> = frames.iter().map(|(user, _)| *user).collect();
        let Some(connections) = self.connections_of(&people).await else { return Vec::new() };
        self.deliver_each(connections, frames).await
    }

    /// Sends to each of these connections the frame for its person, if there is one.
    pub async fn deliver_each(&self, connections: Vec<Connection>, frames: &[(UserId, Value)]) -> Vec<Departure> {
        let texts: HashMap<UserId, Arc<str>> = frames.iter().map(|(user, frame)| (*user, frame_text(frame).into())).collect();
        let Some((_, first)) = frames.first() else { return Vec::new() };
        self.deliver_to(connections, (first, OnOpening::Retry), |connection| texts.get(&connection.user_id).cloned()).await.departures
    }

    /// The open connections of these people. `None`, with a line in the log, if they cannot be read.
    pub async fn connections_of(&self, people: &[UserId]) -> Option<Vec<Connection>> {
        let found = self.connections.of_users(people).await;
        found.inspect_err(|error| tracing::warn!(cause = error.for_log(), people = people.len(), "nobody could be looked up for a delivery")).ok()
    }

    /// Posts to each of these connections what `text_for` has for it. `frame` is one of the frames, for the log.
    pub(crate) async fn deliver_to(
        &self,
        connections: Vec<Connection>,
        (frame, on_opening): (&Value, OnOpening),
        text_for: impl Fn(&Connection) -> Option<Arc<str>>,
    ) -> Delivered {
        let action = action_of(frame);
        let posts: Vec<_> = connections.into_iter().filter_map(|connection| Some((text_for(&connection)?, connection))).collect();
        let tally = stream::iter(posts)
            .map(|(text, connection)| async move { self.deliver(&connection, &text, on_opening).await })
            .buffer_unordered(CONCURRENCY)
            .fold(Tally::default(), async |tally, outcome| tally.with(outcome))
            .await;
        count(Counter::Deliveries, tally.delivered);
        count(Counter::ThrottledPosts, tally.throttled);
        tracing::info!(
            action,
            delivered = tally.delivered,
            gone = tally.gone,
            throttled = tally.throttled,
            failed = tally.failed,
            ended = tally.ended,
            "broadcast"
        );
        tally.outcome
    }

    /// Posts to one connection. Closes it if its session has ended. If its token has expired, sends the notice or closes it.
    async fn deliver(&self, connection: &Connection, text: &str, on_opening: OnOpening) -> Tally {
        match self.revocations.check(connection.user_id, connection.session_id, connection.version).await {
            Ok(()) if connection.is_live(self.clock.now()) => {}
            Ok(()) => {
                return Tally { ended: 1, ..Tally::departed(self.expire(connection).await) };
            }
            Err(error) => {
                let Some(reason) = CloseReason::of_refusal(&error) else { return Tally { failed: 1, ..Tally::default() } };
                return Tally { ended: 1, ..Tally::departed(self.close(connection, reason).await) };
            }
        }
        let outcome = match on_opening {
            OnOpening::Retry => self.post(connection, text).await,
            OnOpening::GiveUp => self.gateway.post(&connection.connection_id, text).await,
        };
        match outcome {
            PostOutcome::Delivered => {
                let outcome = Delivered { reached: BTreeSet::from([connection.user_id]), ..Delivered::default() };
                Tally { delivered: 1, outcome, ..Tally::default() }
            }
            PostOutcome::Throttled => Tally { throttled: 1, failed: 1, ..Tally::default() },
            PostOutcome::Failed => Tally { failed: 1, ..Tally::default() },
            PostOutcome::Gone => {
                let departure = if self.is_opening(connection) { None } else { self.mark_gone(connection).await };
                Tally { gone: 1, ..Tally::departed(departure) }
            }
        }
    }

    /// Posts to one connection. Retries once if the connection may still be opening.
    pub(crate) async fn post(&self, connection: &Connection, text: &str) -> PostOutcome {
        let outcome = self.gateway.post(&connection.connection_id, text).await;
        if outcome != PostOutcome::Gone || !self.is_opening(connection) {
            return outcome;
        }
        tokio::time::sleep(OPENING_WAIT).await;
        self.gateway.post(&connection.connection_id, text).await
    }

    pub(crate) fn is_opening(&self, connection: &Connection) -> bool {
        self.clock.now().millis_since(connection.connected_at) < OPENING_SECONDS * 1000
    }
}

/// The action name of a frame.
fn action_of(frame: &Value) -> &str {
    frame.get("action").and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_over_32_kb_are_sent_without_their_text() {
        let frame = |length: usize| json!({"action": "newMessage", "seq": 7, "text": "x".repeat(length), "attachments": [{"key": "a"}]});
        let overhead = frame(0).to_string().len();
        let fits = frame_text(&frame(MAX_FRAME - overhead));
        assert_eq!(fits.len(), MAX_FRAME);
        let short: Value = serde_json::from_str(&frame_text(&frame(MAX_FRAME - overhead + 1))).unwrap();
        assert_eq!(short, json!({"action": "newMessage", "seq": 7, "text": null, "attachments": [], "truncated": true}));
        let team = json!({"action": "teamChanged", "role": "viewer", "project": {"thumbnails": vec!["x".repeat(500); 100]}});
        let short: Value = serde_json::from_str(&frame_text(&team)).unwrap();
        assert_eq!(short, json!({"action": "teamChanged", "role": "viewer", "project": null, "truncated": true}));
    }
}
