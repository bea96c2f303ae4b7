//! What every event cost: which calls it made to `DynamoDB`, how many of them one after another, and how long it took.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde::de::IgnoredAny;

/// One call to `DynamoDB` or `@connections`.
#[derive(Debug, Clone)]
pub struct CallRecord {
    /// Such as `GetItem`, or `PostToConnection`.
    pub action: String,
    /// The tables it names.
    pub tables: Vec<String>,
    /// The IAM actions that it takes, each with its table and, for a query of one, its index.
    pub permissions: BTreeSet<Permission>,
    /// The HTTP status that it was answered with.
    pub status: u16,
    started: Instant,
    ended: Instant,
}

/// What a role must allow for a call: the action without `dynamodb:`, the table, the index.
pub type Permission = (String, String, Option<String>);

/// One event that a function answered.
#[derive(Debug, Clone)]
pub struct EventRecord {
    /// The function.
    pub function: String,
    /// `METHOD /path`, or a WebSocket route. Never a query.
    pub label: String,
    /// The answer's status.
    pub status: u16,
    /// Whether a sandbox was started for it.
    pub cold: bool,
    /// From the event to the answer.
    pub duration: Duration,
    /// The calls until the answer.
    pub calls: Vec<CallRecord>,
    /// The calls after the answer.
    pub calls_after: Vec<CallRecord>,
}

/// How many calls stood one after another: a call that began before another ended is beside it.
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

/// Everything that was recorded. Cheap to clone; all clones share one state.
#[derive(Debug, Clone, Default)]
pub struct Records(Arc<Mutex<RecordState>>);

#[derive(Debug, Default)]
struct RecordState {
    /// Calls of the event that a sandbox is at, by the sandbox's access key.
    open: HashMap<String, Vec<CallRecord>>,
    events: Vec<EventRecord>,
    keep: bool,
}

impl Records {
    /// Records that keep every event; without this, a long run would fill the memory.
    pub fn keeping() -> Self {
        let records = Self::default();
        records.state().keep = true;
        records
    }

    fn state(&self) -> std::sync::MutexGuard<'_, RecordState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn call(&self, access_key: &str, action: String, body: &[u8], status: u16, started: Instant) {
        let (tables, permissions) = taken(&action, body);
        let call = CallRecord { action, tables, permissions, status, started, ended: Instant::now() };
        self.state().open.entry(access_key.to_owned()).or_default().push(call);
    }

    /// Takes the calls that a sandbox has made since they were last taken.
    pub(crate) fn take(&self, access_key: &str) -> Vec<CallRecord> {
        self.state().open.remove(access_key).unwrap_or_default()
    }

    pub(crate) fn event(&self, event: EventRecord) {
        let mut state = self.state();
        if state.keep {
            state.events.push(event);
        }
    }

    /// Every event so far, where they are kept.
    pub fn events(&self) -> Vec<EventRecord> {
        self.state().events.clone()
    }
}

/// What a request says of the tables that it is about. Nothing else of it is read: items may hold anything.
#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Request {
    table_name: Option<String>,
    index_name: Option<String>,
    #[expect(clippy::zero_sized_map_values, reason = "serde reads a set from an array alone")]
    request_items: BTreeMap<String, IgnoredAny>,
    transact_items: Vec<BTreeMap<String, Part>>,
}

/// A part of a transaction.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Part {
    table_name: String,
}

/// The tables that a request names, and the permissions that it takes.
fn taken(action: &str, body: &[u8]) -> (Vec<String>, BTreeSet<Permission>) {
    let request: Request = serde_json::from_slice(body).unwrap_or_default();
    let mut permissions = BTreeSet::new();
    if let Some(table) = request.table_name {
        permissions.insert((action.to_owned(), table, request.index_name));
    }
    for table in request.request_items.into_keys() {
        permissions.insert((action.to_owned(), table, None));
    }
    // A transaction takes the permissions of its parts.
    for (action, part) in request.transact_items.into_iter().flatten() {
        let name = if action == "ConditionCheck" { "ConditionCheckItem".to_owned() } else { format!("{action}Item") };
        permissions.insert((name, part.table_name, None));
    }
    let tables: BTreeSet<String> = permissions.iter().map(|(_, table, _)| table.clone()).collect();
    (tables.into_iter().collect(), permissions)
}
