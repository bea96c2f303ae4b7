//! The bucket: what it knows of an object, and URLs that allow one upload or one download.

use std::collections::BTreeMap;

use http::header::CONTENT_TYPE;
use http::{HeaderMap, Method, Request};
use percent_encoding::utf8_percent_encode;
use shared_utils::aws::AwsConfig;
use shared_utils::clock::Timestamp;
use shared_utils::env::{EnvError, Environment};
use shared_utils::internal::Internal;
use shared_utils::signed_requests::{Service, ServiceError, ServiceResponse, SignedRequests};

use crate::download::{QUERY, content_disposition, safe_content_type};
use crate::key::ObjectKey;
use crate::scan::ScanVerdict;
use crate::tag_xml;
use crate::upload::{PresignedPost, Sha256, Upload, presigned_post, system_time};

/// The variable with the bucket's name.
const BUCKET: &str = "FILES_BUCKET";

/// What S3 knows of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectInfo {
    /// The size in bytes.
    pub size: u64,
    /// The content type that the upload gave.
    pub content_type: Option<String>,
    /// The checksum that S3 compared with the content at the upload. Absent if the upload gave none.
    pub sha256: Option<Sha256>,
}

/// The objects of one bucket. Clones are cheap and share one connection.
#[derive(Clone)]
pub struct ObjectStore {
    signer: SignedRequests,
    bucket: String,
    /// The URL of the bucket, without a slash at the end.
    url: String,
}

impl ObjectStore {
    /// Reads the bucket's name from `FILES_BUCKET`. Fails if it is absent, or if it is not a name that can be a host name's first label.
    pub fn from_env(env: &Environment, aws: &AwsConfig) -> Result<Self, EnvError> {
        let bucket = env.required(BUCKET)?;
        let is_label = bucket.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
        if !is_label || bucket.len() > 63 {
            return Err(EnvError::unusable(BUCKET, "a bucket's name has lower-case letters, digits and hyphens"));
        }
        Ok(Self::new(aws, &bucket))
    }

    /// The objects of `bucket`: at `<bucket>.s3.<region>.amazonaws.com`, or below the endpoint of the configuration.
    pub fn new(aws: &AwsConfig, bucket: &str) -> Self {
        let url = match &aws.s3_endpoint {
            Some(endpoint) => format!("{}/{bucket}", endpoint.trim_end_matches('/')),
            None => aws.endpoint_of(&format!("{bucket}.s3")),
        };
        Self { signer: SignedRequests::new(aws, Service::S3), bucket: bucket.to_owned(), url }
    }

    /// A form for one upload. It expires after `seconds`. S3 refuses another key, content type, size or content. No request is sent.
    pub fn presigned_upload(&self, upload: &Upload, seconds: u32, now: Timestamp) -> PresignedPost {
        presigned_post(&self.signer, (&format!("{}/", self.url), &self.bucket), upload, seconds, now)
    }

    /// A URL to download an object. It expires after `seconds`. The response is an attachment called `name`, whose content type cannot run in a
    /// browser. Any text may be the name. No request is sent. Fails only if the URL cannot be signed.
    pub fn presigned_download(&self, key: &ObjectKey, name: &str, content_type: &str, seconds: u32, now: Timestamp) -> Result<String, ServiceError> {
        let (disposition, content_type) = (content_disposition(name), safe_content_type(content_type));
        let url = format!(
            "{}?response-content-disposition={}&response-content-type={}",
            self.object_url(key),
            utf8_percent_encode(&disposition, QUERY),
            utf8_percent_encode(content_type, QUERY),
        );
        self.signer.presigned_get(&url, u64::from(seconds), system_time(now))
    }

    /// What S3 knows of an object. `None` if it does not exist. S3 answers 403 for a missing object, because the roles may not list the bucket.
    pub async fn head(&self, key: &ObjectKey) -> Result<Option<ObjectInfo>, ServiceError> {
        let response = self.send(Method::HEAD, self.object_url(key)).await?;
        if response.status == 403 || response.status == 404 {
            tracing::debug!(status = response.status, "no such object");
            return Ok(None);
        }
        info(&response.require_success()?.headers).map(Some)
    }

    /// Deletes an object. It is a success too if the object does not exist.
    pub async fn delete(&self, key: &ObjectKey) -> Result<(), ServiceError> {
        self.send(Method::DELETE, self.object_url(key)).await?.require_success().map(|_| ())
    }

    /// The tags of an object. A missing object is [`ServiceError::Refused`], with status 403 or 404.
    pub async fn tags(&self, key: &ObjectKey) -> Result<BTreeMap<String, String>, ServiceError> {
        let response = self.send(Method::GET, format!("{}?tagging", self.object_url(key))).await?.require_success()?;
        tag_xml::tags(&String::from_utf8_lossy(&response.body)).map_err(|error| unreadable(response.status, error))
    }

    /// The verdict of the malware scan. A missing object is [`ServiceError::Refused`], with status 403 or 404.
    pub async fn scan_verdict(&self, key: &ObjectKey) -> Result<ScanVerdict, ServiceError> {
        Ok(ScanVerdict::of_tags(&self.tags(key).await?))
    }

    async fn send(&self, method: Method, url: String) -> Result<ServiceResponse, ServiceError> {
        let mut request = Request::builder().method(&method).uri(url);
        if method == Method::HEAD {
            request = request.header("x-amz-checksum-mode", "ENABLED");
        }
        self.signer.send(&request.body(Vec::new()).map_err(|error| unreadable(0, error))?).await
    }

    fn object_url(&self, key: &ObjectKey) -> String {
        format!("{}/{key}", self.url)
    }
}

fn unreadable(status: u16, cause: impl ToString) -> ServiceError {
    ServiceError::Refused { status, cause: Internal::new(cause.to_string()) }
}

fn info(headers: &HeaderMap) -> Result<ObjectInfo, ServiceError> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let size = text("content-length").and_then(|size| size.parse().ok()).ok_or_else(|| unreadable(200, "no content-length"))?;
    Ok(ObjectInfo {
        size,
        content_type: text(CONTENT_TYPE.as_str()).map(str::to_owned),
        // The checksum of a multipart upload is one of its parts' checksums, and has their number behind it.
        sha256: text("x-amz-checksum-sha256").and_then(|checksum| checksum.parse().ok()),
    })
}

#[cfg(test)]
mod tests {
    use aws_credential_types::Credentials;
    use aws_sdk_dynamodb::config::Region;
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use serde_json::{Value, json};
    use shared_utils::aws::AwsConfig;

    use super::*;

    /// The credentials and the key of the examples in the documentation of S3.
    fn example(region: &'static str, token: Option<&str>) -> AwsConfig {
        let mut aws = AwsConfig::local("http://127.0.0.1:1");
        aws.region = Region::new(region);
        aws.credentials =
            Credentials::new("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", token.map(str::to_owned), None, "example");
        aws
    }

    const NOW: &str = "2015-12-29T00:00:00.000Z";

    fn key() -> ObjectKey {
        ObjectKey::with_ulid("projects", "prj_1", [1; 16]).unwrap()
    }

    #[test]
    fn buckets_have_their_own_host_in_aws_and_a_path_elsewhere() {
        let mut aws = example("eu-central-1", None);
        assert_eq!(ObjectStore::new(&aws, "files").url, "https://files.s3.eu-central-1.amazonaws.com");
        aws.s3_endpoint = Some("http://localhost:3003/".to_owned());
        assert_eq!(ObjectStore::new(&aws, "files").url, "http://localhost:3003/files");
        for (name, is_usable) in [("mylg-dev-files", true), ("a.b", false), ("A", false), ("a/b", false)] {
            let env = Environment::of(BTreeMap::from([(BUCKET.to_owned(), name.to_owned())]));
            assert_eq!(ObjectStore::from_env(&env, &aws).is_ok(), is_usable, "{name}");
        }
    }

    #[test]
    fn the_policy_has_every_field_and_nothing_else() {
        let store = ObjectStore::new(&example("eu-central-1", Some("the token")), "files");
        let upload = Upload { key: key(), content_type: "image/png".to_owned(), size: 7, sha256: Sha256([0; 32]) };
        let post = store.presigned_upload(&upload, 600, NOW.parse().unwrap());
        assert_eq!(post.url, "https://files.s3.eu-central-1.amazonaws.com/");
        let policy: Value = serde_json::from_slice(&STANDARD.decode(&post.fields["policy"]).unwrap()).unwrap();
        assert_eq!(policy["expiration"], "2015-12-29T00:10:00.000Z");
        let conditions = policy["conditions"].as_array().unwrap();
        let mut expected: Vec<Value> = post
            .fields
            .iter()
            .filter(|(name, _)| !["policy", "x-amz-signature"].contains(&name.as_str()))
            .map(|(name, value)| json!({name: value}))
            .collect();
        expected.extend([json!({"bucket": "files"}), json!(["content-length-range", 7, 7])]);
        assert_eq!(*conditions, expected);
        assert_eq!(post.fields["x-amz-credential"], "AKIAIOSFODNN7EXAMPLE/20151229/eu-central-1/s3/aws4_request");
        assert_eq!(post.fields["x-amz-security-token"], "the token");
        assert_eq!(post.fields["x-amz-checksum-sha256"], "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
    }

    /// The example of "Browser-Based Upload using HTTP POST (AWS Signature Version 4)".
    #[test]
    fn policies_are_signed_as_in_the_documentation() {
        let policy = concat!(
            "eyAiZXhwaXJhdGlvbiI6ICIyMDE1LTEyLTMwVDEyOjAwOjAwLjAwMFoiLA0KICAiY29uZGl0aW9ucyI6IFsNCiAgICB7ImJ1Y2tldCI6ICJzaWd2NGV4YW1wbGVidWNrZXQifSwNCiAgICBb",
            "InN0YXJ0cy13aXRoIiwgIiRrZXkiLCAidXNlci91c2VyMS8iXSwNCiAgICB7ImFjbCI6ICJwdWJsaWMtcmVhZCJ9LA0KICAgIHsic3VjY2Vzc19hY3Rpb25fcmVkaXJlY3QiOiAiaHR0cDovL3Np",
            "Z3Y0ZXhhbXBsZWJ1Y2tldC5zMy5hbWF6b25hd3MuY29tL3N1Y2Nlc3NmdWxfdXBsb2FkLmh0bWwifSwNCiAgICBbInN0YXJ0cy13aXRoIiwgIiRDb250ZW50LVR5cGUiLCAiaW1hZ2UvIl0sDQog",
            "ICAgeyJ4LWFtei1tZXRhLXV1aWQiOiAiMTQzNjUxMjM2NTEyNzQifSwNCiAgICB7IngtYW16LXNlcnZlci1zaWRlLWVuY3J5cHRpb24iOiAiQUVTMjU2In0sDQogICAgWyJzdGFydHMtd2l0aCIs",
            "ICIkeC1hbXotbWV0YS10YWciLCAiIl0sDQoNCiAgICB7IngtYW16LWNyZWRlbnRpYWwiOiAiQUtJQUlPU0ZPRE5ON0VYQU1QTEUvMjAxNTEyMjkvdXMtZWFzdC0xL3MzL2F3czRfcmVxdWVzdCJ9",
            "LA0KICAgIHsieC1hbXotYWxnb3JpdGhtIjogIkFXUzQtSE1BQy1TSEEyNTYifSwNCiAgICB7IngtYW16LWRhdGUiOiAiMjAxNTEyMjlUMDAwMDAwWiIgfQ0KICBdDQp9",
        );
        let signer = SignedRequests::new(&example("us-east-1", None), Service::S3);
        let signature = signer.signature_of(policy, system_time(NOW.parse().unwrap()));
        assert_eq!(signature, "8afdbf4008c03f22c2cd3cdb72e4afbb1f6a588f3255ac628749a66d7f09699e");
    }

    /// The example of "Authenticating Requests: Using Query Parameters (AWS Signature Version 4)".
    #[test]
    fn downloads_are_signed_as_in_the_documentation() {
        let signer = SignedRequests::new(&example("us-east-1", None), Service::S3);
        let now = system_time("2013-05-24T00:00:00.000Z".parse().unwrap());
        let url = signer.presigned_get("https://examplebucket.s3.amazonaws.com/test.txt", 86_400, now).unwrap();
        assert!(url.ends_with("X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"), "{url}");
    }

    #[test]
    fn downloads_name_the_file_and_a_type_that_cannot_run() {
        let store = ObjectStore::new(&example("eu-central-1", Some("the token")), "files");
        let url = store.presigned_download(&key(), "Plan \"A\".html", "text/html", 60, NOW.parse().unwrap()).unwrap();
        let expected = format!(
            "https://files.s3.eu-central-1.amazonaws.com/{}?response-content-disposition=attachment%3B%20filename%3D%22Plan%20_A_.html%22%3B%20\
             filename%2A%3DUTF-8%27%27Plan%2520_A_.html&response-content-type=application%2Foctet-stream&",
            key()
        );
        assert!(url.starts_with(&expected), "{url}");
        assert!(url.contains("&X-Amz-Expires=60&") && url.contains("&X-Amz-Security-Token=the%20token"), "{url}");
    }
}
