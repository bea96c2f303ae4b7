//! A local S3, and uploads to it as a browser makes them.

use std::collections::BTreeMap;

use aws_credential_types::Credentials;
use local_stack::clock::StackClock;
use local_stack::credentials::CredentialStore;
use local_stack::declaration::Declaration;
use local_stack::faults::Faults;
use local_stack::object_storage::{ObjectStorage, ObjectStorageOptions};
use local_stack::records::Records;
use shared_utils::aws::AwsConfig;
use shared_utils::origins::AllowedOrigins;
use tokio::net::TcpListener;

/// What separates the fields of a form.
const BOUNDARY: &str = "----WebKitFormBoundary7MA4YWxkTrZu0gW";

/// A local S3 with the buckets and roles of a declaration.
pub struct LocalS3 {
    /// The objects.
    pub storage: ObjectStorage,
    /// Where it listens.
    pub url: String,
    credentials: CredentialStore,
    _folder: tempfile::TempDir,
}

impl LocalS3 {
    /// Starts an empty S3 that browsers of this origin may call.
    ///
    /// # Panics
    /// If the machine has no free port or no temporary folder.
    pub async fn start(declaration: Declaration, faults: Faults, origin: &str) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
        let url = format!("http://localhost:{}", listener.local_addr().expect("an address").port());
        let (folder, credentials) = (tempfile::tempdir().expect("a folder"), CredentialStore::default());
        let options = ObjectStorageOptions {
            declaration,
            folder: folder.path(),
            origins: AllowedOrigins::parse(origin).expect("an origin"),
            credentials: credentials.clone(),
            records: Records::keeping(),
            faults,
            clock: StackClock::default(),
        };
        let (storage, _) = ObjectStorage::start(listener, options).expect("a folder that can be used");
        Self { storage, url, credentials, _folder: folder }
    }

    /// The configuration of this function's clients of S3. Other clients keep what `aws` says.
    pub fn aws(&self, aws: AwsConfig, function: &str) -> AwsConfig {
        let issued = self.credentials.issue(function);
        let credentials = Credentials::new(issued.access_key, issued.secret_key, Some(issued.session_token), None, "test");
        AwsConfig { credentials, s3_endpoint: Some(self.url.clone()), ..aws }
    }
}

/// The content type and the body of a form: these fields, then the file.
pub fn form_body<'a>(fields: impl IntoIterator<Item = (&'a str, &'a str)>, content: &[u8]) -> (String, Vec<u8>) {
    let mut body = Vec::new();
    for (name, value) in fields {
        body.extend(format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n").bytes());
    }
    let file = "Content-Disposition: form-data; name=\"file\"; filename=\"blob\"\r\nContent-Type: application/octet-stream";
    body.extend(format!("--{BOUNDARY}\r\n{file}\r\n\r\n").bytes());
    body.extend(content);
    body.extend(format!("\r\n--{BOUNDARY}--\r\n").bytes());
    (format!("multipart/form-data; boundary={BOUNDARY}"), body)
}

/// Uploads with a form of the API. Returns the status of S3.
///
/// # Panics
/// If S3 does not respond.
pub async fn post_form(url: &str, fields: &BTreeMap<String, String>, content: &[u8]) -> u16 {
    let (content_type, body) = form_body(fields.iter().map(|(name, value)| (name.as_str(), value.as_str())), content);
    let answer = reqwest::Client::new().post(url).header("content-type", content_type).body(body).send().await;
    answer.expect("a response").status().as_u16()
}
