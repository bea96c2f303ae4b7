//! Injected faults for tests: failures that real services have sometimes, and embedded services never.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::response::Response;
use fastrand::Rng;
use tokio::sync::Notify;

use crate::object_storage::ACTIONS as OBJECT_ACTIONS;

/// The effect of a fault on a call to `DynamoDB`, to S3 or to `@connections`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// The service reports too many requests, and does nothing. S3: 503 `SlowDown`.
    Throttle,
    /// The service reports an internal error, and does nothing.
    ServerError,
    /// The service reports that the caller may not do this, and does nothing. Another attempt is refused too.
    Deny,
    /// The call is executed after a delay.
    Delay(Duration),
    /// The call is executed, but its response is lost.
    DropResponse,
    /// `@connections` reports that the connection does not exist, and does nothing.
    Gone,
    /// The call is executed, but the calling process is killed before it receives the response.
    Kill,
}

/// A fault that affects the next matching calls.
#[derive(Debug, Clone)]
pub struct InjectedFault {
    /// The affected action, such as `TransactWriteItems`. If absent, every action of `DynamoDB`.
    pub action: Option<String>,
    /// The effect.
    pub effect: Effect,
    /// The number of calls that pass first.
    pub skip: usize,
    /// The number of affected calls.
    pub times: usize,
}

/// A fault that occurs at random.
#[derive(Debug, Clone)]
pub struct Risk {
    /// The function whose calls are affected. If absent, those of every function.
    pub function: Option<String>,
    /// The affected action. If absent, every action of `DynamoDB`.
    pub action: Option<String>,
    /// The effect.
    pub effect: Effect,
    /// The number of affected calls per million.
    pub per_million: u64,
}

/// The actions of `@connections`.
const POSTS: [&str; 2] = ["PostToConnection", "DeleteConnection"];

/// Only a fault that names an action affects the actions of `@connections` and of S3.
fn must_be_named(action: &str) -> bool {
    POSTS.contains(&action) || OBJECT_ACTIONS.contains(&action)
}

/// A response that breaks off. The caller sees it as a lost response.
pub(crate) fn lost() -> Response {
    Response::new(Body::from_stream(futures_util::stream::once(async { Err::<Bytes, _>(std::io::Error::other("response lost")) })))
}

#[derive(Debug, Default)]
struct FaultState {
    faults: Vec<InjectedFault>,
    risks: Vec<Risk>,
    chance: Rng,
    struck: HashMap<&'static str, u64>,
    /// The processes, by their access keys.
    processes: HashMap<String, Process>,
}

#[derive(Debug)]
struct Process {
    function: String,
    killer: Weak<Notify>,
}

/// The pending faults. Clones are cheap and share one list.
#[derive(Debug, Clone, Default)]
pub struct Faults(Arc<Mutex<FaultState>>);

impl Faults {
    fn state(&self) -> std::sync::MutexGuard<'_, FaultState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a fault.
    pub fn add(&self, fault: InjectedFault) {
        self.state().faults.push(fault);
    }

    /// The number of faults that will still affect calls.
    pub fn waiting(&self) -> usize {
        self.state().faults.len()
    }

    /// Starts random faults, drawn from this seed.
    pub fn run_risks(&self, seed: u64, risks: Vec<Risk>) {
        let mut state = self.state();
        (state.chance, state.risks) = (Rng::with_seed(seed), risks);
    }

    /// Removes all faults.
    pub fn clear(&self) {
        let mut state = self.state();
        state.faults.clear();
        state.risks.clear();
    }

    /// The number of random faults of each effect.
    pub fn struck(&self) -> Vec<(&'static str, u64)> {
        let mut struck: Vec<_> = self.state().struck.iter().map(|(name, count)| (*name, *count)).collect();
        struck.sort_unstable();
        struck
    }

    /// The random faults that are on.
    pub(crate) fn risks(&self) -> Vec<Risk> {
        self.state().risks.clone()
    }

    /// Registers a function's process with this access key, so that a fault can find it and kill it.
    pub(crate) fn register(&self, access_key: &str, function: &str, killer: &Arc<Notify>) {
        let mut state = self.state();
        state.processes.retain(|_, process| process.killer.strong_count() > 0);
        state.processes.insert(access_key.to_owned(), Process { function: function.to_owned(), killer: Arc::downgrade(killer) });
    }

    /// Kills the process with this access key.
    pub(crate) fn kill(&self, access_key: &str) {
        if let Some(killer) = self.state().processes.get(access_key).and_then(|process| process.killer.upgrade()) {
            killer.notify_one();
        }
    }

    /// The effect on a call of this action by the process with this access key, if any.
    pub(crate) fn strike(&self, action: &str, access_key: &str) -> Option<Effect> {
        let mut state = self.state();
        let strikes = |wanted: Option<&str>| wanted.map_or(!must_be_named(action), |wanted| wanted == action);
        if let Some(index) = state.faults.iter().position(|fault| strikes(fault.action.as_deref())) {
            let fault = &mut state.faults[index];
            if fault.skip > 0 {
                fault.skip -= 1;
                return None;
            }
            fault.times = fault.times.saturating_sub(1);
            let effect = fault.effect;
            if fault.times == 0 {
                state.faults.remove(index);
            }
            return Some(effect);
        }
        if state.risks.is_empty() {
            return None;
        }
        let mut drawn = state.chance.u64(..1_000_000);
        let function = state.processes.get(access_key).map(|process| process.function.as_str());
        let is_by = |wanted: Option<&str>| wanted.is_none_or(|wanted| function == Some(wanted));
        let risks = state.risks.iter().filter(|risk| strikes(risk.action.as_deref()) && is_by(risk.function.as_deref()));
        let effect = risks.map(|risk| (risk.effect, risk.per_million)).find_map(|(effect, share)| match drawn.checked_sub(share) {
            Some(rest) => {
                drawn = rest;
                None
            }
            None => Some(effect),
        })?;
        *state.struck.entry(effect.name()).or_default() += 1;
        Some(effect)
    }
}

impl Effect {
    /// What happened, for reports.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Throttle => "throttled",
            Self::ServerError => "failed",
            Self::Delay(_) => "late",
            Self::DropResponse => "answer lost",
            Self::Gone => "gone",
            Self::Deny => "denied",
            Self::Kill => "process killed",
        }
    }
}
