//! Signed requests (AWS Signature Version 4) to services whose SDK client would be larger than what is used of it: S3 and SES.

use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SignatureLocation, SigningSettings, UriPathNormalizationMode, sign,
};
use aws_sigv4::sign::v4;
use aws_smithy_runtime_api::client::http::HttpConnector;
use aws_smithy_runtime_api::client::identity::Identity;
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;
use http::{HeaderMap, Request};
use http_body_util::BodyExt;

use crate::aws::AwsConfig;
use crate::internal::Internal;
use crate::random;

/// The number of attempts of one call.
const ATTEMPTS: u32 = 3;
/// The time of one attempt.
const ATTEMPT_TIME: Duration = Duration::from_secs(3);
/// The wait before the second attempt. It doubles for the third. A random part is added.
const FIRST_WAIT_MS: u64 = 50;

/// A service did not respond, or refused a request. The text is for the log only.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// No response, or a response that asks for another attempt, after the last attempt.
    #[error("the service did not respond")]
    Unavailable(Internal),
    /// The service refused the request. Another attempt would be refused too.
    #[error("the service refused the request")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// The begin of the response.
        cause: Internal,
    },
}

impl ServiceError {
    /// A request that cannot be built: a defect of ours.
    pub fn broken(cause: impl ToString) -> Self {
        Self::Refused { status: 0, cause: Internal::new(cause) }
    }

    /// The cause, for the log.
    pub fn for_log(&self) -> &str {
        match self {
            Self::Unavailable(cause) | Self::Refused { cause, .. } => cause.for_log(),
        }
    }
}

impl From<ServiceError> for crate::http::Error {
    fn from(error: ServiceError) -> Self {
        match error {
            ServiceError::Unavailable(cause) => Self::Unavailable(cause),
            ServiceError::Refused { cause, .. } => Self::Internal(cause),
        }
    }
}

/// A response of a service.
#[derive(Debug)]
pub struct ServiceResponse {
    /// The HTTP status.
    pub status: u16,
    /// The headers, with lower-case names.
    pub headers: HeaderMap,
    /// The body.
    pub body: Vec<u8>,
}

/// The name of a service in signatures, and what is special about signing for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    /// Amazon S3: paths are signed as they are sent.
    S3,
    /// Amazon SES.
    Ses,
}

impl Service {
    const fn name(self) -> &'static str {
        match self {
            Self::S3 => "s3",
            Self::Ses => "ses",
        }
    }

    fn settings(self) -> SigningSettings {
        let mut settings = SigningSettings::default();
        if self == Self::S3 {
            settings.percent_encoding_mode = PercentEncodingMode::Single;
            settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
            settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
        }
        settings
    }
}

/// Signs requests to one service, and sends them.
#[derive(Clone)]
pub struct SignedRequests {
    aws: AwsConfig,
    service: Service,
}

impl SignedRequests {
    /// Requests to this service with the role's credentials.
    pub fn new(aws: &AwsConfig, service: Service) -> Self {
        Self { aws: aws.clone(), service }
    }

    /// The access key id, the region and the service of a signature: `<key id>/<yyyymmdd>/<region>/<service>/aws4_request`.
    pub fn credential_scope(&self, date: &str) -> String {
        format!("{}/{date}/{}/{}/aws4_request", self.credentials().access_key_id(), self.aws.region, self.service.name())
    }

    /// The session token of temporary credentials.
    pub fn session_token(&self) -> Option<&str> {
        self.credentials().session_token()
    }

    /// The signature of a text, such as the policy of a presigned POST, in lower-case hexadecimal digits.
    pub fn signature_of(&self, text: &str, now: SystemTime) -> String {
        let key = v4::generate_signing_key(self.credentials().secret_access_key(), now, self.aws.region.as_ref(), self.service.name());
        v4::calculate_signature(key, text.as_bytes())
    }

    /// The URL with a signature in its query, valid for `seconds` for a `GET` of anybody who has it.
    pub fn presigned_get(&self, url: &str, seconds: u64, now: SystemTime) -> Result<String, ServiceError> {
        let mut settings = self.service.settings();
        settings.signature_location = SignatureLocation::QueryParams;
        settings.expires_in = Some(Duration::from_secs(seconds));
        settings.payload_checksum_kind = PayloadChecksumKind::NoHeader;
        let mut request = Request::get(url).body(()).map_err(ServiceError::broken)?;
        self.sign(&mut request, SignableBody::UnsignedPayload, settings, now)?;
        Ok(request.uri().to_string())
    }

    /// Sends a request, and repeats it while the service does not respond. A repeated request must have the same effect as one.
    pub async fn send(&self, request: &Request<Vec<u8>>) -> Result<ServiceResponse, ServiceError> {
        let mut attempt = 0;
        loop {
            attempt += 1;
            let outcome = self.send_once(request.clone()).await;
            match outcome {
                Err(ServiceError::Unavailable(cause)) if attempt < ATTEMPTS => {
                    tracing::debug!(cause = cause.for_log(), attempt, "a request to a service is repeated");
                    let wait = FIRST_WAIT_MS << (attempt - 1);
                    tokio::time::sleep(Duration::from_millis(wait + random::below(wait))).await;
                }
                outcome => return outcome,
            }
        }
    }

    async fn send_once(&self, mut request: Request<Vec<u8>>) -> Result<ServiceResponse, ServiceError> {
        let body = request.body().clone();
        self.sign(&mut request, SignableBody::Bytes(&body), self.service.settings(), SystemTime::now())?;
        let request: HttpRequest = request.map(SdkBody::from).try_into().map_err(ServiceError::broken)?;
        let call = self.aws.http_client.call(request);
        let unavailable = |cause: String| ServiceError::Unavailable(Internal::new(cause));
        let exchange = async {
            let response = call.await.map_err(|error| unavailable(error.to_string()))?.try_into_http1x().map_err(ServiceError::broken)?;
            let (parts, body) = response.into_parts();
            let body = body.collect().await.map_err(|error| unavailable(error.to_string()))?.to_bytes().to_vec();
            Ok(ServiceResponse { status: parts.status.as_u16(), headers: parts.headers, body })
        };
        let response = tokio::time::timeout(ATTEMPT_TIME, exchange).await.map_err(|_| unavailable("no response in time".to_owned()))??;
        if response.status == 429 || response.status >= 500 {
            return Err(unavailable(format!("status {}", response.status)));
        }
        Ok(response)
    }

    fn credentials(&self) -> &Credentials {
        &self.aws.credentials
    }

    fn sign<B>(&self, request: &mut Request<B>, body: SignableBody<'_>, settings: SigningSettings, now: SystemTime) -> Result<(), ServiceError> {
        let identity: Identity = self.credentials().clone().into();
        let params = v4::SigningParams::builder()
            .identity(&identity)
            .region(self.aws.region.as_ref())
            .name(self.service.name())
            .time(now)
            .settings(settings)
            .build()
            .map_err(ServiceError::broken)?
            .into();
        let uri = request.uri().to_string();
        let headers: Vec<(&str, &str)> = request.headers().iter().filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?))).collect();
        let signable = SignableRequest::new(request.method().as_str(), uri, headers.into_iter(), body).map_err(ServiceError::broken)?;
        let (instructions, _) = sign(signable, &params).map_err(ServiceError::broken)?.into_parts();
        instructions.apply_to_request_http1x(request);
        Ok(())
    }
}

impl ServiceResponse {
    /// The response, if its status is a success.
    pub fn require_success(self) -> Result<Self, ServiceError> {
        if (200..300).contains(&self.status) {
            return Ok(self);
        }
        let text: String = String::from_utf8_lossy(&self.body).chars().take(300).collect();
        Err(ServiceError::Refused { status: self.status, cause: Internal::new(format!("status {}: {text}", self.status)) })
    }
}
