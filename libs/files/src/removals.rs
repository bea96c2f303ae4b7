//! Objects that must go. An entry is written in the transaction that makes its objects superfluous, or in the one that declares an upload, due a day
//! later. It is deleted when S3 has deleted the objects. So nothing is left behind, however often the work is interrupted: any later request that
//! deals with files goes on with it.
//!
//! The form of an upload outlives a file that is deleted soon after its declaration. So the entry of its upload stays, or is written again: what
//! arrives after the deletion goes too.

use futures_util::future::try_join_all;
use objects::{ObjectKey, ObjectStore};
use serde::{Deserialize, Serialize};
use shared_utils::clock::Timestamp;
use shared_utils::dynamo::{Condition, Item, Key, PartitionQuery, StoreError, Transaction, delete_if, from_item};
use shared_utils::ids::FileId;
use shared_utils::signed_requests::ServiceError;

use crate::Error;
use crate::record::{FileStatus, StoredFile};
use crate::table::{FileOwner, FileTable};

const PARTITION: &str = "REMOVALS";
/// The number of entries that are processed in one round.
const AT_ONCE: usize = 25;
/// When an upload that was not completed is removed, in seconds.
const UPLOAD_ENDS_SECONDS: i64 = 86_400;

/// Objects that must go at a time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Removal {
    due_at: Timestamp,
    file_id: FileId,
    /// The partition of the file's record.
    files: String,
    keys: Vec<ObjectKey>,
}

/// The writes of the removal of a pending file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Write {
    File,
    Usage,
}

impl Removal {
    fn of(owner: FileOwner, file: &StoredFile, due_at: Timestamp) -> Self {
        Self { due_at, file_id: file.file_id, files: owner.partition(), keys: file.objects().map(|object| object.key.clone()).collect() }
    }

    /// The removal of an upload that is not completed. The same at declaration and completion.
    pub(crate) fn of_upload(owner: FileOwner, file: &StoredFile) -> Self {
        Self::of(owner, file, upload_ends(file))
    }

    /// The removals of a file that is deleted: at once, and again when its upload has ended for certain, unless that one is written already.
    pub(crate) fn of_deleted(owner: FileOwner, file: &StoredFile, now: Timestamp) -> Vec<Self> {
        let mut removals = vec![Self::of(owner, file, now)];
        if file.status == FileStatus::Ready && now < upload_ends(file) {
            removals.push(Self::of_upload(owner, file));
        }
        removals
    }

    pub(crate) fn key(&self) -> Key {
        Key::new(PARTITION, format!("{}#{}", self.due_at, self.file_id))
    }
}

fn upload_ends(file: &StoredFile) -> Timestamp {
    file.created_at.plus_seconds(UPLOAD_ENDS_SECONDS)
}

impl FileTable {
    /// A page of due entries, beginning after `start`, and where the next page begins.
    async fn due_removals(&self, start: Option<Item>, now: Timestamp) -> Result<(Vec<Removal>, Option<Item>), StoreError> {
        let query = PartitionQuery {
            range: Some(("sk", String::new(), format!("{now}#~"))),
            limit: Some(AT_ONCE),
            ..PartitionQuery::all(&self.table, PARTITION)
        };
        let page = self.store.query_page(&query, start).await?;
        Ok((page.items.into_iter().map(from_item).collect::<Result<_, _>>()?, page.last))
    }

    /// Deletes the objects of a page of due entries, and the records of uploads that were never completed. Returns where the next page begins.
    ///
    /// An entry whose objects S3 refuses to delete stays, and the next entries are processed.
    pub(crate) async fn process_removals(&self, objects: &ObjectStore, start: Option<Item>, now: Timestamp) -> Result<Option<Item>, Error> {
        let (due, next) = self.due_removals(start, now).await?;
        for removal in due {
            match self.process_removal(objects, &removal).await {
                Err(Error::Service(error @ ServiceError::Refused { .. })) => {
                    tracing::error!(cause = error.for_log(), file = %removal.file_id, "the objects of a file cannot be deleted");
                }
                done => done?,
            }
        }
        Ok(next)
    }

    async fn process_removal(&self, objects: &ObjectStore, removal: &Removal) -> Result<(), Error> {
        let record = Key::new(removal.files.clone(), format!("FILE#{}", removal.file_id));
        let file: Option<StoredFile> = self.store.get(&self.table, &record).await?;
        if let Some(file) = file {
            match file.status {
                // Completed in the last moment.
                FileStatus::Ready if removal.due_at == upload_ends(&file) => {
                    self.store.delete_item(&self.table, removal.key()).await?;
                    return Ok(());
                }
                // All files of the owner are being deleted. The record goes next.
                FileStatus::Ready => {}
                FileStatus::Pending => {
                    if !self.expire(removal, record, &file).await? {
                        return Ok(());
                    }
                }
            }
        }
        try_join_all(removal.keys.iter().map(|key| objects.delete(key))).await?;
        self.store.delete_item(&self.table, removal.key()).await?;
        Ok(())
    }

    /// Deletes the record of an upload that was not completed. Returns `false` if it was completed meanwhile.
    async fn expire(&self, removal: &Removal, record: Key, file: &StoredFile) -> Result<bool, StoreError> {
        let is_pending = Condition::new("#status = :pending").name("#status", "status").value(":pending", shared_utils::dynamo::s("pending"));
        let mut expiry = Transaction::new();
        expiry.add(Write::File, delete_if(&self.table, record, is_pending));
        expiry.add(Write::Usage, self.released(&removal.files, file.total_size()));
        let outcome = self.store.transact(&expiry).await?;
        if outcome.refused(Write::File).is_refused() {
            return Ok(false);
        }
        outcome.require_committed().map(|()| true)
    }
}
