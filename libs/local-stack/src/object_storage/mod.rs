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

use s3s::config::{S3Config, StaticConfigProvider};
use s3s::service::S3ServiceBuilder;
use shared_utils::clock::{Clock, Timestamp};
use shared_utils::origins::AllowedOrigins;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

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

    /// Moves the clock forward by so many seconds from the machine's time. It decides when presigned URLs and forms expire. Requests that are signed
    /// with the machine's time are valid for 15 minutes, so larger offsets refuse nothing else.
    pub fn set_clock_offset(&self, seconds: u32) {
        self.0.clock_offset_s.store(i64::from(seconds), Ordering::SeqCst);
    }

    /// The keys of a bucket, by the bucket's short name, in order.
    pub fn keys(&self, bucket: &str) -> Vec<String> {
        self.0.store.keys(&self.0.declaration.bucket_name(bucket))
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
        Clock::System.now().plus_seconds(self.clock_offset_s.load(Ordering::SeqCst))
    }

    fn record(&self, access: ObjectAccess) {
        if self.records.keeps() {
            self.accesses.lock().unwrap_or_else(PoisonError::into_inner).push(access);
        }
    }
}
