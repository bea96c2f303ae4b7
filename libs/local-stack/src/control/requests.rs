//! The events that functions handled lately, and the frames of sockets.

use std::convert::Infallible;
use std::time::Duration;

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use serde_json::{Value, json};

use super::Control;
use crate::feed::{Direction, Event, Feed, Frame, Watcher, is_sum, text_member};
use crate::records::{CallRecord, round_trips};

/// The wait before entries are sent: several are sent together.
const PAUSE: Duration = Duration::from_millis(150);
/// The wait under load. A page that draws every request would slow the requests down. After one quiet wait, the load is over.
const LONG_PAUSE: Duration = Duration::from_secs(2);
/// The entries of one line. The newest are sent.
const MOST: usize = 60;
/// An empty line is sent after this time, so that a connection that is gone is noticed.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// Lines of JSON, without end: `{"events": […], "skipped": 0, "frames": […], "skippedFrames": 0}`. The first has everything that is kept.
pub(super) async fn feed(State(control): State<Control>) -> Response {
    let reader = Reader { watcher: control.feed.watch(), feed: control.feed, changed: 0, frame: 0, pause: None };
    let lines = stream::unfold(reader, |mut reader| async move { Some((Ok::<_, Infallible>(reader.next().await), reader)) });
    ([(CONTENT_TYPE, "application/x-ndjson")], Body::from_stream(lines)).into_response()
}

struct Reader {
    feed: Feed,
    watcher: Watcher,
    changed: u64,
    frame: u64,
    /// Absent before the first line.
    pause: Option<Duration>,
}

impl Reader {
    async fn next(&mut self) -> String {
        let is_first = self.pause.is_none();
        while let Some(pause) = self.pause {
            let limit = if self.watcher.is_crowded() { LONG_PAUSE } else { HEARTBEAT };
            if tokio::time::timeout(limit, self.watcher.changed()).await.is_ok() {
                tokio::time::sleep(pause).await;
                break;
            }
            if !self.watcher.is_crowded() {
                return "\n".to_owned();
            }
            self.watcher.set_crowded(false);
            self.pause = Some(PAUSE);
        }
        let (events, frames, changed) = self.feed.since(self.changed, self.frame);
        (self.changed, self.frame) = (changed, frames.last().map_or(self.frame, |frame| frame.id));
        let is_crowded = !is_first && events.len() + frames.len() > MOST;
        self.watcher.set_crowded(is_crowded);
        self.pause = Some(if is_crowded { LONG_PAUSE } else { PAUSE });
        let over = |count: usize| if is_crowded { count.saturating_sub(MOST) } else { 0 };
        let (skipped, skipped_frames) = (over(events.len()), over(frames.len()));
        let (events, frames) = (&events[skipped..], &frames[skipped_frames..]);
        let lines = self.feed.sums(&events.iter().map(|event| event.request_id.as_str()).collect::<Vec<_>>());
        let events: Vec<Value> = events.iter().map(|event| summary(event, lines.get(&event.request_id).map(String::as_str))).collect();
        let frames: Vec<Value> = frames.iter().map(frame).collect();
        format!("{}\n", json!({"events": events, "skipped": skipped, "frames": frames, "skippedFrames": skipped_frames}))
    }
}

/// What the list shows. `line` is the log line that sums the event up.
fn summary(event: &Event, line: Option<&str>) -> Value {
    let outcome = event.outcome.as_ref();
    let member = |name| line.and_then(|line| text_member(line, name));
    json!({
        "id": event.id,
        "at": event.at,
        "function": event.function,
        "label": event.label,
        "status": outcome.map(|outcome| outcome.status),
        "code": member("code"),
        "route": member("route"),
        "action": member("action"),
        "userId": member("userId"),
        "connectionId": member("connectionId"),
        "ms": outcome.map(|outcome| millis(outcome.duration)),
        "cold": event.cold,
        "calls": outcome.map(|outcome| outcome.calls.len()),
        "roundTrips": outcome.map(|outcome| round_trips(&outcome.calls)),
    })
}

/// `{"id": 1, "connectionId": "…", "direction": "toClient", "at": "…", "text": "…", "eventId": 2}`
fn frame(frame: &Frame) -> Value {
    let direction = match frame.direction {
        Direction::FromClient => "fromClient",
        Direction::ToClient => "toClient",
        Direction::Opened => "opened",
        Direction::Closed => "closed",
    };
    json!({
        "id": frame.id, "connectionId": frame.connection, "direction": direction, "at": frame.at, "text": frame.text, "eventId": frame.event,
    })
}

/// Everything about one event: what the function got and returned, its calls, its log lines and the frames that it sent.
pub(super) async fn event(State(control): State<Control>, Path(id): Path<u64>) -> Result<Json<Value>, StatusCode> {
    let (event, frames) = control.feed.event(id).ok_or(StatusCode::NOT_FOUND)?;
    let lines = control.feed.lines_of(&event.request_id);
    let outcome = event.outcome.as_ref();
    let calls = outcome.map(|outcome| outcome.calls.as_slice()).unwrap_or_default();
    let after = event.after.as_deref().unwrap_or_default();
    let calls: Vec<Value> = calls.iter().map(|one| call(one, &event, false)).chain(after.iter().map(|one| call(one, &event, true))).collect();
    let mut detail = summary(&event, lines.iter().rev().find(|line| is_sum(line)).map(String::as_str));
    detail["requestId"] = json!(event.request_id);
    detail["waitedMs"] = json!(millis(event.waited));
    detail["event"] = parsed(&event.payload);
    detail["answer"] = outcome.and_then(|outcome| outcome.answer.as_deref().ok()).map_or(Value::Null, parsed);
    detail["error"] = json!(outcome.and_then(|outcome| outcome.answer.as_ref().err()));
    detail["isCut"] = json!(event.is_cut);
    detail["isDone"] = json!(event.after.is_some());
    detail["allCalls"] = json!(calls);
    detail["lines"] = json!(lines);
    detail["deliveries"] = json!(frames.iter().map(frame).collect::<Vec<_>>());
    Ok(Json(detail))
}

/// A call: times in milliseconds since the event came.
fn call(call: &CallRecord, event: &Event, is_after: bool) -> Value {
    let (from, to) = call.times_since(event.started);
    let accesses: Vec<Value> = call
        .accesses
        .iter()
        .map(|access| json!({"action": access.action, "table": access.table, "index": access.index, "keys": access.keys}))
        .collect();
    json!({
        "action": call.action,
        "target": call.target,
        "accesses": accesses,
        "status": call.status,
        "error": call.error,
        "fault": call.fault,
        "read": call.capacity.read,
        "write": call.capacity.write,
        "from": millis(from),
        "to": millis(to),
        "afterResponse": is_after,
    })
}

/// JSON as JSON, anything else as text: what was too large is cut.
fn parsed(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).unwrap_or_else(|_| json!(String::from_utf8_lossy(bytes)))
}

/// Milliseconds, to a hundredth.
fn millis(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e5).round() / 100.0
}
