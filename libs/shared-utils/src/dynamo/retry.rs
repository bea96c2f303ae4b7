//! Trying a conditional write again after another writer was faster.
//!
//! A refusal that brings the present state is tried again with it at once: a wait would make that state stale, and a writer that waits
//! starves behind writers that do not. Only where nothing was brought it is waited, jittered, and read again after the wait.

use std::time::Duration;

use tokio::time::Instant;

use super::StoreError;
use crate::random;

/// The first ceiling of a wait, in microseconds.
const FIRST_WAIT: u64 = 5_000;
/// So many times it doubles: up to 160 ms.
const DOUBLINGS: u32 = 5;

/// How often a write is tried.
#[derive(Debug, Clone, Copy)]
pub enum RetryPolicy {
    /// For writes of one item, or of a few that only their own person writes: twelve tries.
    Single,
    /// For writes that many people make to the same item: a thousand tries. Each is one round trip; with two hundred writers the last one
    /// gets through.
    Shared,
    /// As [`Self::Shared`], for writes whose tries are several round trips each: until the time is over that a client waits.
    Within(Duration),
    /// For calls of a service that says that there were too many: three tries, with waits of up to 40 ms at first.
    Throttled,
}

/// What one try came to.
#[derive(Debug)]
pub enum Attempt<S, T> {
    /// It is done.
    Done(T),
    /// It was refused, and the refusal brought the present state: at once again, from this state.
    Refused(S),
    /// It was refused, and the state must be read again: from this state, after a wait of up to 5 ms at first, doubling to 160 ms, fully
    /// jittered.
    Stale(S),
}

/// Tries until it is done, as often as `policy` says; then [`StoreError::Contended`]. Each try takes the state that the one before has left.
pub async fn retry_on_conflict<S, T, E, F>(policy: RetryPolicy, mut state: S, mut attempt: impl FnMut(S) -> F) -> Result<T, E>
where
    E: From<StoreError>,
    F: Future<Output = Result<Attempt<S, T>, E>>,
{
    let mut retry = Retry::new(policy);
    loop {
        state = match attempt(state).await? {
            Attempt::Done(done) => return Ok(done),
            Attempt::Refused(state) => {
                retry.again()?;
                state
            }
            Attempt::Stale(state) => {
                retry.wait().await?;
                state
            }
        };
    }
}

/// The tries that a write has left.
struct Retry {
    tries: u32,
    until: Option<Instant>,
    waits: u32,
}

impl Retry {
    fn new(policy: RetryPolicy) -> Self {
        let (tries, until, waits) = match policy {
            RetryPolicy::Single => (12, None, 0),
            RetryPolicy::Shared => (1_000, None, 0),
            RetryPolicy::Within(patience) => (1_000, Some(Instant::now() + patience), 0),
            RetryPolicy::Throttled => (3, None, 3),
        };
        Self { tries, until, waits }
    }

    fn again(&mut self) -> Result<(), StoreError> {
        let is_over = self.until.is_some_and(|until| Instant::now() >= until);
        self.tries = match self.tries.checked_sub(1) {
            Some(tries) if !is_over => tries,
            _ => return Err(StoreError::Contended),
        };
        Ok(())
    }

    async fn wait(&mut self) -> Result<(), StoreError> {
        self.again()?;
        let ceiling = FIRST_WAIT << self.waits.min(DOUBLINGS);
        self.waits += 1;
        tokio::time::sleep(Duration::from_micros(random::below(ceiling))).await;
        Ok(())
    }
}
