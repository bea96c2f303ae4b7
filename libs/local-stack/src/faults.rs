//! Faults on demand, for tests: what real services do now and then, and embedded ones never.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// What goes wrong with a `DynamoDB` call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// `ProvisionedThroughputExceededException`, and nothing is done.
    Throttle,
    /// `InternalServerError`, and nothing is done.
    ServerError,
    /// It is done, later.
    Delay(Duration),
    /// It is done, and the answer is lost.
    DropResponse,
}

/// A fault that waits for calls.
#[derive(Debug, Clone)]
pub struct Fault {
    /// The action it strikes, such as `TransactWriteItems`; every one when absent.
    pub action: Option<String>,
    /// What happens.
    pub effect: Effect,
    /// How many calls are let by first.
    pub skip: usize,
    /// How many calls it strikes.
    pub times: usize,
}

/// The faults that are waiting. Cheap to clone; all clones share one list.
#[derive(Debug, Clone, Default)]
pub struct Faults(Arc<Mutex<Vec<Fault>>>);

impl Faults {
    /// Adds a fault.
    pub fn add(&self, fault: Fault) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(fault);
    }

    /// Forgets all faults.
    pub fn clear(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// What happens to the next call of this action.
    pub(crate) fn strike(&self, action: &str) -> Option<Effect> {
        let mut faults = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let index = faults.iter().position(|fault| fault.action.as_deref().is_none_or(|wanted| wanted == action))?;
        let fault = &mut faults[index];
        if fault.skip > 0 {
            fault.skip -= 1;
            return None;
        }
        fault.times = fault.times.saturating_sub(1);
        let effect = fault.effect;
        if fault.times == 0 {
            faults.remove(index);
        }
        Some(effect)
    }
}
