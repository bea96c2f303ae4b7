//! The record of a file, as it is stored and as clients see it.

use objects::{ObjectKey, Sha256};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use shared_utils::clock::Timestamp;
use shared_utils::ids::{FileId, MessageId, UserId};

/// A stored variant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StoredVariant {
    /// Its name.
    pub variant: String,
    /// Its content.
    #[serde(flatten)]
    pub object: StoredObject,
}

/// One object in S3.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredObject {
    /// Its key.
    pub key: ObjectKey,
    /// Its media type. An item's `type` says what kind of item it is.
    #[serde(rename = "mediaType")]
    pub r#type: String,
    /// Its size in bytes.
    pub size: u64,
    /// Its SHA-256 in base64. Old files have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checksum: Option<String>,
}

impl StoredObject {
    /// Whether S3 has exactly this object.
    pub(crate) fn is(&self, info: &objects::ObjectInfo) -> bool {
        let checksum = info.sha256.map(|sha256: Sha256| sha256.to_string());
        info.size == self.size && info.content_type.as_deref() == Some(&self.r#type) && checksum == self.checksum
    }
}

/// Whether a file counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum FileStatus {
    /// Declared. The upload has not been completed.
    Pending,
    /// Uploaded and checked.
    Ready,
}

/// The record of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StoredFile {
    /// The file's id.
    pub file_id: FileId,
    /// The file's name.
    pub name: String,
    /// The file itself.
    #[serde(flatten)]
    pub object: StoredObject,
    /// Smaller versions of a picture.
    pub variants: Vec<StoredVariant>,
    /// Who uploaded it.
    pub uploaded_by: UserId,
    /// When it was declared.
    pub created_at: Timestamp,
    /// Whether it counts.
    pub status: FileStatus,
    /// The message that it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_id: Option<MessageId>,
}

impl StoredFile {
    /// All objects of the file.
    pub(crate) fn objects(&self) -> impl Iterator<Item = &StoredObject> {
        std::iter::once(&self.object).chain(self.variants.iter().map(|variant| &variant.object))
    }

    /// The size of all objects, in bytes.
    pub(crate) fn total_size(&self) -> u64 {
        self.objects().map(|object| object.size).sum()
    }

    /// The file in the shape of the API.
    pub fn file(&self) -> File {
        File {
            file_id: self.file_id,
            name: self.name.clone(),
            r#type: self.object.r#type.clone(),
            size: self.object.size,
            checksum: self.object.checksum.clone(),
            variants: self
                .variants
                .iter()
                .map(|variant| FileVariant { variant: variant.variant.clone(), r#type: variant.object.r#type.clone(), size: variant.object.size })
                .collect(),
            uploaded_by: self.uploaded_by,
            created_at: self.created_at,
            message_id: self.message_id,
        }
    }
}

/// A file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct File {
    /// The file's id.
    pub file_id: FileId,
    /// The file's name.
    pub name: String,
    /// The media type.
    pub r#type: String,
    /// The size in bytes.
    pub size: u64,
    /// The SHA-256 in base64. Null for files of the old app.
    pub checksum: Option<String>,
    /// Smaller versions of a picture.
    pub variants: Vec<FileVariant>,
    /// Who uploaded it.
    pub uploaded_by: UserId,
    /// When it was declared.
    pub created_at: Timestamp,
    /// The message that it belongs to.
    pub message_id: Option<MessageId>,
}

/// A smaller version of a picture.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct FileVariant {
    /// Its name.
    pub variant: String,
    /// The media type.
    pub r#type: String,
    /// The size in bytes.
    pub size: u64,
}
