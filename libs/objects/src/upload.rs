//! Presigned uploads: a form that a browser posts to S3, which accepts exactly the declared file.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use shared_utils::clock::Timestamp;
use shared_utils::signed_requests::SignedRequests;

use crate::key::ObjectKey;

/// The SHA-256 of a file. Its text is 44 characters of base64, as S3 writes it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sha256(pub [u8; 32]);

/// The text is not the base64 of 32 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the base64 of a SHA-256")]
pub struct MalformedSha256;

impl FromStr for Sha256 {
    type Err = MalformedSha256;

    fn from_str(text: &str) -> Result<Self, MalformedSha256> {
        let bytes = STANDARD.decode(text).map_err(|_| MalformedSha256)?;
        bytes.try_into().map(Self).map_err(|_| MalformedSha256)
    }
}

impl fmt::Display for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&STANDARD.encode(self.0))
    }
}

impl fmt::Debug for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The file that an upload may bring. S3 refuses every other one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upload {
    /// The key that the object gets.
    pub key: ObjectKey,
    /// The content type, exactly.
    pub content_type: String,
    /// The size in bytes, exactly.
    pub size: u64,
    /// The SHA-256 of the content.
    pub sha256: Sha256,
}

/// A form to post to S3 as `multipart/form-data`.
///
/// The fields may come in any order. The file comes last, in a field that is called `file`: S3 ignores every field behind it. S3 answers 204.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PresignedPost {
    /// The URL to post the form to.
    pub url: String,
    /// The fields of the form, besides the file. All of them must be sent, and no other.
    pub fields: BTreeMap<String, String>,
}

/// A time as signatures have it: `yyyymmddThhmmssZ`, in UTC.
fn basic_format(time: Timestamp) -> String {
    let text = time.to_string();
    let seconds = text.split('.').next().unwrap_or_default();
    format!("{}Z", seconds.replace(['-', ':'], ""))
}

pub(crate) fn system_time(time: Timestamp) -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(u64::try_from(time.millis()).unwrap_or(0))
}

/// Signs the form of an upload to `bucket`. It expires after `seconds`.
pub(crate) fn presigned_post(signer: &SignedRequests, (url, bucket): (&str, &str), upload: &Upload, seconds: u32, now: Timestamp) -> PresignedPost {
    let date = basic_format(now);
    let credential = signer.credential_scope(date.get(..8).unwrap_or_default());
    let mut fields = BTreeMap::from([
        ("Content-Type", upload.content_type.clone()),
        ("key", upload.key.to_string()),
        ("x-amz-algorithm", "AWS4-HMAC-SHA256".to_owned()),
        ("x-amz-checksum-algorithm", "SHA256".to_owned()),
        ("x-amz-checksum-sha256", upload.sha256.to_string()),
        ("x-amz-credential", credential),
        ("x-amz-date", date),
    ]);
    if let Some(token) = signer.session_token() {
        fields.insert("x-amz-security-token", token.to_owned());
    }
    let mut conditions: Vec<Value> = fields.iter().map(|(name, value)| json!({*name: value})).collect();
    conditions.push(json!({"bucket": bucket}));
    conditions.push(json!(["content-length-range", upload.size, upload.size]));
    let policy = json!({"expiration": now.plus_seconds(i64::from(seconds)), "conditions": conditions});
    let policy = STANDARD.encode(policy.to_string());
    fields.insert("x-amz-signature", signer.signature_of(&policy, system_time(now)));
    fields.insert("policy", policy);
    PresignedPost { url: url.to_owned(), fields: fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_the_basic_format() {
        assert_eq!(basic_format(Timestamp::from_millis(1_741_518_000_070)), "20250309T110000Z");
    }

    #[test]
    fn checksums_are_base64_of_32_bytes() {
        let text = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
        assert_eq!(text.parse::<Sha256>().unwrap().to_string(), text);
        for other in ["", "47DEQpj8HBSa", "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU=", "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU"] {
            assert_eq!(other.parse::<Sha256>(), Err(MalformedSha256), "{other}");
        }
    }
}
