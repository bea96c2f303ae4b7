//! Trying a conditional write again that others were faster than.
//!
//! A refusal that brings the present state is tried again with it at once: a wait would make that state stale, and a writer that waits would
//! starve behind writers that do not. Only where nothing was brought is it waited, jittered, and read again after the wait.

use std::time::Duration;

use tokio::time::Instant;

use super::StoreError;
use crate::http::Internal;
use crate::random;

/// The first ceiling of a wait, in microseconds.
const FIRST_WAIT: u64 = 5_000;
/// So many times it doubles: up to 160 ms.
const DOUBLINGS: u32 = 5;

/// The tries that a write has left.
#[derive(Debug)]
pub struct Retry {
    tries: u32,
    until: Option<Instant>,
    waits: u32,
}

impl Retry {
    /// At most so many further tries.
    pub const fn new(tries: u32) -> Self {
        Self { tries, until: None, waits: 0 }
    }

    /// For writes of one item, or of a few that only their own person writes.
    pub const fn of_update() -> Self {
        Self::new(12)
    }

    /// For calls of a service that says that there were too many: waits of up to 40 ms at first.
    pub const fn of_throttled() -> Self {
        Self { tries: 3, until: None, waits: 3 }
    }

    /// For writes that many people make at the same item. Each try is one round trip; with two hundred writers the last one gets through.
    pub const fn of_crowd() -> Self {
        Self::new(1_000)
    }

    /// As [`Self::of_crowd`], for writes whose tries are several round trips each: until the time is over that a client waits.
    pub fn within(patience: Duration) -> Self {
        Self { until: Some(Instant::now() + patience), ..Self::of_crowd() }
    }

    /// Before another try with what the refusal brought. [`StoreError::Busy`] when there is no try left.
    pub fn again(&mut self) -> Result<(), StoreError> {
        let is_over = self.until.is_some_and(|until| Instant::now() >= until);
        self.tries = match self.tries.checked_sub(1) {
            Some(tries) if !is_over => tries,
            _ => return Err(StoreError::Busy(Internal::new("a write kept losing races"))),
        };
        Ok(())
    }

    /// Before the state is read again for another try: waits up to 5 ms at first, doubling to 160 ms, fully jittered.
    pub async fn wait(&mut self) -> Result<(), StoreError> {
        self.again()?;
        backoff(self.waits).await;
        self.waits += 1;
        Ok(())
    }
}

/// A jittered wait.
async fn backoff(attempt: u32) {
    let ceiling = FIRST_WAIT << attempt.min(DOUBLINGS);
    tokio::time::sleep(Duration::from_micros(random::below(ceiling))).await;
}
