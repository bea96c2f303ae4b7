//! Background tasks: work that runs after the response is posted and before the next event is requested.
//!
//! `lambda_runtime` documents `Runtime::layer` for this purpose. The layer's call returns to the run loop only after the inner service
//! has posted the response. Lambda does not freeze the sandbox until the loop requests the next event. So a client waits only for its
//! write, and deferred work runs right after the response.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use lambda_runtime::LambdaInvocation;
use tower::{Layer, Service};

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
                    Ok(Err(_)) => tracing::error!("work after the answer panicked"),
                    Err(_) => dropped += 1,
                }
            }
        }
    }
}

/// The part of an event's time that must remain when the background tasks end.
const RESERVE: Duration = Duration::from_millis(500);

/// Runs [`BackgroundTasks::run`] after each response is posted.
#[derive(Clone)]
pub struct AfterAnswerLayer {
    after: BackgroundTasks,
    budget: Duration,
}

impl AfterAnswerLayer {
    /// A layer that spends at most `budget` per event on the tasks of `after`.
    pub fn new(after: BackgroundTasks, budget: Duration) -> Self {
        Self { after, budget }
    }
}

impl<S> Layer<S> for AfterAnswerLayer {
    type Service = AfterAnswerService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        AfterAnswerService { inner, layer: self.clone() }
    }
}

/// The service that [`AfterAnswerLayer`] makes.
#[derive(Clone)]
pub struct AfterAnswerService<S> {
    inner: S,
    layer: AfterAnswerLayer,
}

impl<S> Service<LambdaInvocation> for AfterAnswerService<S>
where
    S: Service<LambdaInvocation, Response = ()>,
    S::Future: Send + 'static,
    S::Error: Send + 'static,
{
    type Response = ();
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<(), S::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, invocation: LambdaInvocation) -> Self::Future {
        let deadline = invocation.context.deadline();
        let answered = self.inner.call(invocation);
        let AfterAnswerLayer { after, budget } = self.layer.clone();
        Box::pin(async move {
            let outcome = answered.await;
            // The handler has already used a part of the event's time.
            let left = deadline.duration_since(SystemTime::now()).unwrap_or_default().saturating_sub(RESERVE);
            let budget = budget.min(left);
            let dropped = after.run(budget).await;
            if dropped > 0 {
                tracing::warn!(dropped, "work after the answer did not end within its budget");
            }
            outcome
        })
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
