//! Files that go with a message: named by their id, or, as in the old app, by a storage key.

use files::record::FileStatus;
use files::{FileOwner, StoredFile};
use objects::ObjectKey;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use shared_utils::dynamo::{StoreError, TransactWrite};
use shared_utils::fields::{FieldLog, FieldPath, Fields, spelled};
use shared_utils::ids::{ConversationId, FileId, UserId};
use shared_utils::text::is_object_key;

use crate::message::Message;
use crate::{Error, Messaging};

/// Maximum number of attachments.
pub(crate) const MAX_ATTACHMENTS: usize = 10;
/// Maximum lengths of an attachment's key, name and media type, in code points.
const MAX_KEY: usize = 1_024;
const MAX_NAME: usize = 255;
const MAX_TYPE: usize = 127;
/// Maximum size of an attachment in a body, in bytes: all values in their longest spelling, member names and white space.
pub(crate) const MAX_ATTACHMENT: usize = 256 + spelled(MAX_KEY) + spelled(MAX_NAME) + spelled(MAX_TYPE) + spelled(64);

/// Metadata of an attached file, without the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Attachment {
    /// The file. Null for attachments of the old app.
    #[serde(default)]
    pub file_id: Option<FileId>,
    /// Storage key of an attachment of the old app. Null for files.
    #[serde(default)]
    pub key: Option<String>,
    /// File name.
    pub name: String,
    /// Media type.
    pub r#type: String,
    /// Size in bytes, if it is known.
    pub size: Option<u64>,
}

impl From<&StoredFile> for Attachment {
    fn from(file: &StoredFile) -> Self {
        Self { file_id: Some(file.file_id), key: None, name: file.name.clone(), r#type: file.object.r#type.clone(), size: Some(file.object.size) }
    }
}

/// An attachment of a message to send.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum NewAttachment {
    /// A file of this conversation that the sender has uploaded.
    #[serde(rename_all = "camelCase")]
    File {
        /// The file.
        file_id: FileId,
    },
    /// A storage key of the old app, with what the client says of it. The server never resolves it.
    Key {
        /// Storage key.
        key: String,
        /// File name.
        name: String,
        /// Media type.
        r#type: String,
        /// Size in bytes, if the client knows it.
        size: Option<u64>,
    },
}

impl NewAttachment {
    pub(crate) const fn file(&self) -> Option<FileId> {
        match self {
            Self::File { file_id } => Some(*file_id),
            Self::Key { .. } => None,
        }
    }
}

/// Reads `attachments`.
pub(crate) fn read_attachments<L: FieldLog>(fields: &mut Fields<L>) -> Vec<NewAttachment> {
    let read = fields.objects("attachments", MAX_ATTACHMENTS, |fields| read_attachment(fields)).value().unwrap_or_default();
    let mut seen = std::collections::BTreeSet::new();
    for (index, file) in read.iter().enumerate().filter_map(|(index, attachment)| Some((index, attachment.as_ref()?.file()?))) {
        if !seen.insert(file) {
            fields.fault_at(&FieldPath::from("attachments").join(index).join("fileId"), "duplicate", "This file appears more than once.");
        }
    }
    read.into_iter().flatten().collect()
}

fn read_attachment<L: FieldLog>(fields: &mut Fields<L>) -> Option<NewAttachment> {
    let file = fields.parsed::<FileId>("fileId", "This must be the id of a file.");
    let is_faulty = fields.is_faulty();
    let [key, name, media_type] =
        [("key", MAX_KEY), ("name", MAX_NAME), ("type", MAX_TYPE)].map(|(field, most)| fields.string(field, 1..=most).value());
    let size = fields.integer("size", 0..=(1 << 53)).value();
    if let Some(file_id) = file.value() {
        for (field, is_there) in [("key", key.is_some()), ("name", name.is_some()), ("type", media_type.is_some()), ("size", size.is_some())] {
            if is_there {
                fields.fault(field, "read_only", "A file has this already.");
            }
        }
        return Some(NewAttachment::File { file_id });
    }
    if let Some(key) = &key
        && (!is_object_key(key) || ObjectKey::is_well_formed(key))
    {
        fields.fault(
            "key",
            "invalid_value",
            "This must be the key of an object of the old app: no scheme, no slash at its beginning, no \"..\". Other files have a `fileId`.",
        );
    }
    for (field, value) in [("name", &name), ("type", &media_type)] {
        if value.as_ref().is_some_and(|value| value.chars().any(char::is_control)) {
            fields.fault(field, "invalid_value", "This must not contain control characters.");
        }
    }
    let missing: Vec<&str> = [("key", key.is_none()), ("name", name.is_none()), ("type", media_type.is_none())]
        .into_iter()
        .filter(|(_, is)| *is)
        .map(|(field, _)| field)
        .collect();
    if !is_faulty && missing.len() < 3 {
        for field in missing.into_iter().filter(|field| !fields.is_faulty_at(field)).collect::<Vec<_>>() {
            fields.fault(field, "required", "This field is required.");
        }
    }
    if let (Some(key), Some(name), Some(r#type)) = (key, name, media_type) {
        return Some(NewAttachment::Key { key, name, r#type, size });
    }
    if !is_faulty && !fields.is_faulty() {
        fields.fault_at(&FieldPath::default(), "required", "An attachment has a fileId; or, in the old form, key, name and type.");
    }
    None
}

/// Of the schema of an attachment: it has a `fileId`, or the members of the old form.
pub(crate) fn describe_attachments(schema: &mut Value) {
    schema["properties"]["attachments"]["anyOf"][0]["items"]["anyOf"] = json!([{"required": ["fileId"]}, {"required": ["key", "name", "type"]}]);
}

impl Messaging {
    /// The attachments of a message to send. A field error for each file that is not one that the sender has uploaded here, or that belongs to
    /// another message.
    pub(crate) async fn resolved(&self, sender: UserId, conversation: ConversationId, new: &[NewAttachment]) -> Result<Vec<Attachment>, Error> {
        let wanted: Vec<FileId> = new.iter().filter_map(NewAttachment::file).collect();
        let mut found =
            if wanted.is_empty() { Vec::new() } else { self.files.find_many(FileOwner::Conversation(conversation), &wanted).await? }.into_iter();
        let mut attachments = Vec::with_capacity(new.len());
        for (index, attachment) in new.iter().enumerate() {
            attachments.push(match attachment {
                NewAttachment::Key { key, name, r#type, size } => {
                    Attachment { file_id: None, key: Some(key.clone()), name: name.clone(), r#type: r#type.clone(), size: *size }
                }
                NewAttachment::File { .. } => {
                    let usable = |file: &StoredFile| file.status == FileStatus::Ready && file.uploaded_by == sender && file.message_id.is_none();
                    let file = found.next().flatten().filter(usable).ok_or_else(|| not_attachable(index))?;
                    Attachment::from(&file)
                }
            });
        }
        Ok(attachments)
    }

    /// The writes that make the files of a message its own. Refused if one of them has another message by now, or is gone.
    pub(crate) fn attach_writes(&self, message: &Message) -> Vec<TransactWrite> {
        let owner = FileOwner::Conversation(message.conversation_id);
        let files = message.attachments.iter().filter_map(|attachment| attachment.file_id);
        files.map(|file| self.files.attached(owner, file, message.message_id, message.sender_id)).collect()
    }

    /// The writes that delete the files of a message. Their objects go later.
    pub(crate) async fn detach_writes(&self, message: &Message) -> Result<Vec<TransactWrite>, StoreError> {
        let owner = FileOwner::Conversation(message.conversation_id);
        let files: Vec<FileId> = message.attachments.iter().filter_map(|attachment| attachment.file_id).collect();
        if files.is_empty() {
            return Ok(Vec::new());
        }
        let is_own = |file: &StoredFile| file.message_id == Some(message.message_id);
        let found: Vec<StoredFile> = self.files.find_many(owner, &files).await?.into_iter().flatten().filter(is_own).collect();
        self.files.removed(owner, &found, self.clock.now())
    }
}

/// The error of an attachment that names no file of the sender.
pub(crate) fn not_attachable(index: usize) -> Error {
    let path = FieldPath::from("attachments").join(index).join("fileId");
    Error::field(path, "invalid_value", "There is no such completed file of yours in this conversation that belongs to no other message.")
}

/// Whether a message has files of its own.
pub(crate) fn has_files(message: &Message) -> bool {
    message.attachments.iter().any(|attachment| attachment.file_id.is_some())
}

/// The error of files that were taken by another message meanwhile. It names the first of them.
pub(crate) fn taken_meanwhile(message: &Message) -> Error {
    let index = message.attachments.iter().position(|attachment| attachment.file_id.is_some());
    not_attachable(index.unwrap_or_default())
}
