//! Background tasks: work that runs after the response is posted and before the next event is requested (see [`crate::runtime`]).

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

/// The list of deferred tasks, which run after the response. Clones are cheap and share one list.
#[derive(Clone, Default)]
pub struct BackgroundTasks {
    deferred: Arc<Mutex<Vec<BoxFuture<'static, ()>>>>,
}

impl BackgroundTasks {
    /// Adds a task. Tasks run in the order in which they were added.
    pub fn push(&self, work: impl Future<Output = ()> + Send + 'static) {
        self.deferred.lock().unwrap_or_else(PoisonError::into_inner).push(work.boxed());
    }

    /// Runs all deferred tasks for at most `budget`. Drops the tasks that do not end in time, and returns their number.
    pub async fn run(&self, budget: Duration) -> usize {
        let deadline = tokio::time::Instant::now() + budget;
        let mut dropped = 0;
        loop {
            let deferred = std::mem::take(&mut *self.deferred.lock().unwrap_or_else(PoisonError::into_inner));
            if deferred.is_empty() {
                return dropped;
            }
            for work in deferred {
                // A panic in one task must not end the other tasks or the sandbox.
                let guarded = std::panic::AssertUnwindSafe(work).catch_unwind();
                match tokio::time::timeout_at(deadline, guarded).await {
                    Ok(Ok(())) => {}
                    Ok(Err(_)) => tracing::error!("a background task panicked"),
                    Err(_) => dropped += 1,
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn tasks_run_in_order_including_tasks_added_while_running() {
        let after = BackgroundTasks::default();
        let seen = Arc::new(Mutex::new(Vec::new()));
        for n in [1, 2] {
            let (seen, inner) = (seen.clone(), after.clone());
            after.push(async move {
                seen.lock().unwrap().push(n);
                let seen = seen.clone();
                inner.push(async move { seen.lock().unwrap().push(n * 10) });
            });
        }
        assert_eq!(after.run(Duration::from_secs(5)).await, 0);
        assert_eq!(*seen.lock().unwrap(), [1, 2, 10, 20]);
    }

    #[tokio::test]
    async fn slow_and_panicking_tasks_are_dropped_and_counted() {
        let after = BackgroundTasks::default();
        after.push(async { panic!("broken piece") });
        after.push(std::future::pending());
        assert_eq!(after.run(Duration::from_millis(10)).await, 1);
        assert_eq!(after.run(Duration::from_millis(10)).await, 0);
    }
}
