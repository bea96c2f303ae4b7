//! SDK configuration from the environment that Lambda sets. It avoids the start-up cost of the default configuration: no profile files,
//! no credential chain, and a trust store of five certificates instead of the system's 140.

use std::time::Duration;

use aws_credential_types::Credentials;
use aws_sdk_dynamodb::config::endpoint::{Endpoint, EndpointFuture, Params, ResolveEndpoint};
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::config::{BehaviorVersion, IdentityCache, Region, StalledStreamProtectionConfig};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustls::RootCertStore;
use rustls_pki_types::CertificateDer;

use crate::env::{EnvError, Environment};
use crate::http_client::AwsHttpClient;
use crate::sdk_signing;

/// The turns of the event loop that go first. On the loopback interface, the runtime asks for its first event within four.
const TURNS_OF_FIRST_REQUEST: u32 = 16;
/// The longest time of a first read.
const WARM_UP: Duration = Duration::from_millis(400);

/// The common configuration of all SDK clients of a process.
#[derive(Clone)]
pub struct AwsConfig {
    /// The region, from `AWS_REGION`.
    pub region: Region,
    /// The role's credentials. Lambda sets them for the life of the sandbox, so they are read once.
    pub credentials: Credentials,
    /// One connection pool for all clients. It counts their requests.
    pub http_client: AwsHttpClient,
    /// The `DynamoDB` endpoint, if it is not AWS: `AWS_ENDPOINT_URL_DYNAMODB` or `AWS_ENDPOINT_URL`.
    pub dynamodb_endpoint: Option<String>,
    /// The endpoint of the other services, if it is not AWS: `AWS_ENDPOINT_URL`.
    pub endpoint: Option<String>,
    /// The S3 endpoint, if it is not AWS: `AWS_ENDPOINT_URL_S3` or `AWS_ENDPOINT_URL`.
    pub s3_endpoint: Option<String>,
    /// The SES endpoint, if it is not AWS: `AWS_ENDPOINT_URL_SESV2` or `AWS_ENDPOINT_URL`.
    pub ses_endpoint: Option<String>,
}

impl AwsConfig {
    /// Reads the environment that Lambda sets, and the trust store from the layer at `SHARED_UTILS_DIR`.
    pub fn from_env(env: &Environment) -> Result<Self, EnvError> {
        let endpoint = env.optional("AWS_ENDPOINT_URL")?;
        let dynamodb_endpoint = env.optional("AWS_ENDPOINT_URL_DYNAMODB")?.or_else(|| endpoint.clone());
        let s3_endpoint = env.optional("AWS_ENDPOINT_URL_S3")?.or_else(|| endpoint.clone());
        let ses_endpoint = env.optional("AWS_ENDPOINT_URL_SESV2")?.or_else(|| endpoint.clone());
        let plain = dynamodb_endpoint.as_deref().is_some_and(|endpoint| endpoint.starts_with("http://"));
        let roots = if plain { RootCertStore::empty() } else { roots(env)? };
        Ok(Self {
            region: Region::new(env.required("AWS_REGION")?),
            credentials: Credentials::new(
                env.required("AWS_ACCESS_KEY_ID")?,
                env.required("AWS_SECRET_ACCESS_KEY")?,
                env.optional("AWS_SESSION_TOKEN")?,
                None,
                "environment",
            ),
            http_client: AwsHttpClient::new(roots),
            dynamodb_endpoint,
            endpoint,
            s3_endpoint,
            ses_endpoint,
        })
    }

    /// A configuration for tests: dummy credentials, and a database at `endpoint` over plain HTTP.
    pub fn local(endpoint: &str) -> Self {
        Self {
            region: Region::new("eu-central-1"),
            credentials: Credentials::new("local", "local", None, None, "local"),
            http_client: AwsHttpClient::new(RootCertStore::empty()),
            dynamodb_endpoint: Some(endpoint.to_owned()),
            endpoint: None,
            s3_endpoint: None,
            ses_endpoint: None,
        }
    }

    /// Runs a first read beside what follows, which leaves an open connection behind. Only where `DynamoDB` is behind TLS: there the first
    /// connection takes long. The read is given up after [`WARM_UP`], because a request may wait for it.
    pub fn warm_up(&self, read: impl Future<Output = ()> + Send + 'static) {
        if self.endpoint_of_dynamodb().starts_with("https://")
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            runtime.spawn(async move {
                for _ in 0..TURNS_OF_FIRST_REQUEST {
                    tokio::task::yield_now().await;
                }
                // What it would have found, a request reads itself.
                let _ = tokio::time::timeout(WARM_UP, read).await;
            });
        }
    }

    fn endpoint_of_dynamodb(&self) -> String {
        self.dynamodb_endpoint.clone().unwrap_or_else(|| self.endpoint_of("dynamodb"))
    }

    /// A `DynamoDB` client. It makes four attempts with short waits, because a request has seconds, not minutes.
    pub fn dynamodb(&self) -> aws_sdk_dynamodb::Client {
        let config = aws_sdk_dynamodb::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(self.region.clone())
            .credentials_provider(self.credentials.clone())
            // The credentials do not change, and the time limits below also end a body that does not come.
            .identity_cache(IdentityCache::no_cache())
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .push_auth_scheme(sdk_signing::scheme(self.region.as_ref(), "dynamodb"))
            // Without the rules that find an endpoint, which are evaluated for each request.
            .endpoint_resolver(FixedEndpoint(Endpoint::builder().url(self.endpoint_of_dynamodb()).build()))
            .http_client(self.http_client.shared())
            .retry_config(RetryConfig::standard().with_max_attempts(4).with_initial_backoff(Duration::from_millis(25)))
            .timeout_config(
                TimeoutConfig::builder()
                    .connect_timeout(Duration::from_secs(1))
                    .operation_attempt_timeout(Duration::from_secs(3))
                    .operation_timeout(Duration::from_secs(8))
                    .build(),
            );
        aws_sdk_dynamodb::Client::from_conf(config.build())
    }

    /// The address of a service in this region, such as `dynamodb`, or of a bucket: `<bucket>.s3`.
    pub fn endpoint_of(&self, service: &str) -> String {
        let suffix = if self.region.as_ref().starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
        format!("https://{service}.{}.{suffix}", self.region)
    }
}

/// One endpoint for all requests.
#[derive(Debug)]
struct FixedEndpoint(Endpoint);

impl ResolveEndpoint for FixedEndpoint {
    fn resolve_endpoint<'a>(&'a self, _: &'a Params) -> EndpointFuture<'a> {
        EndpointFuture::ready(Ok(self.0.clone()))
    }
}

/// The directory of the shared-utils layer: `SHARED_UTILS_DIR`, in AWS `/opt/shared-utils`.
pub fn layer_dir(env: &Environment) -> Result<String, EnvError> {
    Ok(env.optional("SHARED_UTILS_DIR")?.unwrap_or_else(|| "/opt/shared-utils".to_owned()))
}

/// The layer's root certificates, or the system's if there is no layer.
fn roots(env: &Environment) -> Result<RootCertStore, EnvError> {
    let mut roots = RootCertStore::empty();
    match std::fs::read_to_string(format!("{}/aws-roots.pem", layer_dir(env)?)) {
        Ok(pem) => {
            let unusable = |error: String| EnvError::unusable("SHARED_UTILS_DIR", error);
            for certificate in certificates(&pem) {
                roots.add(certificate.ok_or_else(|| unusable("no certificates in PEM".to_owned()))?).map_err(|error| unusable(error.to_string()))?;
            }
        }
        Err(_) => drop(roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs)),
    }
    Ok(roots)
}

/// The certificates in a PEM file, `None` for one that cannot be read. The reader of `rustls-pki-types` is made for private keys: it takes the same time
/// whatever it reads, and six times as long.
fn certificates(pem: &str) -> impl Iterator<Item = Option<CertificateDer<'static>>> {
    pem.split("-----BEGIN CERTIFICATE-----").skip(1).map(|certificate| {
        let (text, _) = certificate.split_once("-----END CERTIFICATE-----")?;
        let text: String = text.split_ascii_whitespace().collect();
        Some(CertificateDer::from(STANDARD.decode(text).ok()?))
    })
}
