//! One local S3, and what a browser and a function do with it.

use local_stack::declaration::{Declaration, Permission};
use local_stack::faults::Faults;
use objects::{ObjectKey, ObjectStore, PresignedPost, Sha256, Upload};
use reqwest::{Client, Response, StatusCode};
use shared_utils::aws::AwsConfig;
use shared_utils::clock::{Clock, Timestamp};
use test_harness::{LocalS3, form_body};

/// The origin of the frontend.
pub(crate) const ORIGIN: &str = "http://localhost:5173";
/// The content of most tests.
pub(crate) const CONTENT: &[u8] = b"\x89PNG\r\n\x1a\n--boundary\r\nand more";

/// A local S3 whose bucket `files` may be used by projects-router, below `projects/`.
pub(crate) struct Harness {
    pub(crate) s3: LocalS3,
    pub(crate) faults: Faults,
    /// The bucket, as projects-router uses it.
    pub(crate) store: ObjectStore,
    pub(crate) browser: Client,
}

impl Harness {
    pub(crate) async fn start() -> Self {
        let mut declaration = Declaration::read().unwrap();
        let actions = ["DeleteObject", "GetObject", "GetObjectTagging", "PutObject"].map(str::to_owned).to_vec();
        let permission = Permission { bucket: Some("files".to_owned()), actions, prefixes: vec!["projects/".to_owned()], ..Permission::default() };
        declaration.functions.get_mut("projects-router").unwrap().permissions.push(permission);
        let faults = Faults::default();
        let s3 = LocalS3::start(declaration, faults.clone(), ORIGIN).await;
        let store = ObjectStore::new(&aws(&s3, "projects-router"), "mylg-local-files");
        Self { faults, store, browser: Client::new(), s3 }
    }

    /// The bucket, as another function uses it.
    pub(crate) fn store_of(&self, function: &str) -> ObjectStore {
        ObjectStore::new(&aws(&self.s3, function), "mylg-local-files")
    }

    /// The bucket, with changed credentials of projects-router or another configuration.
    pub(crate) fn store_with(&self, change: impl Fn(&mut AwsConfig)) -> ObjectStore {
        let mut aws = aws(&self.s3, "projects-router");
        change(&mut aws);
        ObjectStore::new(&aws, "mylg-local-files")
    }

    /// The form of an upload of [`CONTENT`], valid for ten minutes.
    pub(crate) fn form(&self, key: &ObjectKey) -> PresignedPost {
        self.store.presigned_upload(&upload(key), 600, now())
    }

    /// Uploads [`CONTENT`].
    pub(crate) async fn uploaded(&self) -> ObjectKey {
        let key = key();
        let answer = self.post(&self.form(&key), CONTENT).await;
        assert_eq!(answer.status(), StatusCode::NO_CONTENT, "{}", answer.text().await.unwrap());
        key
    }

    /// Posts a form, as a browser does.
    pub(crate) async fn post(&self, form: &PresignedPost, content: &[u8]) -> Response {
        let fields: Vec<(&str, &str)> = form.fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        self.post_fields(&form.url, &fields, content).await
    }

    pub(crate) async fn post_fields(&self, url: &str, fields: &[(&str, &str)], content: &[u8]) -> Response {
        let (content_type, body) = form_body(fields.iter().copied(), content);
        self.browser.post(url).header("content-type", content_type).header("origin", ORIGIN).body(body).send().await.unwrap()
    }

    /// Posts a form, and expects this refusal.
    pub(crate) async fn refused(&self, form: &PresignedPost, content: &[u8], status: u16, code: &str) {
        expect(self.post(form, content).await, status, code).await;
        assert!(self.s3.storage.keys("files").is_empty());
    }
}

fn aws(s3: &LocalS3, function: &str) -> AwsConfig {
    s3.aws(AwsConfig::local(&s3.url), function)
}

/// Expects an error response of S3.
#[track_caller]
pub(crate) fn expect(answer: Response, status: u16, code: &str) -> impl Future<Output = ()> {
    let caller = std::panic::Location::caller();
    let code = code.to_owned();
    async move {
        let (found, text) = (answer.status().as_u16(), answer.text().await.unwrap());
        assert!(found == status && text.contains(&format!("<Code>{code}</Code>")), "{caller}: {status} {code} expected, not {found} {text}");
    }
}

pub(crate) fn now() -> Timestamp {
    Clock::System.now()
}

pub(crate) fn key() -> ObjectKey {
    ObjectKey::generate("projects", "prj_1", now()).unwrap()
}

pub(crate) fn sha256(content: &[u8]) -> Sha256 {
    Sha256(ring::digest::digest(&ring::digest::SHA256, content).as_ref().try_into().unwrap())
}

/// An upload of [`CONTENT`].
pub(crate) fn upload(key: &ObjectKey) -> Upload {
    Upload { key: key.clone(), content_type: "image/png".to_owned(), size: CONTENT.len() as u64, sha256: sha256(CONTENT) }
}
