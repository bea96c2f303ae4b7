//! The `@connections` API: posts frames to connections and closes them.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use aws_sdk_apigatewaymanagement::Client;
use aws_sdk_apigatewaymanagement::config::retry::RetryConfig;
use aws_sdk_apigatewaymanagement::config::timeout::TimeoutConfig;
use aws_sdk_apigatewaymanagement::config::{BehaviorVersion, IdentityCache, StalledStreamProtectionConfig};
use aws_sdk_apigatewaymanagement::error::SdkError;
use aws_smithy_types::Blob;
use shared_utils::aws::AwsConfig;
use shared_utils::dynamo::{Attempt, RetryPolicy, StoreError, retry_on_conflict};
use shared_utils::internal::Internal;
use shared_utils::sdk_signing;

/// The result of a post.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PostOutcome {
    /// API Gateway accepted the frame.
    Delivered,
    /// The connection does not exist (410).
    Gone,
    /// API Gateway refused the post with 429 each time: too many requests in the account, or more frames than the client reads.
    Throttled,
    /// The post failed.
    Failed,
}

/// A client of this environment's WebSocket API.
#[derive(Clone)]
pub struct ConnectionsApi {
    aws: AwsConfig,
    endpoint: String,
    /// Made by the first post: it costs as much as a quarter of a function's start, and most requests post nothing.
    client: Arc<OnceLock<Client>>,
}

impl ConnectionsApi {
    /// A client of the API at `endpoint`, such as `https://{api}.execute-api.{region}.amazonaws.com/{stage}`.
    ///
    /// A post times out after two seconds.
    pub fn new(aws: &AwsConfig, endpoint: &str) -> Self {
        Self { aws: aws.clone(), endpoint: endpoint.to_owned(), client: Arc::default() }
    }

    fn client(&self) -> &Client {
        self.client.get_or_init(|| client(&self.aws, &self.endpoint))
    }

    /// Posts one text frame. Retries throttled posts with jitter, but none that may have been delivered.
    pub async fn post(&self, connection_id: &str, frame: &str) -> PostOutcome {
        let outcome = retry_on_conflict(RetryPolicy::Throttled, (), |()| async {
            let outcome = self.client().post_to_connection().connection_id(connection_id).data(Blob::new(frame)).send().await;
            Ok::<_, StoreError>(match outcome {
                Ok(_) => Attempt::Done(PostOutcome::Delivered),
                Err(SdkError::ServiceError(error)) if error.err().is_gone_exception() => Attempt::Done(PostOutcome::Gone),
                // `LimitExceededException`, and refusals without a type that the SDK knows.
                Err(error) if error.raw_response().is_some_and(|response| response.status().as_u16() == 429) => Attempt::Stale(()),
                Err(error) => {
                    tracing::warn!(cause = Internal::caused_by(&error).for_log(), "a post to a connection failed");
                    Attempt::Done(PostOutcome::Failed)
                }
            })
        });
        outcome.await.unwrap_or_else(|_| {
            tracing::warn!("a post to a connection was throttled each time");
            PostOutcome::Throttled
        })
    }

    /// Closes a connection. A connection that is already gone counts as closed.
    pub async fn close(&self, connection_id: &str) {
        if let Err(error) = self.client().delete_connection().connection_id(connection_id).send().await
            && !matches!(&error, SdkError::ServiceError(service) if service.err().is_gone_exception())
        {
            tracing::warn!(cause = Internal::caused_by(&error).for_log(), "a connection could not be closed");
        }
    }
}

fn client(aws: &AwsConfig, endpoint: &str) -> Client {
    let config = aws_sdk_apigatewaymanagement::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(aws.region.clone())
        .credentials_provider(aws.credentials.clone())
        // The credentials do not change, and the time limits below also end a body that does not come.
        .identity_cache(IdentityCache::no_cache())
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .push_auth_scheme(sdk_signing::scheme(aws.region.as_ref(), "execute-api"))
        .endpoint_url(endpoint)
        .http_client(aws.http_client.shared())
        // The SDK would also retry when only the response was lost, but a frame must not arrive twice.
        .retry_config(RetryConfig::disabled())
        .timeout_config(TimeoutConfig::builder().operation_attempt_timeout(Duration::from_secs(2)).operation_timeout(Duration::from_secs(5)).build());
    Client::from_conf(config.build())
}
