//! The operations that the functions use. Every other operation is answered with 501.

use std::io;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use s3s::auth::{S3Auth, SecretKey};
use s3s::dto::{
    DeleteObjectInput, DeleteObjectOutput, ETag, GetObjectInput, GetObjectOutput, GetObjectTaggingInput, GetObjectTaggingOutput, HeadObjectInput,
    HeadObjectOutput, PostObjectInput, PostObjectOutput, StreamingBlob, Tag, Timestamp as S3Timestamp,
};
use s3s::post_policy::{PostPolicy, PostPolicyCondition};
use s3s::{S3, S3Error, S3ErrorCode, S3Request, S3Response, S3Result, s3_error};
use shared_utils::clock::Timestamp;

use super::edge::FormStart;
use super::store::{Received, StoredObject};
use super::{ObjectAccess, REGION, State};
use crate::credentials::{CredentialStore, RoleCredentials};

/// Fields that `s3s` accepts without a condition, and S3 does not.
const ENCRYPTION: &str = "x-amz-server-side-encryption";

/// The keys that sign.
pub(super) struct Keys(pub(super) CredentialStore);

#[async_trait::async_trait]
impl S3Auth for Keys {
    async fn get_secret_key(&self, access_key: &str) -> S3Result<SecretKey> {
        self.0.find(access_key).map(|credentials| SecretKey::from(credentials.secret_key)).ok_or_else(|| s3_error!(InvalidAccessKeyId))
    }
}

pub(super) struct Protocol(pub(super) Arc<State>);

/// The parameter of a query.
fn parameter<T>(request: &S3Request<T>, name: &str) -> Option<String> {
    let query = request.uri.query().unwrap_or_default();
    form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

/// A time as signatures have it: `yyyymmddThhmmssZ`.
fn signature_time(text: &str) -> Option<Timestamp> {
    let part = |from: usize, to: usize| text.get(from..to);
    let date = format!("{}-{}-{}", part(0, 4)?, part(4, 6)?, part(6, 8)?);
    format!("{date}T{}:{}:{}Z", part(9, 11)?, part(11, 13)?, part(13, 15)?).parse().ok()
}

fn failed(error: io::Error) -> S3Error {
    S3Error::internal_error(error)
}

fn of_millis(millis: i64) -> S3Timestamp {
    S3Timestamp::from(UNIX_EPOCH + Duration::from_millis(u64::try_from(millis).unwrap_or(0)))
}

/// The value that a policy demands of a field.
fn demanded<'a>(policy: &'a PostPolicy, wanted: &str) -> Option<&'a str> {
    policy.conditions.iter().find_map(|condition| match condition {
        PostPolicyCondition::Eq { field, value } if field == wanted => Some(value.as_str()),
        _ => None,
    })
}

impl Protocol {
    /// Checks the session token, the bucket and the role of the caller, and records the access.
    fn authorize<T>(&self, request: &S3Request<T>, token: Option<&str>, action: &str, (bucket, key): (&str, &str)) -> S3Result<RoleCredentials> {
        let state = &self.0;
        if request.region.as_ref().map(s3s::region::Region::as_str) != Some(REGION) || request.service.as_deref() != Some("s3") {
            return Err(s3_error!(AuthorizationHeaderMalformed, "the credential scope must be {REGION}/s3 with AWS4-HMAC-SHA256"));
        }
        let access_key = request.credentials.as_ref().map(|credentials| credentials.access_key.as_str());
        let caller = access_key.and_then(|access_key| state.credentials.find(access_key)).ok_or_else(|| s3_error!(AccessDenied))?;
        if token != Some(caller.session_token.as_str()) {
            return Err(s3_error!(InvalidToken, "The provided token is malformed or otherwise invalid."));
        }
        if !state.declaration.buckets.keys().any(|short| state.declaration.bucket_name(short) == bucket) {
            return Err(s3_error!(NoSuchBucket));
        }
        let is_presigned = !request.headers.contains_key("authorization");
        let is_allowed = state.declaration.allows_object(&caller.function, action, bucket, key);
        state.record(ObjectAccess {
            function: caller.function.clone(),
            action: action.to_owned(),
            bucket: bucket.to_owned(),
            key: key.to_owned(),
            is_presigned,
            is_allowed,
        });
        if is_allowed { Ok(caller) } else { Err(s3_error!(AccessDenied, "the role of {} does not allow s3:{action} on {key}", caller.function)) }
    }

    /// Checks a request to one object whose signature is in its headers or in its query.
    fn authorize_object<T>(&self, request: &S3Request<T>, action: &str, (bucket, key): (&str, &str)) -> S3Result<RoleCredentials> {
        if let Some(seconds) = parameter(request, "X-Amz-Expires") {
            let signed = parameter(request, "X-Amz-Date").and_then(|date| signature_time(&date)).ok_or_else(|| s3_error!(AccessDenied))?;
            let seconds: i64 = seconds.parse().map_err(|_| s3_error!(AuthorizationQueryParametersError))?;
            if self.0.now() > signed.plus_seconds(seconds) {
                return Err(s3_error!(AccessDenied, "Request has expired"));
            }
        }
        let header = request.headers.get("x-amz-security-token").and_then(|value| value.to_str().ok()).map(str::to_owned);
        let token = header.or_else(|| parameter(request, "X-Amz-Security-Token"));
        self.authorize(request, token.as_deref(), action, (bucket, key))
    }

    /// The object. Only callers that may list the bucket are told that it does not exist.
    fn object(&self, caller: &RoleCredentials, bucket: &str, key: &str) -> S3Result<StoredObject> {
        let missing = || if self.0.declaration.allows_list(&caller.function, bucket) { s3_error!(NoSuchKey) } else { s3_error!(AccessDenied) };
        self.0.store.find(bucket, key).ok_or_else(missing)
    }

    /// Checks what `s3s` does not check of a form.
    fn check_policy(&self, policy: &PostPolicy, input: &PostObjectInput) -> S3Result<()> {
        if of_millis(self.0.now().millis()) >= policy.expiration {
            return Err(s3_error!(AccessDenied, "Invalid according to Policy: Policy expired."));
        }
        if input.server_side_encryption.is_some() && demanded(policy, ENCRYPTION).is_none() {
            return Err(s3_error!(AccessDenied, "Invalid according to Policy: Extra input fields: {ENCRYPTION}"));
        }
        Ok(())
    }

    /// Compares received content with the checksums of its form.
    fn check_content(received: &Received, input: &PostObjectInput) -> S3Result<()> {
        let other = [&input.checksum_crc32, &input.checksum_crc32c, &input.checksum_sha1, &input.checksum_crc64nvme, &input.content_md5];
        if other.iter().any(|checksum| checksum.is_some()) {
            return Err(s3_error!(NotImplemented, "the local S3 compares SHA-256 only"));
        }
        match &input.checksum_sha256 {
            Some(declared) if STANDARD.decode(declared).is_err() => {
                Err(s3_error!(InvalidRequest, "Value for x-amz-checksum-sha256 header is invalid."))
            }
            Some(declared) if *declared != STANDARD.encode(received.sha256) => {
                Err(S3Error::with_message(S3ErrorCode::BadDigest, "The SHA256 you specified did not match the calculated checksum."))
            }
            _ => Ok(()),
        }
    }
}

#[async_trait::async_trait]
impl S3 for Protocol {
    async fn post_object(&self, mut request: S3Request<PostObjectInput>) -> S3Result<S3Response<PostObjectOutput>> {
        let policy = request.extensions.get::<FormStart>().and_then(|start| start.field("policy"));
        let policy = policy.and_then(|policy| PostPolicy::from_base64(&policy).ok()).ok_or_else(|| s3_error!(InvalidPolicyDocument))?;
        self.check_policy(&policy, &request.input)?;
        let token = demanded(&policy, "x-amz-security-token");
        let (bucket, key) = (request.input.bucket.clone(), request.input.key.clone());
        self.authorize(&request, token, "PutObject", (&bucket, &key))?;
        let content = request.input.body.take().ok_or_else(|| s3_error!(IncompleteBody))?;
        let received = self.0.store.receive(content).await.map_err(failed)?;
        if let Err(refusal) = Self::check_content(&received, &request.input) {
            self.0.store.reject(&received);
            return Err(refusal);
        }
        let (content_type, sha256) = (request.input.content_type, request.input.checksum_sha256);
        let etag = self.0.store.put((&bucket, &key), received, content_type, sha256, self.0.now()).map_err(failed)?;
        Ok(S3Response::new(PostObjectOutput { e_tag: Some(ETag::Strong(etag)), ..PostObjectOutput::default() }))
    }

    async fn get_object(&self, request: S3Request<GetObjectInput>) -> S3Result<S3Response<GetObjectOutput>> {
        let (bucket, key) = (&request.input.bucket, &request.input.key);
        let caller = self.authorize_object(&request, "GetObject", (bucket, key))?;
        let object = self.object(&caller, bucket, key)?;
        let range = request.input.range.as_ref().map(|range| range.check(object.size)).transpose()?;
        let (from, to) = range.as_ref().map_or((0, object.size), |range| (range.start, range.end));
        let content = self.0.store.read(&object, from, to - from).await.map_err(failed)?;
        Ok(S3Response::new(GetObjectOutput {
            accept_ranges: Some("bytes".to_owned()),
            body: Some(StreamingBlob::wrap(content)),
            content_length: i64::try_from(to - from).ok(),
            content_range: range.map(|range| format!("bytes {}-{}/{}", range.start, range.end - 1, object.size)),
            content_type: object.content_type,
            e_tag: Some(ETag::Strong(object.etag)),
            last_modified: Some(of_millis(object.modified)),
            ..GetObjectOutput::default()
        }))
    }

    async fn head_object(&self, request: S3Request<HeadObjectInput>) -> S3Result<S3Response<HeadObjectOutput>> {
        let (bucket, key) = (&request.input.bucket, &request.input.key);
        let caller = self.authorize_object(&request, "GetObject", (bucket, key))?;
        let object = self.object(&caller, bucket, key)?;
        let wants_checksum = request.input.checksum_mode.is_some_and(|mode| mode.as_str() == "ENABLED");
        Ok(S3Response::new(HeadObjectOutput {
            accept_ranges: Some("bytes".to_owned()),
            checksum_sha256: object.sha256.filter(|_| wants_checksum),
            content_length: i64::try_from(object.size).ok(),
            content_type: object.content_type,
            e_tag: Some(ETag::Strong(object.etag)),
            last_modified: Some(of_millis(object.modified)),
            ..HeadObjectOutput::default()
        }))
    }

    async fn delete_object(&self, request: S3Request<DeleteObjectInput>) -> S3Result<S3Response<DeleteObjectOutput>> {
        let (bucket, key) = (&request.input.bucket, &request.input.key);
        self.authorize_object(&request, "DeleteObject", (bucket, key))?;
        self.0.store.remove(bucket, key);
        Ok(S3Response::new(DeleteObjectOutput::default()))
    }

    async fn get_object_tagging(&self, request: S3Request<GetObjectTaggingInput>) -> S3Result<S3Response<GetObjectTaggingOutput>> {
        let (bucket, key) = (&request.input.bucket, &request.input.key);
        let caller = self.authorize_object(&request, "GetObjectTagging", (bucket, key))?;
        let object = self.object(&caller, bucket, key)?;
        let tag_set = object.tags.into_iter().map(|(key, value)| Tag { key: Some(key), value: Some(value) }).collect();
        Ok(S3Response::new(GetObjectTaggingOutput { tag_set, version_id: None }))
    }
}
