//! SDK configuration from the environment that Lambda sets. It avoids the start-up cost of the default configuration: no profile files,
//! no credential chain, and a trust store of five certificates instead of the system's 140.

use std::time::Duration;

use aws_credential_types::Credentials;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::config::{BehaviorVersion, Region};
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use aws_smithy_http_client::{Builder, Connector};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;

use crate::env::{EnvError, Environment};
use crate::event_context::{Counter, count};

/// The common configuration of all SDK clients of a process.
#[derive(Clone)]
pub struct AwsConfig {
    /// The region, from `AWS_REGION`.
    pub region: Region,
    /// The role's credentials. Lambda sets them for the life of the sandbox, so they are read once.
    pub credentials: Credentials,
    /// One connection pool for all clients. It counts their requests.
    pub http_client: SharedHttpClient,
    /// The `DynamoDB` endpoint, if it is not AWS: `AWS_ENDPOINT_URL_DYNAMODB` or `AWS_ENDPOINT_URL`.
    pub dynamodb_endpoint: Option<String>,
    /// The endpoint of the other services, if it is not AWS: `AWS_ENDPOINT_URL`.
    pub endpoint: Option<String>,
    /// The S3 endpoint, if it is not AWS: `AWS_ENDPOINT_URL_S3` or `AWS_ENDPOINT_URL`.
    pub s3_endpoint: Option<String>,
    /// The SES endpoint, if it is not AWS: `AWS_ENDPOINT_URL_SESV2` or `AWS_ENDPOINT_URL`.
    pub ses_endpoint: Option<String>,
    /// How TLS connections are made. Absent where all endpoints are on this machine.
    pub tls: Option<TlsContext>,
}

impl AwsConfig {
    /// Reads the environment that Lambda sets, and the trust store from the layer at `SHARED_UTILS_DIR`.
    pub fn from_env(env: &Environment) -> Result<Self, EnvError> {
        let endpoint = env.optional("AWS_ENDPOINT_URL")?;
        let dynamodb_endpoint = env.optional("AWS_ENDPOINT_URL_DYNAMODB")?.or_else(|| endpoint.clone());
        let s3_endpoint = env.optional("AWS_ENDPOINT_URL_S3")?.or_else(|| endpoint.clone());
        let ses_endpoint = env.optional("AWS_ENDPOINT_URL_SESV2")?.or_else(|| endpoint.clone());
        let plain = dynamodb_endpoint.as_deref().is_some_and(|endpoint| endpoint.starts_with("http://"));
        let tls = if plain { None } else { Some(tls_context(env)?) };
        Ok(Self {
            region: Region::new(env.required("AWS_REGION")?),
            credentials: Credentials::new(
                env.required("AWS_ACCESS_KEY_ID")?,
                env.required("AWS_SECRET_ACCESS_KEY")?,
                env.optional("AWS_SESSION_TOKEN")?,
                None,
                "environment",
            ),
            http_client: Counted::client(match &tls {
                None => Builder::new().build_http(),
                Some(tls) => Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).tls_context(tls.clone()).build_https(),
            }),
            dynamodb_endpoint,
            endpoint,
            s3_endpoint,
            ses_endpoint,
            tls,
        })
    }

    /// A configuration for tests: dummy credentials, and a database at `endpoint` over plain HTTP.
    pub fn local(endpoint: &str) -> Self {
        Self {
            region: Region::new("eu-central-1"),
            credentials: Credentials::new("local", "local", None, None, "local"),
            http_client: Counted::client(Builder::new().build_http()),
            dynamodb_endpoint: Some(endpoint.to_owned()),
            endpoint: None,
            s3_endpoint: None,
            ses_endpoint: None,
            tls: None,
        }
    }

    /// A connector with a connection pool of its own, for requests that no SDK client sends. It counts them too.
    pub(crate) fn connector(&self) -> SharedHttpConnector {
        let connector = match &self.tls {
            None => Connector::builder().build_http(),
            Some(tls) => Connector::builder().tls_provider(Provider::Rustls(CryptoMode::Ring)).tls_context(tls.clone()).build(),
        };
        SharedHttpConnector::new(Counted(SharedHttpConnector::new(connector)))
    }

    /// A `DynamoDB` client. It makes four attempts with short waits, because a request has seconds, not minutes.
    pub fn dynamodb(&self) -> aws_sdk_dynamodb::Client {
        let mut config = aws_sdk_dynamodb::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(self.region.clone())
            .credentials_provider(self.credentials.clone())
            .http_client(self.http_client.clone())
            .retry_config(RetryConfig::standard().with_max_attempts(4).with_initial_backoff(Duration::from_millis(25)))
            .timeout_config(
                TimeoutConfig::builder()
                    .connect_timeout(Duration::from_secs(1))
                    .operation_attempt_timeout(Duration::from_secs(3))
                    .operation_timeout(Duration::from_secs(8))
                    .build(),
            );
        if let Some(endpoint) = &self.dynamodb_endpoint {
            config = config.endpoint_url(endpoint);
        }
        aws_sdk_dynamodb::Client::from_conf(config.build())
    }
}

/// Counts each request that goes out, repetitions included.
#[derive(Debug)]
struct Counted<T>(T);

impl Counted<SharedHttpClient> {
    fn client(inner: SharedHttpClient) -> SharedHttpClient {
        SharedHttpClient::new(Self(inner))
    }
}

impl HttpClient for Counted<SharedHttpClient> {
    fn http_connector(&self, settings: &HttpConnectorSettings, components: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(Counted(self.0.http_connector(settings, components)))
    }
}

impl HttpConnector for Counted<SharedHttpConnector> {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        count(Counter::Calls, 1);
        self.0.call(request)
    }
}

/// The directory of the shared-utils layer: `SHARED_UTILS_DIR`, in AWS `/opt/shared-utils`.
pub fn layer_dir(env: &Environment) -> Result<String, EnvError> {
    Ok(env.optional("SHARED_UTILS_DIR")?.unwrap_or_else(|| "/opt/shared-utils".to_owned()))
}

/// TLS that trusts the layer's root certificates, or the system's if there is no layer.
fn tls_context(env: &Environment) -> Result<TlsContext, EnvError> {
    let roots = std::fs::read(format!("{}/aws-roots.pem", layer_dir(env)?));
    let trust = match roots {
        Ok(pem) => TrustStore::empty().with_pem_certificate(pem),
        Err(_) => TrustStore::empty().with_native_roots(true),
    };
    TlsContext::builder().with_trust_store(trust).build().map_err(|error| EnvError::unusable("SHARED_UTILS_DIR", error))
}
