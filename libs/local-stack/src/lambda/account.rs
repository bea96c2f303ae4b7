//! The account's concurrency quota: how many events all functions together may handle at once.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{AcquireError, OwnedRwLockReadGuard, OwnedRwLockWriteGuard, OwnedSemaphorePermit, RwLock, Semaphore};

/// The quota. Clones share it. Events beyond it wait.
#[derive(Debug, Clone)]
pub struct Account {
    permits: Arc<Semaphore>,
    limit: Arc<Mutex<usize>>,
    gate: Arc<RwLock<()>>,
}

/// The right to handle one event.
pub(super) struct Admission {
    _open: OwnedRwLockReadGuard<()>,
    _permit: OwnedSemaphorePermit,
}

impl Account {
    /// An account with this quota.
    pub fn new(limit: usize) -> Self {
        Self { permits: Arc::new(Semaphore::new(limit)), limit: Arc::new(Mutex::new(limit)), gate: Arc::default() }
    }

    /// The quota.
    pub fn limit(&self) -> usize {
        *self.limit.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the quota. Events that are handled are not ended: a lower one holds as soon as enough of them are done.
    pub fn set_limit(&self, limit: usize) {
        let mut current = self.limit.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(more) = limit.checked_sub(*current) {
            self.permits.add_permits(more);
        } else {
            let (permits, fewer) = (self.permits.clone(), u32::try_from(*current - limit).unwrap_or(u32::MAX));
            tokio::spawn(async move {
                if let Ok(taken) = permits.acquire_many_owned(fewer).await {
                    taken.forget();
                }
            });
        }
        *current = limit;
    }

    /// Waits until one more event may be handled.
    pub(super) async fn acquire(&self) -> Result<Admission, AcquireError> {
        let permit = self.permits.clone().acquire_owned().await?;
        Ok(Admission { _open: self.gate.clone().read_owned().await, _permit: permit })
    }

    /// Waits until no event is handled, and holds new ones back until the guard is dropped.
    pub(crate) async fn pause(&self) -> OwnedRwLockWriteGuard<()> {
        self.gate.clone().write_owned().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_pause_waits_for_events_and_holds_new_ones_back() {
        let account = Account::new(3);
        let held = account.acquire().await.unwrap();
        let (waiting, of) = (account.clone(), account.clone());
        let pause = tokio::spawn(async move { waiting.pause().await });
        tokio::task::yield_now().await;
        assert!(!pause.is_finished());
        drop(held);
        let guard = pause.await.unwrap();
        let next = tokio::spawn(async move { of.acquire().await.map(drop) });
        tokio::task::yield_now().await;
        assert!(!next.is_finished());
        drop(guard);
        next.await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn a_quota_can_be_lowered_and_raised() {
        let account = Account::new(3);
        let held = account.acquire().await.unwrap();
        account.set_limit(1);
        tokio::task::yield_now().await;
        assert_eq!((account.limit(), account.permits.available_permits()), (1, 0), "the one that is held is the last");
        drop(held);
        account.set_limit(2);
        let first = account.acquire().await.unwrap();
        let second = account.acquire().await.unwrap();
        assert_eq!(account.permits.available_permits(), 0);
        drop((first, second));
    }
}
