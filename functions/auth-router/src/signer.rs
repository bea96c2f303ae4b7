//! The key that signs access tokens. In AWS, a KMS key that never leaves KMS. On a laptop, a key file.

use std::sync::OnceLock;
use std::time::Duration;

use aws_sdk_kms::config::BehaviorVersion;
use aws_sdk_kms::config::retry::RetryConfig;
use aws_sdk_kms::config::timeout::TimeoutConfig;
use aws_sdk_kms::primitives::Blob;
use aws_sdk_kms::types::{MessageType, SigningAlgorithmSpec};
use shared_utils::auth::{KeyFileSigner, SignError, TokenSigner};
use shared_utils::aws::AwsConfig;
use shared_utils::env::{EnvError, Environment};
use shared_utils::internal::Internal;

/// The signing key of this environment.
pub enum Signer {
    /// `JWT_SIGNING_KEY_FILE`
    KeyFile(KeyFileSigner),
    /// `JWT_KMS_KEY_ID`
    Kms(Box<KmsSigner>),
}

/// An `ECC_NIST_P256` key in KMS.
pub struct KmsSigner {
    aws: AwsConfig,
    /// Made by the first signature: it costs as much as a quarter of a function's start, and most requests sign nothing.
    client: OnceLock<aws_sdk_kms::Client>,
    /// The key's ARN.
    key: String,
    /// The key id (`kid`) in tokens.
    key_id: String,
}

impl Signer {
    /// A KMS key by its ARN, with its key id (`kid`) in tokens.
    pub fn kms(aws: &AwsConfig, key: String, key_id: String) -> Self {
        Self::Kms(Box::new(KmsSigner { aws: aws.clone(), client: OnceLock::new(), key, key_id }))
    }

    /// The key that the environment names. `JWT_SIGNING_KEY_ID` is its key id in tokens.
    pub(crate) fn from_env(env: &Environment, aws: &AwsConfig) -> Result<Self, EnvError> {
        let key_id = env.required("JWT_SIGNING_KEY_ID")?;
        if let Some(key) = env.optional("JWT_KMS_KEY_ID")? {
            return Ok(Self::kms(aws, key, key_id));
        }
        let file = env.required("JWT_SIGNING_KEY_FILE")?;
        let unusable = |reason: String| EnvError::unusable("JWT_SIGNING_KEY_FILE", reason);
        let pem = std::fs::read(&file).map_err(|error| unusable(error.to_string()))?;
        KeyFileSigner::from_pem(&key_id, &pem).map(Self::KeyFile).map_err(|error| unusable(error.to_string()))
    }
}

/// A client with a timeout that leaves time for a response: at this point the refresh token was already rotated.
fn kms_client(aws: &AwsConfig) -> aws_sdk_kms::Client {
    let mut config = aws_sdk_kms::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(aws.region.clone())
        .credentials_provider(aws.credentials.clone())
        .http_client(aws.http_client.shared())
        .retry_config(RetryConfig::standard().with_max_attempts(4).with_initial_backoff(Duration::from_millis(25)))
        .timeout_config(TimeoutConfig::builder().operation_attempt_timeout(Duration::from_secs(2)).operation_timeout(Duration::from_secs(8)).build());
    if let Some(endpoint) = &aws.endpoint {
        config = config.endpoint_url(endpoint);
    }
    aws_sdk_kms::Client::from_conf(config.build())
}

impl TokenSigner for Signer {
    fn key_id(&self) -> &str {
        match self {
            Self::KeyFile(signer) => signer.key_id(),
            Self::Kms(signer) => &signer.key_id,
        }
    }

    async fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        match self {
            Self::KeyFile(signer) => signer.sign(message).await,
            Self::Kms(signer) => signer.sign(message).await,
        }
    }
}

impl KmsSigner {
    async fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        let call = self
            .client
            .get_or_init(|| kms_client(&self.aws))
            .sign()
            .key_id(&self.key)
            .message(Blob::new(message))
            .message_type(MessageType::Raw)
            .signing_algorithm(SigningAlgorithmSpec::EcdsaSha256);
        let output = call.send().await.map_err(|error| SignError::Unreachable(Internal::caused_by(&error)))?;
        let der = output.signature.unwrap_or_else(|| Blob::new([]));
        fixed_from_der(der.as_ref()).ok_or_else(|| SignError::Key(Internal::new("KMS gave something that is no ECDSA signature")))
    }
}

/// Converts the DER `SEQUENCE { r INTEGER, s INTEGER }` from KMS to the 64 bytes r ‖ s of a JWT.
fn fixed_from_der(der: &[u8]) -> Option<Vec<u8>> {
    let (body, rest) = element(der, 0x30)?;
    let (r, body) = element(body, 0x02)?;
    let (s, end) = element(body, 0x02)?;
    if !rest.is_empty() || !end.is_empty() {
        return None;
    }
    let mut fixed = vec![0; 64];
    for (place, integer) in [(32usize, r), (64, s)] {
        // DER adds a leading zero byte to keep an integer positive. It is not part of the value.
        let digits = integer.strip_prefix(&[0]).unwrap_or(integer);
        fixed.get_mut(place.checked_sub(digits.len()).filter(|start| *start + 32 >= place)?..place)?.copy_from_slice(digits);
    }
    Some(fixed)
}

/// Splits `der` into the content of its first element and the rest. P-256 signatures need only short lengths.
fn element(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let [found, length, rest @ ..] = der else { return None };
    if *found != tag || *length >= 0x80 {
        return None;
    }
    rest.split_at_checked(usize::from(*length))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn der(r: &[u8], s: &[u8]) -> Vec<u8> {
        let integer = |value: &[u8]| [&[0x02, u8::try_from(value.len()).unwrap()], value].concat();
        let body = [integer(r), integer(s)].concat();
        [&[0x30, u8::try_from(body.len()).unwrap()], body.as_slice()].concat()
    }

    #[test]
    fn der_integers_are_padded_to_32_bytes() {
        let (long, short) = ([[0].as_slice(), &[0xff; 32]].concat(), [7]);
        let fixed = fixed_from_der(&der(&long, &short)).unwrap();
        assert_eq!(fixed, [[0xff; 32].as_slice(), &[0; 31], &[7]].concat());
    }

    #[test]
    fn malformed_der_is_refused() {
        let good = der(&[1], &[1]);
        for bad in [&[][..], &good[1..], &good[..good.len() - 1], &[good.as_slice(), &[0]].concat(), &der(&[1; 34], &[1]), &[0x30, 0x82, 0, 0]] {
            assert!(fixed_from_der(bad).is_none(), "{bad:?}");
        }
    }
}
