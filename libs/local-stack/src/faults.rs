//! Faults on demand, for tests: what real services do now and then, and embedded ones never.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::response::Response;
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

/// Draws that are the same for the same seed (`SplitMix64`).
#[derive(Debug, Clone, Default)]
pub struct Chance(u64);

impl Chance {
    /// The draws of a seed.
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number.
    pub const fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`, which is not 0.
    pub const fn below(&mut self, bound: u64) -> u64 {
        self.number() % bound
    }
}

/// An answer that breaks off: what a lost one looks like.
pub(crate) fn lost() -> Response {
    Response::new(Body::from_stream(futures_util::stream::once(async { Err::<Bytes, _>(std::io::Error::other("response lost")) })))
}

#[derive(Debug, Default)]
struct FaultState {
    faults: Vec<InjectedFault>,
    risks: Vec<Risk>,
    chance: Chance,
    struck: HashMap<&'static str, u64>,
    killers: HashMap<String, Weak<Notify>>,
}

/// The faults that are waiting. Cheap to clone; all clones share one list.
#[derive(Debug, Clone, Default)]
pub struct Faults(Arc<Mutex<FaultState>>);

impl Faults {
    fn book(&self) -> std::sync::MutexGuard<'_, FaultState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a fault.
    pub fn add(&self, fault: InjectedFault) {
        self.book().faults.push(fault);
    }

    /// How many have not struck as often as they will.
    pub fn waiting(&self) -> usize {
        self.book().faults.len()
    }

    /// Faults by chance from now on, drawn from this seed.
    pub fn run_risks(&self, seed: u64, risks: Vec<Risk>) {
        let mut book = self.book();
        (book.chance, book.risks) = (Chance::new(seed), risks);
    }

    /// Forgets all faults.
    pub fn clear(&self) {
        let mut book = self.book();
        book.faults.clear();
        book.risks.clear();
    }

    /// How often each effect has struck by chance.
    pub fn struck(&self) -> Vec<(&'static str, u64)> {
        let mut struck: Vec<_> = self.book().struck.iter().map(|(name, count)| (*name, *count)).collect();
        struck.sort_unstable();
        struck
    }

    /// The process with this access key may be killed by a fault.
    pub(crate) fn may_kill(&self, access_key: &str, killer: &Arc<Notify>) {
        let mut book = self.book();
        book.killers.retain(|_, killer| killer.strong_count() > 0);
        book.killers.insert(access_key.to_owned(), Arc::downgrade(killer));
    }

    /// Kills the process with this access key.
    pub(crate) fn kill(&self, access_key: &str) {
        if let Some(killer) = self.book().killers.get(access_key).and_then(Weak::upgrade) {
            killer.notify_one();
        }
    }

    /// What happens to the next call of this action.
    pub(crate) fn strike(&self, action: &str) -> Option<Effect> {
        let mut book = self.book();
        let strikes = |wanted: Option<&str>| wanted.map_or(!POSTS.contains(&action), |wanted| wanted == action);
        if let Some(index) = book.faults.iter().position(|fault| strikes(fault.action.as_deref())) {
            let fault = &mut book.faults[index];
            if fault.skip > 0 {
                fault.skip -= 1;
                return None;
            }
            fault.times = fault.times.saturating_sub(1);
            let effect = fault.effect;
            if fault.times == 0 {
                book.faults.remove(index);
            }
            return Some(effect);
        }
        if book.risks.is_empty() {
            return None;
        }
        let mut drawn = book.chance.below(1_000_000);
        let risks = book.risks.iter().filter(|risk| strikes(risk.action.as_deref()));
        let effect = risks.map(|risk| (risk.effect, risk.per_million)).find_map(|(effect, share)| match drawn.checked_sub(share) {
            Some(rest) => {
                drawn = rest;
                None
            }
            None => Some(effect),
        })?;
        *book.struck.entry(effect.name()).or_default() += 1;
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
