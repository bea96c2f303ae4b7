//! What routes do with files.

use std::collections::BTreeMap;

use access::session::Session;
use futures_util::future::try_join_all;
use objects::{ObjectKey, ObjectStore, PresignedPost, ScanVerdict, Upload};
use schemars::JsonSchema;
use serde::Serialize;
use shared_utils::aws::AwsConfig;
use shared_utils::background_tasks::BackgroundTasks;
use shared_utils::clock::{Clock, Timestamp};
use shared_utils::dynamo::{StoreError, TransactWrite, Transaction};
use shared_utils::env::{EnvError, Environment};
use shared_utils::ids::FileId;

use crate::Error;
use crate::form::{Content, FileForm};
use crate::record::{File, FileStatus, StoredFile, StoredObject, StoredVariant};
use crate::removals::Removal;
use crate::table::{FileOwner, FileTable, OwnerKind};

/// How long an upload may begin, in seconds.
const UPLOAD_SECONDS: u32 = 600;
/// How long a URL of a download works, in seconds.
const DOWNLOAD_SECONDS: u32 = 60;

/// How many times more due objects are looked for after one response.
const MAX_ROUNDS: usize = 20;

/// How large files may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileLimits {
    /// The largest file, in bytes.
    pub file: u64,
    /// What all files of one owner may take, in bytes.
    pub owner: u64,
}

/// A declared file, and how to upload it.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NewFile {
    /// The file. It counts when it is completed.
    file: File,
    /// The form that uploads it, for ten minutes.
    upload: PresignedPost,
    /// The forms that upload its variants.
    variant_uploads: BTreeMap<String, PresignedPost>,
}

/// A download.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Download {
    /// Where the content is, for one minute. Anybody who has the URL can read it.
    pub url: String,
    /// When the URL stops to work.
    expires_at: Timestamp,
    /// The file.
    file: File,
}

/// A file whose objects S3 has, and what makes it count.
pub struct Completion {
    /// The file, as it is after the writes.
    pub file: StoredFile,
    /// The writes, for one transaction. They are refused if the file was completed or has gone meanwhile. None for a completed file.
    pub writes: Vec<TransactWrite>,
}

/// A file that counts.
#[derive(Debug)]
pub struct CompletedFile {
    /// The file.
    pub file: StoredFile,
    /// Whether this request completed it.
    pub is_new: bool,
}

/// A page of files.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FilePage {
    /// Completed files, the newest first.
    pub items: Vec<File>,
    /// Where the next page begins; null at the end.
    pub next_cursor: Option<String>,
}

/// The writes of transactions on files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Write {
    File,
    Usage,
    Removal,
    /// A condition of the owner: that it exists, and that the caller still takes part.
    Owner,
}

/// The files in one table and their objects.
#[derive(Clone)]
pub struct Files {
    table: FileTable,
    objects: ObjectStore,
    limits: FileLimits,
    /// Whether a download waits for the verdict of a malware scan.
    scans: bool,
    clock: Clock,
}

impl Files {
    /// The files in this table. The bucket is from the environment, and whether downloads wait for a malware scan: `MALWARE_SCAN` is `off` (the
    /// default) or `on`.
    pub fn from_env(env: &Environment, aws: &AwsConfig, table: FileTable, limits: FileLimits, clock: Clock) -> Result<Self, EnvError> {
        let scans = match env.optional("MALWARE_SCAN")?.as_deref() {
            None | Some("off") => false,
            Some("on") => true,
            Some(_) => return Err(EnvError::unusable("MALWARE_SCAN", "off or on")),
        };
        Ok(Self::new(table, ObjectStore::from_env(env, aws)?, limits, scans, clock))
    }

    /// The files in this table. The objects are in this store.
    pub const fn new(table: FileTable, objects: ObjectStore, limits: FileLimits, scans: bool, clock: Clock) -> Self {
        Self { table, objects, limits, scans, clock }
    }

    /// Files of which only the removals are processed.
    pub const fn for_removals(table: FileTable, objects: ObjectStore, clock: Clock) -> Self {
        Self::new(table, objects, FileLimits { file: 0, owner: 0 }, false, clock)
    }

    /// The limits.
    pub const fn limits(&self) -> FileLimits {
        self.limits
    }

    /// The records.
    pub const fn table(&self) -> &FileTable {
        &self.table
    }

    /// Declares a file. `guard` is a condition that must hold when it is written.
    pub async fn declare(&self, session: &Session, owner: FileOwner, form: FileForm, guard: Option<TransactWrite>) -> Result<NewFile, Error> {
        let now = self.clock.now();
        let file_id = FileId::generate(now);
        let size = form.total_size();
        // The condition of the counter holds for an owner without any file.
        if size > self.limits.owner {
            return Err(Error::NoRoom { limit: self.limits.owner });
        }
        let object = |content: &Content, ulid: [u8; 16]| -> Result<StoredObject, Error> {
            Ok(StoredObject {
                key: ObjectKey::with_ulid(owner.kind().folder(), owner, ulid)?,
                r#type: content.media_type.clone(),
                size: content.size,
                checksum: content.checksum.map(|checksum| checksum.to_string()),
            })
        };
        let variants = form
            .variants
            .iter()
            .map(|(variant, content)| Ok(StoredVariant { variant: variant.clone(), object: object(content, FileId::generate(now).to_bytes())? }));
        let file = StoredFile {
            file_id,
            name: form.name,
            object: object(&form.content, file_id.to_bytes())?,
            variants: variants.collect::<Result<_, Error>>()?,
            uploaded_by: session.user,
            created_at: now,
            status: FileStatus::Pending,
            message_id: None,
        };
        let mut declaration = Transaction::new();
        declaration.add_all(Write::Owner, guard);
        declaration.add(Write::Usage, self.table.reserved(owner, size, self.limits.owner));
        declaration.add(Write::File, self.table.declared(owner, &file)?);
        declaration.add(Write::Removal, self.table.removal_put(&Removal::of_upload(owner, &file))?);
        let outcome = self.table.store.transact(&declaration).await?;
        if outcome.refused(Write::Owner).is_refused() {
            return Err(Error::OwnerChanged);
        }
        if outcome.refused(Write::Usage).is_refused() {
            return Err(Error::NoRoom { limit: self.limits.owner });
        }
        outcome.require_committed()?;
        Ok(NewFile {
            upload: self.upload(&file.object, now)?,
            variant_uploads: file
                .variants
                .iter()
                .map(|variant| Ok((variant.variant.clone(), self.upload(&variant.object, now)?)))
                .collect::<Result<_, Error>>()?,
            file: file.file(),
        })
    }

    fn upload(&self, object: &StoredObject, now: Timestamp) -> Result<PresignedPost, Error> {
        let sha256 = object.checksum.as_deref().and_then(|checksum| checksum.parse().ok()).ok_or_else(|| StoreError::corrupt("checksum"))?;
        let upload = Upload { key: object.key.clone(), content_type: object.r#type.clone(), size: object.size, sha256 };
        Ok(self.objects.presigned_upload(&upload, UPLOAD_SECONDS, now))
    }

    /// A file, completed or not. For [`Self::complete`], [`Self::download`] and [`Self::delete`], which may follow when the caller's rights are known.
    pub async fn find(&self, owner: FileOwner, file: FileId) -> Result<Option<StoredFile>, Error> {
        Ok(self.table.find(owner, file).await?)
    }

    /// Makes a file count, if S3 has all its objects as they were declared. A completed file stays as it is.
    pub async fn complete(&self, session: &Session, owner: FileOwner, found: Option<StoredFile>) -> Result<CompletedFile, Error> {
        let Completion { file, writes } = self.completion(session, owner, found).await?;
        if writes.is_empty() {
            return Ok(CompletedFile { file, is_new: false });
        }
        let mut completion = Transaction::new();
        completion.add_all(Write::File, writes);
        let outcome = self.table.store.transact(&completion).await?;
        if outcome.refused(Write::File).is_refused() {
            return Err(Error::NotFound);
        }
        outcome.require_committed()?;
        Ok(CompletedFile { file, is_new: true })
    }

    /// What makes a file count, if S3 has all its objects as they were declared. For a transaction that also names the file somewhere.
    pub async fn completion(&self, session: &Session, owner: FileOwner, found: Option<StoredFile>) -> Result<Completion, Error> {
        let mut file = found.filter(|file| file.uploaded_by == session.user).ok_or(Error::NotFound)?;
        if file.status == FileStatus::Ready {
            return Ok(Completion { file, writes: Vec::new() });
        }
        self.require_uploaded(&file).await?;
        let writes = vec![self.table.completed(owner, file.file_id), self.table.removal_delete(&Removal::of_upload(owner, &file))];
        file.status = FileStatus::Ready;
        Ok(Completion { file, writes })
    }

    /// Fails with [`Error::NotUploaded`] unless S3 has all objects of a file as they were declared.
    async fn require_uploaded(&self, file: &StoredFile) -> Result<(), Error> {
        let heads = file.objects().map(|object| async { Ok::<_, Error>(self.objects.head(&object.key).await?.is_some_and(|info| object.is(&info))) });
        if try_join_all(heads).await?.contains(&false) { Err(Error::NotUploaded) } else { Ok(()) }
    }

    /// A page of completed files, the newest first, beginning after `start`.
    pub async fn list(&self, owner: FileOwner, limit: usize, start: Option<FileId>) -> Result<(Vec<File>, Option<FileId>), Error> {
        let (mut files, mut start) = (Vec::<File>::new(), start);
        loop {
            let (page, next) = self.table.page(owner, limit + 1, start).await?;
            for file in page.iter().filter(|file| file.status == FileStatus::Ready) {
                if files.len() == limit {
                    let last = files.last().map(|last| last.file_id);
                    return Ok((files, last));
                }
                files.push(file.file());
            }
            let Some(next) = next else { return Ok((files, None)) };
            start = Some(next);
        }
    }

    /// A URL to download a completed file, or one of its variants.
    pub async fn download(&self, found: Option<StoredFile>, variant: Option<&str>) -> Result<Download, Error> {
        let file = found.filter(|file| file.status == FileStatus::Ready).ok_or(Error::NotFound)?;
        let object = match variant {
            None => &file.object,
            Some(name) => &file.variants.iter().find(|variant| variant.variant == name).ok_or(Error::NotFound)?.object,
        };
        if self.scans {
            match self.objects.scan_verdict(&object.key).await? {
                ScanVerdict::Clean => {}
                ScanVerdict::Pending => return Err(Error::NotScanned),
                ScanVerdict::Refused => return Err(Error::Unsafe),
            }
        }
        let now = self.clock.now();
        let url = self.objects.presigned_download(&object.key, &file.name, &object.r#type, DOWNLOAD_SECONDS, now)?;
        Ok(Download { url, expires_at: now.plus_seconds(i64::from(DOWNLOAD_SECONDS)), file: file.file() })
    }

    /// Deletes a file that belongs to no message. `may_delete` decides for the file that was found. The objects go later.
    pub async fn delete(
        &self,
        _session: &Session,
        owner: FileOwner,
        found: Option<StoredFile>,
        may_delete: impl Fn(&StoredFile) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let file = found.ok_or(Error::NotFound)?;
        may_delete(&file)?;
        if file.message_id.is_some() {
            return Err(Error::Attached);
        }
        let mut deletion = Transaction::new();
        deletion.add_all(Write::File, self.table.removed(owner, std::slice::from_ref(&file), self.clock.now())?);
        let outcome = self.table.store.transact(&deletion).await?;
        if outcome.refused(Write::File).is_refused() {
            // It has gone, or a message attached it, or it was completed.
            return Err(match self.find(owner, file.file_id).await? {
                None => Error::NotFound,
                Some(file) if file.message_id.is_some() => Error::Attached,
                Some(_) => Error::OwnerChanged,
            });
        }
        Ok(outcome.require_committed()?)
    }

    /// Deletes the records of all files of an owner that was deleted. Their objects go later. If the work is interrupted, it can simply run again.
    pub async fn delete_all(&self, owner: FileOwner) -> Result<(), StoreError> {
        self.table.delete_all(owner, self.clock.now()).await
    }

    /// After the response, deletes the objects that are due.
    pub fn process_removals_later(&self, tasks: &BackgroundTasks) {
        let files = self.clone();
        tasks.push(async move { files.process_removals().await });
    }

    /// Deletes the objects that are due.
    pub async fn process_removals(&self) {
        let mut start = None;
        for _ in 0..MAX_ROUNDS {
            match self.table.process_removals(&self.objects, start, self.clock.now()).await {
                Ok(Some(next)) => start = Some(next),
                Ok(None) => return,
                Err(error) => {
                    tracing::warn!(cause = error.for_log(), "objects that are due could not be deleted; a later request goes on with them");
                    return;
                }
            }
        }
    }
}

/// The limits of an owner's files, from the environment: bytes.
impl FileLimits {
    /// Reads the variable `owner_variable` for what all files of one owner may take, and `FILE_MAX_BYTES` for the largest file.
    pub fn from_env(env: &Environment, owner_variable: &'static str, defaults: Self) -> Result<Self, EnvError> {
        Ok(Self { file: env.parsed("FILE_MAX_BYTES", defaults.file)?, owner: env.parsed(owner_variable, defaults.owner)? })
    }

    /// The defaults: files of 100 MB. Projects may take 10 GB, conversations 2 GB.
    pub const fn of(kind: OwnerKind) -> Self {
        match kind {
            OwnerKind::Project => Self { file: 100_000_000, owner: 10_000_000_000 },
            OwnerKind::Conversation => Self { file: 100_000_000, owner: 2_000_000_000 },
            OwnerKind::Person => Self { file: 5_000_000, owner: 50_000_000 },
        }
    }
}
