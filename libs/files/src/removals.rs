//! Objects that must go. An entry is written in the transaction that makes its objects superfluous, or in the one that declares an upload, due a day
//! later. It is deleted when S3 has deleted the objects. So nothing is left behind, however often the work is interrupted: any later request that
//! deals with files goes on with it.

use objects::{ObjectKey, ObjectStore};
use serde::{Deserialize, Serialize};
use shared_utils::clock::Timestamp;
use shared_utils::dynamo::{Condition, Key, PartitionQuery, StoreError, Transaction, delete_if, from_item};
use shared_utils::ids::FileId;

use crate::Error;
use crate::record::{FileStatus, StoredFile};
use crate::table::{FileOwner, FileTable};

const PARTITION: &str = "REMOVALS";
/// The number of entries that are processed after one response.
const AT_ONCE: usize = 25;

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
    pub(crate) fn of(owner: FileOwner, file: &StoredFile, due_at: Timestamp) -> Self {
        Self { due_at, file_id: file.file_id, files: owner.partition(), keys: file.objects().map(|object| object.key.clone()).collect() }
    }

    pub(crate) fn key(&self) -> Key {
        Key::new(PARTITION, format!("{}#{}", self.due_at, self.file_id))
    }
}

impl FileTable {
    async fn due_removals(&self, now: Timestamp) -> Result<Vec<Removal>, StoreError> {
        let query = PartitionQuery {
            range: Some(("sk", String::new(), format!("{now}#~"))),
            limit: Some(AT_ONCE),
            ..PartitionQuery::all(&self.table, PARTITION)
        };
        self.store.query_page(&query, None).await?.items.into_iter().map(from_item).collect()
    }

    /// Deletes the objects that are due, and the records of uploads that were never completed.
    pub(crate) async fn process_removals(&self, objects: &ObjectStore, now: Timestamp) -> Result<(), Error> {
        for removal in self.due_removals(now).await? {
            let record = Key::new(removal.files.clone(), format!("FILE#{}", removal.file_id));
            let file: Option<StoredFile> = self.store.get(&self.table, &record).await?;
            if let Some(file) = file {
                if file.status == FileStatus::Ready {
                    // Completed in the last moment.
                    self.store.delete_item(&self.table, removal.key()).await?;
                    continue;
                }
                if !self.expire(&removal, record, &file).await? {
                    continue;
                }
            }
            for key in &removal.keys {
                objects.delete(key).await?;
            }
            self.store.delete_item(&self.table, removal.key()).await?;
        }
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
