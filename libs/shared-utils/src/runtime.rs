//! The Lambda run loop around a handler: raw event in, raw response out, then the background tasks, then the event's metrics.
//!
//! `lambda_runtime` documents `Runtime::layer` for work after the response. The layer's call returns to the run loop only after the inner
//! service has posted the response. Lambda does not freeze the sandbox until the loop requests the next event. So a client waits only for
//! its write, and background tasks run right after the response.

use std::convert::Infallible;
use std::io::Write;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime};

use aws_lambda_events::apigw::{ApiGatewayV2httpRequest, ApiGatewayWebsocketProxyRequest};
use futures_util::future::BoxFuture;
use lambda_runtime::{LambdaEvent, LambdaInvocation, Runtime, service_fn};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tower::{Layer, Service};

use crate::background_tasks::BackgroundTasks;
use crate::env::{EnvError, Environment};
use crate::event_context::{self, EventContext};
use crate::http::Api;
use crate::http::cloudfront::{CloudFront, serve_behind_cloudfront};

/// The maximum time for background tasks. They also end before the function's time-out, however long the handler took.
const BACKGROUND_TIME_LIMIT: Duration = Duration::from_secs(20);
/// The part of an event's time that must remain when the background tasks end.
const DEADLINE_MARGIN: Duration = Duration::from_millis(500);

/// An event of API Gateway.
pub trait GatewayEvent: DeserializeOwned + Send + 'static {
    /// The gateway's id of the request.
    fn request_id(&self) -> Option<&str>;
}

impl GatewayEvent for ApiGatewayV2httpRequest {
    fn request_id(&self) -> Option<&str> {
        self.request_context.request_id.as_deref()
    }
}

impl GatewayEvent for ApiGatewayWebsocketProxyRequest {
    fn request_id(&self) -> Option<&str> {
        self.request_context.request_id.as_deref()
    }
}

/// Runs an HTTP function until the sandbox ends.
pub async fn run_http<A: Api + Send + 'static>(api: A, background_tasks: BackgroundTasks, env: &Environment) -> Result<(), lambda_runtime::Error> {
    let (api, cloudfront) = (Arc::new(api), CloudFront::from_env(env)?);
    run(
        move |event: ApiGatewayV2httpRequest| {
            let (api, cloudfront) = (api.clone(), cloudfront.clone());
            Box::pin(async move { serve_behind_cloudfront(cloudfront.as_ref(), &*api, event).await })
        },
        background_tasks,
        env,
    )
    .await
}

/// Runs a handler that always returns a response, until the sandbox ends.
pub async fn run<E, R, H>(handler: H, background_tasks: BackgroundTasks, env: &Environment) -> Result<(), lambda_runtime::Error>
where
    E: GatewayEvent,
    R: Serialize + Send + 'static,
    H: Fn(E) -> BoxFuture<'static, R> + Send + 'static,
{
    let service = service_fn(move |event: LambdaEvent<E>| {
        event_context::set_request_id(event.payload.request_id().unwrap_or_default());
        let answer = handler(event.payload);
        async move { Ok::<R, Infallible>(answer.await) }
    });
    Runtime::new(service).layer(EventLayer::new(background_tasks, env)?).run().await
}

/// The namespace of the metrics, from `METRICS_NAMESPACE`.
pub fn metrics_namespace(env: &Environment) -> Result<Option<String>, EnvError> {
    env.optional("METRICS_NAMESPACE")
}

/// Gives each event its context, and runs [`BackgroundTasks::run`] after its response is posted.
#[derive(Clone)]
struct EventLayer {
    background_tasks: BackgroundTasks,
    /// Where the metrics belong. If absent, no metrics are written.
    namespace: Option<Arc<str>>,
    is_warm: Arc<AtomicBool>,
}

impl EventLayer {
    fn new(background_tasks: BackgroundTasks, env: &Environment) -> Result<Self, EnvError> {
        Ok(Self { background_tasks, namespace: metrics_namespace(env)?.map(Arc::from), is_warm: Arc::default() })
    }

    /// Runs the background tasks for as long as the event's time allows.
    async fn run_background_tasks(&self, deadline: SystemTime) {
        // The handler has already used a part of the event's time.
        let left = deadline.duration_since(SystemTime::now()).unwrap_or_default().saturating_sub(DEADLINE_MARGIN);
        let dropped = self.background_tasks.run(BACKGROUND_TIME_LIMIT.min(left)).await;
        if dropped > 0 {
            tracing::warn!(dropped, "background tasks did not end in time");
        }
    }

    /// Writes the event's metrics to standard output, where Lambda collects them with the log lines.
    fn write_metrics(&self, event: &EventContext) {
        if let Some(namespace) = &self.namespace {
            let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
            let line = event.metrics_line(namespace, i64::try_from(now.as_millis()).unwrap_or(i64::MAX));
            // A write error is ignored: there is no other place to report it.
            let _ = writeln!(std::io::stdout().lock(), "{line}");
        }
    }
}

impl<S> Layer<S> for EventLayer {
    type Service = EventService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        EventService { inner, layer: self.clone() }
    }
}

/// The service that [`EventLayer`] makes.
#[derive(Clone)]
struct EventService<S> {
    inner: S,
    layer: EventLayer,
}

impl<S> Service<LambdaInvocation> for EventService<S>
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
        let layer = self.layer.clone();
        let event = EventContext::new(&invocation.context, !layer.is_warm.swap(true, Ordering::Relaxed));
        let deadline = invocation.context.deadline();
        // The handler is called here, and its future is polled in the scope below.
        let response_future = event.enter(|| self.inner.call(invocation));
        Box::pin(async move {
            let outcome = event
                .scope(async {
                    let outcome = response_future.await;
                    layer.run_background_tasks(deadline).await;
                    outcome
                })
                .await;
            layer.write_metrics(&event);
            outcome
        })
    }
}
