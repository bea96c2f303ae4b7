//! The cost of every event: its calls to `DynamoDB` and S3, the number of sequential calls, and its duration.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::Value;

use crate::accesses::{Access, accesses};
use crate::faults::Effect;
use crate::feed::Feed;

/// One call to `DynamoDB`, S3 or `@connections`.
#[derive(Debug, Clone)]
pub struct CallRecord {
    /// The action, such as `GetItem` or `PostToConnection`.
    pub action: String,
    /// What the call accesses. Empty for `@connections`, and for S3: see [`ObjectAccess`](crate::object_storage::ObjectAccess).
    pub accesses: Vec<Access>,
    /// What the call was about where it accesses no table: a connection or an object.
    pub target: Option<String>,
    /// The HTTP status of the response.
    pub status: u16,
    /// The error code of the response.
    pub error: Option<String>,
    /// The injected fault that the call met.
    pub fault: Option<&'static str>,
    /// What `DynamoDB` charges for the call, if events are kept or the console is open.
    pub capacity: Capacity,
    started: Instant,
    ended: Instant,
}

impl CallRecord {
    /// When the call began and ended, counted from `start`.
    pub(crate) fn times_since(&self, start: Instant) -> (Duration, Duration) {
        (self.started.saturating_duration_since(start), self.ended.saturating_duration_since(start))
    }
}

/// A call as its server saw it.
pub(crate) struct Call<'a> {
    /// The access key of the caller.
    pub(crate) caller: &'a str,
    pub(crate) action: String,
    /// The body of a request to `DynamoDB`.
    pub(crate) body: &'a [u8],
    pub(crate) target: Option<String>,
    pub(crate) status: u16,
    pub(crate) error: Option<String>,
    pub(crate) effect: Option<Effect>,
    pub(crate) capacity: Capacity,
    pub(crate) started: Instant,
}

/// A call that a fault delays. If the caller does not wait, its handler is dropped, and the call is recorded without a response.
pub(crate) struct DelayedCall<'a> {
    records: &'a Records,
    call: Option<Call<'a>>,
}

impl<'a> DelayedCall<'a> {
    /// A call that is about to be delayed.
    pub(crate) fn new(
        records: &'a Records,
        caller: &'a str,
        (action, target): (&str, Option<String>),
        body: &'a [u8],
        effect: Option<Effect>,
    ) -> Self {
        let (error, capacity) = (Some("the caller did not wait".to_owned()), Capacity::default());
        let (action, status, started) = (action.to_owned(), 0, Instant::now());
        Self { records, call: Some(Call { caller, action, body, target, status, error, effect, capacity, started }) }
    }

    /// The delay is over: the handler records the call itself.
    pub(crate) fn completed(mut self) {
        self.call = None;
    }
}

impl Drop for DelayedCall<'_> {
    fn drop(&mut self) {
        if let Some(call) = self.call.take() {
            self.records.call(call);
        }
    }
}

/// Consumed capacity, in read and write request units.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Capacity {
    /// Read request units.
    pub read: f64,
    /// Write request units.
    pub write: f64,
}

impl Capacity {
    /// The capacity in a response to a request with `ReturnConsumedCapacity`. The engine counts units without their kind: the action tells it.
    pub(crate) fn of_response(action: &str, body: &[u8]) -> Self {
        let response: Response = serde_json::from_slice(body).unwrap_or_default();
        // One object, or one for each table of a batch or transaction.
        let consumed = response.consumed_capacity.as_array().cloned().unwrap_or_else(|| vec![response.consumed_capacity]);
        let units = consumed.iter().filter_map(|one| one["CapacityUnits"].as_f64()).sum();
        let is_read = ["GetItem", "BatchGetItem", "Query", "TransactGetItems"].contains(&action);
        if is_read { Self { read: units, write: 0.0 } } else { Self { read: 0.0, write: units } }
    }
}

/// The member of a response that has the consumed capacity. No other member is read, because items may contain anything.
#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Response {
    consumed_capacity: Value,
}

/// One event that a function handled.
#[derive(Debug, Clone)]
pub struct EventRecord {
    /// The function.
    pub function: String,
    /// `METHOD /path`, or a WebSocket route. Never a query.
    pub label: String,
    /// The status of the response.
    pub status: u16,
    /// Whether a sandbox was started for the event.
    pub cold: bool,
    /// The time from the event to the response.
    pub duration: Duration,
    /// How long the event occupied a sandbox, the work after the response included.
    pub occupied: Duration,
    /// The calls before the response.
    pub calls: Vec<CallRecord>,
    /// The calls after the response.
    pub calls_after: Vec<CallRecord>,
}

/// The number of sequential calls to `DynamoDB` and S3. A call that begins before another call ends is concurrent with it.
pub fn round_trips(calls: &[CallRecord]) -> usize {
    let mut calls: Vec<&CallRecord> = calls.iter().filter(|call| call.action != "PostToConnection" && call.action != "DeleteConnection").collect();
    calls.sort_by_key(|call| call.started);
    let mut waves = 0;
    let mut wave_ends: Option<Instant> = None;
    for call in calls {
        match wave_ends {
            Some(ends) if call.started < ends => wave_ends = Some(ends.min(call.ended)),
            _ => {
                waves += 1;
                wave_ends = Some(call.ended);
            }
        }
    }
    waves
}

/// All records. Clones are cheap and share one state.
#[derive(Debug, Clone, Default)]
pub struct Records {
    state: Arc<Mutex<RecordState>>,
    feed: Feed,
}

#[derive(Debug, Default)]
struct RecordState {
    /// The calls of a sandbox's current event, by the sandbox's access key.
    open: HashMap<String, Vec<CallRecord>>,
    events: Vec<EventRecord>,
    keep: bool,
}

impl Records {
    /// Creates records that keep every event. By default no event is kept, because a long run would fill the memory.
    pub fn keeping() -> Self {
        let records = Self::default();
        records.state().keep = true;
        records
    }

    fn state(&self) -> std::sync::MutexGuard<'_, RecordState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What happened lately, for the console.
    pub(crate) fn feed(&self) -> &Feed {
        &self.feed
    }

    /// Whether the capacity of calls is to be measured: for tests, or for somebody who looks, but not under load.
    pub(crate) fn measures(&self) -> bool {
        self.feed.is_watched_closely() || self.keeps()
    }

    /// Whether events are kept.
    pub(crate) fn keeps(&self) -> bool {
        self.state().keep
    }

    pub(crate) fn call(&self, call: Call<'_>) {
        let Call { caller, action, body, target, status, error, effect, capacity, started } = call;
        let (accesses, fault) = (accesses(&action, body), effect.map(Effect::name));
        let record = CallRecord { action, accesses, target, status, error, fault, capacity, started, ended: Instant::now() };
        // Calls of other programs, and those between events, belong to no event.
        if let Some(calls) = self.state().open.get_mut(caller) {
            calls.push(record);
        }
    }

    /// Begins to collect the calls of a sandbox.
    pub(crate) fn begin(&self, access_key: &str) {
        self.state().open.insert(access_key.to_owned(), Vec::new());
    }

    /// Takes the calls that a sandbox has made since the last take.
    pub(crate) fn take(&self, access_key: &str) -> Vec<CallRecord> {
        self.state().open.get_mut(access_key).map(std::mem::take).unwrap_or_default()
    }

    /// Takes the last calls of an event.
    pub(crate) fn end(&self, access_key: &str) -> Vec<CallRecord> {
        self.state().open.remove(access_key).unwrap_or_default()
    }

    pub(crate) fn event(&self, event: EventRecord) {
        let mut state = self.state();
        if state.keep {
            state.events.push(event);
        }
    }

    /// Every event so far, if events are kept.
    pub fn events(&self) -> Vec<EventRecord> {
        self.state().events.clone()
    }
}
