//! What happened lately, for the console: events with their calls and log lines, and the frames of sockets. Old entries go.
//!
//! Recording is always on, so that a fault can be looked at after it has occurred. It moves what is there anyway: log lines are searched for
//! their request id, and nothing else is parsed or serialised before somebody looks.

mod entries;

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use shared_utils::clock::Timestamp;
use tokio::sync::watch;

use crate::records::CallRecord;
use entries::{LARGEST, cut};

pub(crate) use entries::{Direction, Event, Frame, Outcome, is_sum, text_member};

/// The events that are kept.
const EVENTS: usize = 500;
/// The frames that are kept.
const FRAMES: usize = 1_000;
/// The log lines that are kept.
const LINES: usize = 4_000;

#[derive(Default)]
struct State {
    changes: u64,
    last_event: u64,
    last_frame: u64,
    events: VecDeque<Event>,
    frames: VecDeque<Frame>,
    /// Request id and line.
    lines: VecDeque<(String, String)>,
    /// The events that sandboxes work on, by the sandbox's access key.
    running: HashMap<String, u64>,
}

struct Inner {
    state: Mutex<State>,
    changes: watch::Sender<u64>,
    watchers: AtomicUsize,
    /// The watchers that are shown a part only, because more happens than a page can draw.
    crowded: AtomicUsize,
}

impl std::fmt::Debug for Feed {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Feed")
    }
}

/// What happened lately. Clones share one state.
#[derive(Clone)]
pub(crate) struct Feed(Arc<Inner>);

impl Default for Feed {
    fn default() -> Self {
        Self(Arc::new(Inner { state: Mutex::default(), changes: watch::Sender::new(0), watchers: AtomicUsize::new(0), crowded: AtomicUsize::new(0) }))
    }
}

/// Somebody who looks at the feed, until it is dropped.
pub(crate) struct Watcher {
    feed: Feed,
    changes: watch::Receiver<u64>,
    is_crowded: bool,
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.set_crowded(false);
        self.feed.0.watchers.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Watcher {
    /// Waits until something has happened since the last call.
    pub(crate) async fn changed(&mut self) {
        let _ = self.changes.changed().await;
    }

    /// Whether this watcher is shown a part only.
    pub(crate) fn is_crowded(&self) -> bool {
        self.is_crowded
    }

    /// Notes whether this watcher is shown a part only.
    pub(crate) fn set_crowded(&mut self, is_crowded: bool) {
        match (self.is_crowded, is_crowded) {
            (false, true) => self.feed.0.crowded.fetch_add(1, Ordering::SeqCst),
            (true, false) => self.feed.0.crowded.fetch_sub(1, Ordering::SeqCst),
            _ => return,
        };
        self.is_crowded = is_crowded;
    }
}

impl Feed {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts to watch.
    pub(crate) fn watch(&self) -> Watcher {
        self.0.watchers.fetch_add(1, Ordering::SeqCst);
        Watcher { feed: self.clone(), changes: self.0.changes.subscribe(), is_crowded: false }
    }

    /// Whether somebody watches.
    pub(crate) fn is_watched(&self) -> bool {
        self.0.watchers.load(Ordering::SeqCst) > 0
    }

    /// Whether somebody watches who is shown everything.
    pub(crate) fn is_watched_closely(&self) -> bool {
        self.0.watchers.load(Ordering::SeqCst) > self.0.crowded.load(Ordering::SeqCst)
    }

    fn change<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.state();
        state.changes += 1;
        let result = work(&mut state);
        let changes = state.changes;
        drop(state);
        if self.is_watched() {
            self.0.changes.send_replace(changes);
        }
        result
    }

    /// Notes that an event has come. Returns its number.
    pub(crate) fn begin(&self, mut event: Event) -> u64 {
        self.change(|state| {
            state.last_event += 1;
            (event.id, event.changed) = (state.last_event, state.changes);
            if state.events.len() == EVENTS {
                state.events.pop_front();
            }
            state.events.push_back(event);
            state.last_event
        })
    }

    /// Notes that a sandbox has begun with an event, and how long that took.
    pub(crate) fn runs(&self, id: u64, access_key: &str, waited: Duration, cold: bool) {
        self.state().running.insert(access_key.to_owned(), id);
        self.update(id, |event| (event.waited, event.cold) = (waited, cold));
    }

    /// Notes why an event has no response, unless it is known.
    pub(crate) fn failed(&self, id: u64, duration: Duration, reason: String) {
        self.update(id, |event| {
            if event.outcome.is_none() {
                event.outcome = Some(Outcome { status: 500, duration, answer: Err(reason), calls: Vec::new() });
                event.after = Some(Vec::new());
            }
        });
    }

    /// Notes the response to an event.
    pub(crate) fn answered(&self, id: u64, mut outcome: Outcome) {
        outcome.answer = outcome.answer.map(cut);
        self.update(id, |event| event.outcome = Some(outcome));
    }

    /// Notes that the work after the response is done.
    pub(crate) fn finished(&self, access_key: &str, id: u64, calls: Vec<CallRecord>) {
        self.state().running.remove(access_key);
        self.update(id, |event| event.after = Some(calls));
    }

    fn update(&self, id: u64, work: impl FnOnce(&mut Event)) {
        self.change(|state| {
            let changes = state.changes;
            let first = state.events.front().map_or(0, |event| event.id);
            let index = id.checked_sub(first).and_then(|index| usize::try_from(index).ok());
            if let Some(event) = index.and_then(|index| state.events.get_mut(index)) {
                work(event);
                event.changed = changes;
            }
        });
    }

    /// Notes a log line.
    pub(crate) fn line(&self, line: &str) {
        let request_id = text_member(line, "lambdaRequestId").unwrap_or_default().to_owned();
        let is_sum = is_sum(line);
        self.change(|state| {
            let changes = state.changes;
            // It names the person and the code of its event, and may come after everything else of it.
            if let Some(event) = state.events.iter_mut().rev().find(|event| is_sum && event.request_id == request_id) {
                event.changed = changes;
            }
            if state.lines.len() == LINES {
                state.lines.pop_front();
            }
            state.lines.push_back((request_id, line.to_owned()));
        });
    }

    /// Notes a frame. `access_key` is that of the sandbox which sent it.
    pub(crate) fn frame(&self, connection: &str, direction: Direction, at: Timestamp, text: &str, access_key: Option<&str>) {
        let text = text.get(..LARGEST.min(text.len())).unwrap_or_default().to_owned();
        self.change(|state| {
            state.last_frame += 1;
            let event = access_key.and_then(|key| state.running.get(key).copied());
            if state.frames.len() == FRAMES {
                state.frames.pop_front();
            }
            state.frames.push_back(Frame { id: state.last_frame, connection: connection.to_owned(), direction, at, text, event });
        });
    }

    /// The entries that changed after a number: events, frames, and the number to go on from. The oldest come first.
    pub(crate) fn since(&self, changed: u64, frame: u64) -> (Vec<Event>, Vec<Frame>, u64) {
        let state = self.state();
        let events = state.events.iter().filter(|event| event.changed > changed).cloned().collect();
        let frames = state.frames.iter().filter(|one| one.id > frame).cloned().collect();
        (events, frames, state.changes)
    }

    /// One event, and the frames that its function has sent.
    pub(crate) fn event(&self, id: u64) -> Option<(Event, Vec<Frame>)> {
        let state = self.state();
        let event = state.events.iter().find(|event| event.id == id)?.clone();
        Some((event, state.frames.iter().filter(|frame| frame.event == Some(id)).cloned().collect()))
    }

    /// The log lines of an event.
    pub(crate) fn lines_of(&self, request_id: &str) -> Vec<String> {
        self.state().lines.iter().filter(|(id, _)| id == request_id).map(|(_, line)| line.clone()).collect()
    }

    /// The log line of each of these events that sums it up.
    pub(crate) fn sums(&self, request_ids: &[&str]) -> HashMap<String, String> {
        let state = self.state();
        let of = |(id, line): &&(String, String)| request_ids.contains(&id.as_str()) && is_sum(line);
        state.lines.iter().filter(of).map(|(id, line)| (id.clone(), line.clone())).collect()
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Bytes;

    use super::*;

    fn event() -> Event {
        Event::new("f", "GET /", Bytes::from_static(b"{}"), Timestamp::from_millis(1))
    }

    #[test]
    fn old_events_go_and_the_rest_is_still_updated() {
        let feed = Feed::default();
        for _ in 0..EVENTS + 10 {
            feed.begin(event());
        }
        let (events, _, seen) = feed.since(0, 0);
        assert_eq!((events.len(), events[0].id), (EVENTS, 11));
        feed.finished("key", 11, Vec::new());
        feed.finished("key", 1, Vec::new());
        let (events, _, _) = feed.since(seen, 0);
        assert_eq!(events.iter().map(|event| event.id).collect::<Vec<_>>(), [11]);
    }

    #[test]
    fn a_frame_belongs_to_the_event_that_sent_it() {
        let feed = Feed::default();
        let id = feed.begin(event());
        feed.runs(id, "key", Duration::ZERO, true);
        feed.frame("c", Direction::ToClient, Timestamp::from_millis(2), "{}", Some("key"));
        feed.finished("key", id, Vec::new());
        feed.frame("c", Direction::ToClient, Timestamp::from_millis(3), "{}", Some("key"));
        feed.frame("c", Direction::FromClient, Timestamp::from_millis(4), "{}", None);
        assert_eq!(feed.event(id).unwrap().1.len(), 1);
        assert_eq!(feed.since(0, 1).1.len(), 2);
    }

    #[test]
    fn log_lines_are_found_by_the_request_id() {
        let feed = Feed::default();
        let id = feed.begin(event());
        feed.finished("key", id, Vec::new());
        let (events, _, seen) = feed.since(0, 0);
        let request_id = events[0].request_id.as_str();
        feed.line(&format!(r#"{{"message":"request","lambdaRequestId":"{request_id}","userId":"usr_1"}}"#));
        feed.line("no JSON");
        assert_eq!(feed.lines_of(request_id).len(), 1);
        assert_eq!(text_member(&feed.sums(&[request_id])[request_id], "userId"), Some("usr_1"));
        assert_eq!(feed.since(seen, 0).0.len(), 1, "a line that came late changes its event");
    }

    #[test]
    fn one_watcher_who_is_shown_everything_is_enough() {
        let feed = Feed::default();
        let (mut first, second) = (feed.watch(), feed.watch());
        first.set_crowded(true);
        assert!(feed.is_watched_closely());
        drop(second);
        assert!(!feed.is_watched_closely());
        drop(first);
        let _third = feed.watch();
        assert!(feed.is_watched_closely(), "an earlier crowd is over");
    }
}
