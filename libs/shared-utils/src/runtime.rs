//! The Lambda run loop around a handler: raw event in, raw response out, then the background tasks.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use aws_lambda_events::apigw::ApiGatewayV2httpRequest;
use futures_util::future::BoxFuture;
use lambda_runtime::{LambdaEvent, Runtime, service_fn};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::background_tasks::{AfterAnswerLayer, BackgroundTasks};
use crate::http::{Api, serve};

/// The maximum time for background tasks. They also end before the function's time-out, however long the handler took.
const AFTER_BUDGET: Duration = Duration::from_secs(20);

/// Runs an HTTP function until the sandbox ends.
pub async fn run_http<A: Api + Send + 'static>(api: A, after: BackgroundTasks) -> Result<(), lambda_runtime::Error> {
    let api = Arc::new(api);
    run(
        move |event: ApiGatewayV2httpRequest| {
            let api = api.clone();
            Box::pin(async move { serve(&*api, event).await })
        },
        after,
    )
    .await
}

/// Runs a handler that always returns a response, until the sandbox ends.
pub async fn run<E, R, H>(handler: H, after: BackgroundTasks) -> Result<(), lambda_runtime::Error>
where
    E: DeserializeOwned + Send + 'static,
    R: Serialize + Send + 'static,
    H: Fn(E) -> BoxFuture<'static, R> + Send + 'static,
{
    let service = service_fn(move |event: LambdaEvent<E>| {
        let answer = handler(event.payload);
        async move { Ok::<R, Infallible>(answer.await) }
    });
    Runtime::new(service).layer(AfterAnswerLayer::new(after, AFTER_BUDGET)).run().await
}
