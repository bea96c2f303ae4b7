//! S3: the objects of the declared buckets, with signed requests, presigned downloads and presigned uploads.
//!
//! The crate `s3s` reads the protocol and checks signatures, the expiry of presigned URLs and policies, the conditions of policies and the size of
//! uploads. This module has the rest:
//!
//! | module | contents |
//! | --- | --- |
//! | `store` | the objects, in a folder |
//! | `protocol` | the operations; session tokens, roles, checksums, the stand-in's clock |
//! | `edge` | CORS, the error codes of S3 where `s3s` has others, injected faults and records |

mod edge;
mod protocol;
mod store;

use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::Bytes;
use futures_util::Stream;
use s3s::config::{S3Config, StaticConfigProvider};
use s3s::service::S3ServiceBuilder;
use serde_json::{Value, json};
use shared_utils::clock::Timestamp;
use shared_utils::origins::AllowedOrigins;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::clock::StackClock;
use crate::config::StartError;
use crate::credentials::CredentialStore;
use crate::declaration::Declaration;
use crate::faults::Faults;
use crate::records::Records;

/// The region of all buckets.
pub const REGION: &str = "eu-central-1";

/// The maximum size of an upload, in bytes. A policy may set a lower one. An upload is in memory until its conditions are checked.
const MAX_UPLOAD: u64 = 1024 * 1024 * 1024;

/// The S3 actions in records and faults. The last is a presigned POST.
pub const ACTIONS: [&str; 5] = ["DeleteObject", "GetObject", "GetObjectTagging", "HeadObject", "PostObject"];

/// One IAM action on an object, by a function's role.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ObjectAccess {
    /// The function whose credentials signed the request. For a presigned request it is the function that made the URL or the form.
    pub function: String,
    /// The action without `s3:`: `DeleteObject`, `GetObject`, `GetObjectTagging` or `PutObject`.
    pub action: String,
    /// The bucket's full name.
    pub bucket: String,
    /// The object's key.
    pub key: String,
    /// Whether the request was presigned.
    pub is_presigned: bool,
    /// Whether the role allows it. If not, the response was `AccessDenied`.
    pub is_allowed: bool,
}

/// What the object storage is made of.
pub struct ObjectStorageOptions<'a> {
    /// The buckets and the roles.
    pub declaration: Declaration,
    /// The folder for the objects.
    pub folder: &'a Path,
    /// The browser origins that may call.
    pub origins: AllowedOrigins,
    /// The credentials that can sign.
    pub credentials: CredentialStore,
    /// The records that calls of sandboxes are added to.
    pub records: Records,
    /// The injected faults.
    pub faults: Faults,
    /// The clock of the stack.
    pub clock: StackClock,
}

/// The running object storage. Clones are cheap and share one state.
#[derive(Clone)]
pub struct ObjectStorage(Arc<State>);

struct State {
    store: store::Store,
    declaration: Declaration,
    origins: AllowedOrigins,
    credentials: CredentialStore,
    records: Records,
    faults: Faults,
    clock: StackClock,
    clock_offset_s: AtomicI64,
    accesses: Mutex<Vec<ObjectAccess>>,
}

impl ObjectStorage {
    /// Starts to serve. Ending the task ends the service. Fails if the folder cannot be used.
    pub fn start(listener: TcpListener, options: ObjectStorageOptions<'_>) -> Result<(Self, JoinHandle<()>), StartError> {
        let fail = |error: std::io::Error| StartError::Folder { path: options.folder.to_owned(), reason: error.to_string() };
        let state = Arc::new(State {
            store: store::Store::open(options.folder).map_err(fail)?,
            declaration: options.declaration,
            origins: options.origins,
            credentials: options.credentials,
            records: options.records,
            faults: options.faults,
            clock: options.clock,
            clock_offset_s: AtomicI64::new(0),
            accesses: Mutex::default(),
        });
        let mut service = S3ServiceBuilder::new(protocol::Protocol(state.clone()));
        service.set_auth(protocol::Keys(state.credentials.clone()));
        let mut config = S3Config::default();
        config.post_object_max_file_size = MAX_UPLOAD;
        service.set_config(Arc::new(StaticConfigProvider::new(Arc::new(config))));
        let server = edge::serve(listener, state.clone(), service.build());
        Ok((Self(state), server))
    }

    /// Moves the clock forward by so many seconds from the time of the stack. It decides when presigned URLs and forms expire. Requests that are signed
    /// with the machine's time are valid for 15 minutes, so larger offsets refuse nothing else.
    pub fn set_clock_offset(&self, seconds: u32) {
        self.0.clock_offset_s.store(i64::from(seconds), Ordering::SeqCst);
    }

    /// The keys of a bucket, by the bucket's short name, in order.
    pub fn keys(&self, bucket: &str) -> Vec<String> {
        self.0.store.keys(&self.0.declaration.bucket_name(bucket))
    }

    /// Every object: `{"bucket": "files", "key": "…", "size": 1, "contentType": "text/plain", "modified": "…", "tags": {}}`, with the bucket's short name.
    pub(crate) fn describe(&self) -> Vec<Value> {
        let mut all = Vec::new();
        for bucket in self.0.declaration.buckets.keys() {
            let name = self.0.declaration.bucket_name(bucket);
            all.extend(self.0.store.keys(&name).iter().filter_map(|key| self.0.store.find(&name, key)).map(|object| {
                json!({
                    "bucket": bucket, "key": object.key, "size": object.size, "contentType": object.content_type,
                    "modified": Timestamp::from_millis(object.modified), "tags": object.tags,
                })
            }));
        }
        all
    }

    /// The type and the content of an object. `bucket` is the short name.
    pub(crate) async fn content(&self, bucket: &str, key: &str) -> Option<(String, impl Stream<Item = std::io::Result<Bytes>> + use<>)> {
        let object = self.0.store.find(&self.0.declaration.bucket_name(bucket), key)?;
        let content = self.0.store.read(&object, 0, object.size).await.ok()?;
        Some((object.content_type.unwrap_or_else(|| "application/octet-stream".to_owned()), content))
    }

    /// Deletes all objects.
    pub(crate) fn clear(&self) {
        for bucket in self.0.declaration.buckets.keys() {
            let name = self.0.declaration.bucket_name(bucket);
            for key in self.0.store.keys(&name) {
                self.0.store.remove(&name, &key);
            }
        }
    }

    /// Sets a tag of an object, as a malware scan does. `false` if there is no such object. `bucket` is the short name.
    pub fn set_tag(&self, bucket: &str, key: &str, name: &str, value: &str) -> std::io::Result<bool> {
        self.0.store.tag(&self.0.declaration.bucket_name(bucket), key, (name, value))
    }

    /// Every access so far, if events are kept.
    pub fn accesses(&self) -> Vec<ObjectAccess> {
        self.0.accesses.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl State {
    /// The stand-in's time.
    fn now(&self) -> Timestamp {
        self.clock.now().plus_seconds(self.clock_offset_s.load(Ordering::SeqCst))
    }

    fn record(&self, access: ObjectAccess) {
        if self.records.keeps() {
            self.accesses.lock().unwrap_or_else(PoisonError::into_inner).push(access);
        }
    }
}
