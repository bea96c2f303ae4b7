//! What the feed keeps.

use std::time::{Duration, Instant};

use axum::body::Bytes;
use shared_utils::clock::Timestamp;

use crate::lambda::request_id;
use crate::records::CallRecord;

/// Payloads and frames over this size, in bytes, are cut.
pub(super) const LARGEST: usize = 256 * 1024;

/// An event of a function.
#[derive(Debug, Clone)]
pub(crate) struct Event {
    /// Counts from 1.
    pub(crate) id: u64,
    /// The number of the latest change of this entry.
    pub(crate) changed: u64,
    /// The request id that Lambda gave it. Log lines have it.
    pub(crate) request_id: String,
    pub(crate) function: String,
    /// `METHOD /path`, or a WebSocket route.
    pub(crate) label: String,
    pub(crate) at: Timestamp,
    pub(crate) started: Instant,
    /// How long it waited for a sandbox, the start of a new one included.
    pub(crate) waited: Duration,
    pub(crate) cold: bool,
    /// The event as JSON.
    pub(crate) payload: Bytes,
    /// Whether the end of the event is missing, because it was too large to keep.
    pub(crate) is_cut: bool,
    /// Absent while the function works.
    pub(crate) outcome: Option<Outcome>,
    /// The calls after the response. Absent until the function asks for the next event.
    pub(crate) after: Option<Vec<CallRecord>>,
}

impl Event {
    /// An event that waits for a sandbox.
    pub(crate) fn new(function: &str, label: &str, payload: Bytes, at: Timestamp) -> Self {
        Self {
            id: 0,
            changed: 0,
            request_id: request_id(),
            function: function.to_owned(),
            label: label.to_owned(),
            at,
            started: Instant::now(),
            waited: Duration::ZERO,
            cold: false,
            is_cut: payload.len() > LARGEST,
            payload: cut(payload),
            outcome: None,
            after: None,
        }
    }
}

/// What became of an event.
#[derive(Debug, Clone)]
pub(crate) struct Outcome {
    pub(crate) status: u16,
    pub(crate) duration: Duration,
    /// The function's response as JSON, or the reason why it did not respond.
    pub(crate) answer: Result<Bytes, String>,
    pub(crate) calls: Vec<CallRecord>,
}

/// The direction of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    FromClient,
    ToClient,
    /// The connection was opened.
    Opened,
    /// The connection was closed.
    Closed,
}

/// A frame, or the beginning or end of a connection.
#[derive(Debug, Clone)]
pub(crate) struct Frame {
    pub(crate) id: u64,
    pub(crate) connection: String,
    pub(crate) direction: Direction,
    pub(crate) at: Timestamp,
    /// The frame; for the end of a connection its close code and reason.
    pub(crate) text: String,
    /// The event whose function sent it.
    pub(crate) event: Option<u64>,
}

/// Whether a log line is the one that every event has: it names the person and the code.
pub(crate) fn is_sum(line: &str) -> bool {
    ["request", "socket event"].iter().any(|message| text_member(line, "message") == Some(message))
}

/// The same bytes, at most [`LARGEST`]. What is cut is copied, so that the rest is freed.
pub(super) fn cut(bytes: Bytes) -> Bytes {
    if bytes.len() > LARGEST { Bytes::copy_from_slice(&bytes[..LARGEST]) } else { bytes }
}

/// The text of a member of a JSON object in a log line, if it needs no escapes: ids do not.
pub(crate) fn text_member<'a>(line: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = line.split_once(&format!("\"{name}\":\""))?;
    rest.split_once('"').map(|(value, _)| value)
}
