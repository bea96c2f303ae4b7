//! Retries a conditional write after another writer was faster.
//!
//! If a refusal returns the current state, the retry starts from it at once: a wait would make that state stale. If it returns no state, the
//! retry waits with jitter and then reads the state again. Where a crowd writes one item ([`retry_in_crowd`]), a writer waits after some tries.

use std::time::Duration;

use tokio::time::Instant;

use super::StoreError;
use crate::random;

/// The upper bound of the first wait, in microseconds.
const FIRST_WAIT: u64 = 5_000;
/// How many times the upper bound doubles: up to 160 ms.
const DOUBLINGS: u32 = 5;

/// How often a writer in a crowd tries again at once.
const LOSSES: u64 = 3;
/// The upper bound of a wait in a crowd, in microseconds, divided by the number of attempts that were refused.
const CROWD_WAIT: u64 = 100_000;

/// How often a write is retried.
#[derive(Debug, Clone, Copy)]
pub enum RetryPolicy {
    /// For writes of one item, or of a few items that only their owner writes: 12 retries.
    Single,
    /// For writes that many people make to the same item: 1,000 retries. With 200 writers, the last one still succeeds.
    Shared,
    /// As [`Self::Shared`], for writes whose attempts take several round trips each. Retries end after the time that a client waits.
    Within(Duration),
    /// For calls of a service that throttles requests: 3 retries, with waits of up to 40 ms at first.
    Throttled,
}

/// The result of one attempt.
#[derive(Debug)]
pub enum Attempt<S, T> {
    /// The write is done.
    Done(T),
    /// The write was refused, and the refusal returned the current state. The retry starts at once from this state.
    Refused(S),
    /// The write was refused, and the state must be read again. The retry starts from this state after a wait with full jitter: up to 5 ms at
    /// first, doubling to 160 ms.
    Stale(S),
}

/// Repeats `attempt` until it is done. [`StoreError::Contended`] after the retries of `policy`. Each attempt takes the state that the last one left.
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

/// As [`retry_on_conflict`] under [`RetryPolicy::Shared`], for an item that a crowd writes. Starts with a known state; without one, an attempt reads
/// it. A writer that was refused [`LOSSES`] times waits before the next attempt, so that not every writer spends an attempt on every write of another. The
/// more often it was refused, the shorter it waits, in favour of those who came first.
pub async fn retry_in_crowd<S, T, E, F>(state: S, mut attempt: impl FnMut(Option<S>) -> F) -> Result<T, E>
where
    E: From<StoreError>,
    F: Future<Output = Result<Attempt<Option<S>, T>, E>>,
{
    let (mut retry, mut state, mut losses) = (Retry::new(RetryPolicy::Shared), Some(state), 0);
    loop {
        // Boxed, because the callers' futures are large.
        state = match Box::pin(attempt(state)).await? {
            Attempt::Done(done) => return Ok(done),
            Attempt::Refused(state) => {
                retry.again()?;
                losses += 1;
                if losses > LOSSES {
                    tokio::time::sleep(Duration::from_micros(random::below(CROWD_WAIT / losses))).await;
                    None
                } else {
                    state
                }
            }
            Attempt::Stale(state) => {
                retry.wait().await?;
                state
            }
        };
    }
}

/// The remaining retries of a write.
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

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[tokio::test]
    async fn a_writer_in_a_crowd_tries_at_once_with_what_refusals_bring_and_later_reads_again() {
        let states = Mutex::new(Vec::new());
        let attempt = |state: Option<u64>| {
            let mut states = states.lock().unwrap();
            states.push(state);
            let count = states.len() as u64;
            std::future::ready(Ok::<_, StoreError>(if count == 6 { Attempt::Done(count) } else { Attempt::Refused(Some(count)) }))
        };
        assert_eq!(retry_in_crowd(0, attempt).await.unwrap(), 6);
        assert_eq!(states.into_inner().unwrap(), [Some(0), Some(1), Some(2), Some(3), None, None]);
    }
}
