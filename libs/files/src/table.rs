//! The records of files in a domain's table.
//!
//! | item | pk | sk |
//! | --- | --- | --- |
//! | file | `FILES#<owner>` | `FILE#<fileId>` |
//! | what the owner's files take | `FILES#<owner>` | `USAGE` |
//! | objects that must go | `REMOVALS` | `<time>#<fileId>` |

use std::fmt;

use objects::ObjectKey;
use shared_utils::clock::Timestamp;
use shared_utils::dynamo::{
    Condition, Item, Key, PartitionQuery, Store, StoreError, TransactWrite, Update, delete, delete_if, from_item, n, put, put_if, s, to_item, update,
};
use shared_utils::ids::{ConversationId, FileId, MessageId, ProjectId, UserId};

use crate::record::{FileStatus, StoredFile};
use crate::removals::Removal;

/// The kind of an owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OwnerKind {
    /// Projects.
    Project,
    /// Conversations.
    Conversation,
    /// People, who own their pictures.
    Person,
}

impl OwnerKind {
    /// The first folder of the objects' keys.
    pub const fn folder(self) -> &'static str {
        match self {
            Self::Project => "projects",
            Self::Conversation => "conversations",
            Self::Person => "people",
        }
    }
}

/// What files belong to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileOwner {
    /// A project.
    Project(ProjectId),
    /// A conversation.
    Conversation(ConversationId),
    /// A person.
    Person(UserId),
}

impl FileOwner {
    /// The kind.
    pub const fn kind(self) -> OwnerKind {
        match self {
            Self::Project(_) => OwnerKind::Project,
            Self::Conversation(_) => OwnerKind::Conversation,
            Self::Person(_) => OwnerKind::Person,
        }
    }

    pub(crate) fn partition(self) -> String {
        format!("FILES#{self}")
    }

    pub(crate) fn file_key(self, file: FileId) -> Key {
        Key::new(self.partition(), format!("FILE#{file}"))
    }
}

fn usage_key(partition: impl Into<String>) -> Key {
    Key::new(partition, "USAGE")
}

impl fmt::Display for FileOwner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Project(id) => id.fmt(f),
            Self::Conversation(id) => id.fmt(f),
            Self::Person(id) => id.fmt(f),
        }
    }
}

/// The number of records that are deleted at once.
const DELETED_AT_ONCE: usize = 100;

/// The file of a picture, by the key that a profile has. `None` if the key is not one of this person's pictures, as in old profiles.
pub fn picture_of(owner: FileOwner, thumbnail: &str) -> Option<FileId> {
    let key: ObjectKey = thumbnail.parse().ok()?;
    key.ulid_in(owner.kind().folder(), owner).map(FileId::from_bytes)
}

/// The first and the last sort key of files.
const FILES: (&str, &str) = ("FILE#", "FILE#~");

/// The condition that a record still has the status and the message that were read. What must be written at its deletion depends on them.
fn is_as_read(file: &StoredFile) -> Condition {
    let status = match file.status {
        FileStatus::Pending => "pending",
        FileStatus::Ready => "ready",
    };
    let condition = match file.message_id {
        None => Condition::new("#status = :status AND attribute_not_exists(messageId)"),
        Some(message) => Condition::new("#status = :status AND messageId = :message").value(":message", s(message)),
    };
    condition.name("#status", "status").value(":status", s(status))
}

/// The records in one table. It knows no S3, so that other transactions can include its writes.
#[derive(Clone)]
pub struct FileTable {
    pub(crate) store: Store,
    pub(crate) table: String,
}

impl FileTable {
    /// The records in this table.
    pub fn new(store: Store, table: String) -> Self {
        Self { store, table }
    }

    /// The items of files that are taken over from elsewhere, and of what they take. For an owner that nobody sees yet.
    pub fn items(owner: FileOwner, files: &[StoredFile]) -> Result<Vec<Item>, StoreError> {
        let mut items = files.iter().map(|file| to_item(owner.file_key(file.file_id), "file", file)).collect::<Result<Vec<_>, _>>()?;
        if !files.is_empty() {
            let mut usage = usage_key(owner.partition()).into_item();
            usage.insert("type".to_owned(), s("fileUsage"));
            usage.insert("bytes".to_owned(), n(files.iter().map(StoredFile::total_size).sum::<u64>()));
            items.push(usage);
        }
        Ok(items)
    }

    /// A file.
    pub async fn find(&self, owner: FileOwner, file: FileId) -> Result<Option<StoredFile>, StoreError> {
        self.store.get(&self.table, &owner.file_key(file)).await
    }

    /// These files, in this order. Unknown ids are `None`.
    pub async fn find_many(&self, owner: FileOwner, files: &[FileId]) -> Result<Vec<Option<StoredFile>>, StoreError> {
        let wanted: Vec<_> = files.iter().map(|file| (self.table.as_str(), owner.file_key(*file))).collect();
        let found = self.store.get_many(&wanted).await?;
        wanted.into_iter().map(|(table, key)| found.get(&(table.to_owned(), key)).cloned().map(from_item).transpose()).collect()
    }

    /// A page of records, the newest first, beginning after `start`. It holds pending files too.
    pub(crate) async fn page(&self, owner: FileOwner, limit: usize, start: Option<FileId>) -> Result<(Vec<StoredFile>, Option<FileId>), StoreError> {
        let query = PartitionQuery {
            range: Some(("sk", FILES.0.to_owned(), FILES.1.to_owned())),
            descending: true,
            limit: Some(limit),
            ..PartitionQuery::all(&self.table, owner.partition())
        };
        let page = self.store.query_page(&query, start.map(|file| owner.file_key(file).into_item())).await?;
        let files: Vec<StoredFile> = page.items.into_iter().map(from_item).collect::<Result<_, _>>()?;
        let next = page.last.and_then(|_| files.last().map(|file| file.file_id));
        Ok((files, next))
    }

    pub(crate) fn declared(&self, owner: FileOwner, file: &StoredFile) -> Result<TransactWrite, StoreError> {
        Ok(put_if(&self.table, to_item(owner.file_key(file.file_id), "file", file)?, Condition::absent()))
    }

    /// The write that reserves room. It is refused where the owner's files would take more than `limit` bytes.
    pub(crate) fn reserved(&self, owner: FileOwner, size: u64, limit: u64) -> TransactWrite {
        let change = Update::new("SET #type = :type ADD bytes :size")
            .when("attribute_not_exists(bytes) OR bytes <= :room")
            .name("#type", "type")
            .value(":type", s("fileUsage"))
            .value(":size", n(size))
            .value(":room", n(limit.saturating_sub(size)));
        update(&self.table, usage_key(owner.partition()), change)
    }

    /// The write that gives room back, in this partition of files.
    pub(crate) fn released(&self, partition: &str, size: u64) -> TransactWrite {
        let change = Update::new("SET #type = :type ADD bytes :size").name("#type", "type").value(":type", s("fileUsage"));
        update(&self.table, usage_key(partition), change.value(":size", n(format!("-{size}"))))
    }

    pub(crate) fn completed(&self, owner: FileOwner, file: FileId) -> TransactWrite {
        let change = Update::new("SET #status = :ready").when("#status = :pending").name("#status", "status");
        update(&self.table, owner.file_key(file), change.value(":ready", s("ready")).value(":pending", s("pending")))
    }

    pub(crate) fn removal_put(&self, removal: &Removal) -> Result<TransactWrite, StoreError> {
        Ok(put(&self.table, to_item(removal.key(), "removal", removal)?))
    }

    pub(crate) fn removal_delete(&self, removal: &Removal) -> TransactWrite {
        delete(&self.table, removal.key())
    }

    /// The write that attaches a file to a message. It is refused unless the file is this person's, is ready, and belongs to no other message.
    pub fn attached(&self, owner: FileOwner, file: FileId, message: MessageId, by: UserId) -> TransactWrite {
        let change = Update::new("SET messageId = :message")
            .when("#status = :ready AND uploadedBy = :by AND attribute_not_exists(messageId)")
            .name("#status", "status")
            .value(":message", s(message))
            .value(":ready", s("ready"))
            .value(":by", s(by));
        update(&self.table, owner.file_key(file), change)
    }

    /// The writes that delete the records of files: their room is given back, and their objects go later. Refused if a record has gone
    /// meanwhile, was completed or was attached to a message.
    pub fn removed(&self, owner: FileOwner, files: &[StoredFile], now: Timestamp) -> Result<Vec<TransactWrite>, StoreError> {
        let mut writes = Vec::with_capacity(3 * files.len() + 1);
        for file in files {
            writes.push(delete_if(&self.table, owner.file_key(file.file_id), is_as_read(file)));
            for removal in Removal::of_deleted(owner, file, now) {
                writes.push(self.removal_put(&removal)?);
            }
        }
        if !files.is_empty() {
            writes.push(self.released(&owner.partition(), files.iter().map(StoredFile::total_size).sum()));
        }
        Ok(writes)
    }

    /// Deletes the records of all files of an owner that was deleted. The removals of the objects are written first.
    pub async fn delete_all(&self, owner: FileOwner, now: Timestamp) -> Result<(), StoreError> {
        let mut start = None;
        loop {
            let (files, next) = self.page(owner, DELETED_AT_ONCE, start).await?;
            let removals = files.iter().flat_map(|file| Removal::of_deleted(owner, file, now));
            let removals = removals.map(|removal| to_item(removal.key(), "removal", &removal));
            self.store.put_many(&self.table, removals.collect::<Result<_, _>>()?).await?;
            self.store.delete_many(&self.table, files.iter().map(|file| owner.file_key(file.file_id)).collect()).await?;
            match next {
                Some(next) => start = Some(next),
                None => return self.store.delete_item(&self.table, usage_key(owner.partition())).await.map(drop),
            }
        }
    }
}
