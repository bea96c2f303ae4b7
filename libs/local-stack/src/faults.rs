//! Faults on demand, for tests: what real services do now and then, and embedded ones never.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::response::Response;
use fastrand::Rng;
use tokio::sync::Notify;

/// What goes wrong with a call to `DynamoDB` or to `@connections`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// The service says that there were too many, and nothing is done.
    Throttle,
    /// The service says that something went wrong inside, and nothing is done.
    ServerError,
    /// It is done, later.
    Delay(Duration),
    /// It is done, and the answer is lost.
    DropResponse,
    /// `@connections` says that there is no such connection, and nothing is done.
    Gone,
    /// It is done, and the process that asked is killed before it hears of it.
    Kill,
}

/// A fault that waits for calls.
#[derive(Debug, Clone)]
pub struct InjectedFault {
    /// The action it strikes, such as `TransactWriteItems`; every one of `DynamoDB`'s when absent.
    pub action: Option<String>,
    /// What happens.
    pub effect: Effect,
    /// How many calls are let by first.
    pub skip: usize,
    /// How many calls it strikes.
    pub times: usize,
}

/// A fault that strikes by chance.
#[derive(Debug, Clone)]
pub struct Risk {
    /// The action it strikes; every one of `DynamoDB`'s when absent.
    pub action: Option<String>,
    /// What happens.
    pub effect: Effect,
    /// How often, of a million calls.
    pub per_million: u64,
}

/// The API by which frames are posted: its actions are struck by name alone.
const POSTS: [&str; 2] = ["PostToConnection", "DeleteConnection"];

/// An answer that breaks off: what a lost one looks like.
pub(crate) fn lost() -> Response {
    Response::new(Body::from_stream(futures_util::stream::once(async { Err::<Bytes, _>(std::io::Error::other("response lost")) })))
}

#[derive(Debug, Default)]
struct FaultState {
    faults: Vec<InjectedFault>,
    risks: Vec<Risk>,
    chance: Rng,
    struck: HashMap<&'static str, u64>,
    killers: HashMap<String, Weak<Notify>>,
}

/// The faults that are waiting. Cheap to clone; all clones share one list.
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

    /// How many have not struck as often as they will.
    pub fn waiting(&self) -> usize {
        self.state().faults.len()
    }

    /// Faults by chance from now on, drawn from this seed.
    pub fn run_risks(&self, seed: u64, risks: Vec<Risk>) {
        let mut state = self.state();
        (state.chance, state.risks) = (Rng::with_seed(seed), risks);
    }

    /// Forgets all faults.
    pub fn clear(&self) {
        let mut state = self.state();
        state.faults.clear();
        state.risks.clear();
    }

    /// How often each effect has struck by chance.
    pub fn struck(&self) -> Vec<(&'static str, u64)> {
        let mut struck: Vec<_> = self.state().struck.iter().map(|(name, count)| (*name, *count)).collect();
        struck.sort_unstable();
        struck
    }

    /// The process with this access key may be killed by a fault.
    pub(crate) fn may_kill(&self, access_key: &str, killer: &Arc<Notify>) {
        let mut state = self.state();
        state.killers.retain(|_, killer| killer.strong_count() > 0);
        state.killers.insert(access_key.to_owned(), Arc::downgrade(killer));
    }

    /// Kills the process with this access key.
    pub(crate) fn kill(&self, access_key: &str) {
        if let Some(killer) = self.state().killers.get(access_key).and_then(Weak::upgrade) {
            killer.notify_one();
        }
    }

    /// What happens to the next call of this action.
    pub(crate) fn strike(&self, action: &str) -> Option<Effect> {
        let mut state = self.state();
        let strikes = |wanted: Option<&str>| wanted.map_or(!POSTS.contains(&action), |wanted| wanted == action);
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
        let risks = state.risks.iter().filter(|risk| strikes(risk.action.as_deref()));
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
    const fn name(self) -> &'static str {
        match self {
            Self::Throttle => "throttled",
            Self::ServerError => "failed",
            Self::Delay(_) => "late",
            Self::DropResponse => "answer lost",
            Self::Gone => "gone",
            Self::Kill => "process killed",
        }
    }
}
