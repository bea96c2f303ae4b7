//! Takes over the files that a project's fields name. The old system stored objects under keys that clients made. Here each becomes a file of the
//! project with a key of the server; the objects themselves are copied by the operator, from the list that this module makes.

use std::collections::BTreeMap;

use files::record::{FileStatus, StoredFile, StoredObject};
use objects::ObjectKey;
use percent_encoding::percent_decode_str;
use serde::Serialize;
use serde_json::Value;
use shared_utils::ids::FileId;

use crate::ExportError;
use crate::project::OldProject;

/// The fields with links to files.
const FIELDS: [&str; 3] = ["thumbnails", "folders", "galleries"];
/// The folder of the old bucket under which Amplify stored what everybody of the app could read.
const PUBLIC: &str = "public/";

/// The objects of the old bucket: their sizes in bytes, by key.
#[derive(Debug, Clone, Default)]
pub struct OldObjects(BTreeMap<String, u64>);

/// An object to copy to the bucket of this environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ObjectCopy {
    /// The key in the old bucket.
    pub from: String,
    /// The key in the bucket of this environment.
    pub to: String,
    /// The media type that the copy must have.
    pub content_type: &'static str,
}

impl OldObjects {
    /// Reads the output of `aws s3api list-objects-v2`: `{"Contents": [{"Key", "Size"}]}`.
    pub fn read(text: &str) -> Result<Self, ExportError> {
        let listing: Value = serde_json::from_str(text).map_err(|error| ExportError::NoListing(error.to_string()))?;
        let entries = listing["Contents"].as_array().ok_or_else(|| ExportError::NoListing("there is no list \"Contents\"".to_owned()))?;
        let entry = |entry: &Value| Some((entry["Key"].as_str()?.to_owned(), entry["Size"].as_u64()?));
        Ok(Self(entries.iter().filter_map(entry).collect()))
    }

    /// The object that a link names: a key, a key below `public/`, or an address with the key as its path.
    fn named_by(&self, link: &str) -> Option<(&str, u64)> {
        let path = match link.split_once("://") {
            Some((_, rest)) => percent_decode_str(rest.split_once('/')?.1.split(['?', '#']).next()?).decode_utf8().ok()?.into_owned(),
            None => link.trim_start_matches('/').to_owned(),
        };
        let found = self.0.get_key_value(&path).or_else(|| self.0.get_key_value(&format!("{PUBLIC}{path}")));
        found.map(|(key, size)| (key.as_str(), *size))
    }
}

/// Replaces the links of a project to old objects by ids of files, and adds the files to the project. Returns the objects to copy. The same export
/// gives the same ids and keys.
pub(crate) fn take_over(old: &mut OldProject, objects: &OldObjects) -> Vec<ObjectCopy> {
    let mut taking = Taking { objects, old_id: &old.old_id, files: BTreeMap::new(), copies: Vec::new(), project: &old.project };
    let mut fields = old.project.fields.clone();
    for name in FIELDS {
        if let Some(value) = fields.get_mut(name) {
            taking.replace(value);
        }
    }
    let Taking { files, copies, .. } = taking;
    old.project.fields = fields;
    old.project.files = files.into_values().collect();
    copies
}

struct Taking<'a> {
    objects: &'a OldObjects,
    old_id: &'a str,
    project: &'a projects_router::store::ImportedProject,
    /// By the old key.
    files: BTreeMap<String, StoredFile>,
    copies: Vec<ObjectCopy>,
}

impl Taking<'_> {
    fn replace(&mut self, value: &mut Value) {
        match value {
            Value::String(link) => {
                if let Some(file) = self.file(link) {
                    *link = file.to_string();
                }
            }
            Value::Array(entries) => entries.iter_mut().for_each(|entry| self.replace(entry)),
            Value::Object(members) => {
                // A name may look like a key.
                members.iter_mut().filter(|(name, _)| *name != "fileName" && *name != "name").for_each(|(_, member)| self.replace(member));
            }
            _ => {}
        }
    }

    fn file(&mut self, link: &str) -> Option<FileId> {
        let (old_key, size) = self.objects.named_by(link)?;
        if let Some(known) = self.files.get(old_key) {
            return Some(known.file_id);
        }
        let project = self.project;
        let file_id = FileId::derived(project.created_at, &format!("{}/{old_key}", self.old_id));
        let key = ObjectKey::with_ulid("projects", project.id, file_id.to_bytes()).ok()?;
        let content_type = content_type(old_key);
        self.copies.push(ObjectCopy { from: old_key.to_owned(), to: key.to_string(), content_type });
        let file = StoredFile {
            file_id,
            name: old_key.rsplit('/').next().unwrap_or(old_key).to_owned(),
            object: StoredObject { key, r#type: content_type.to_owned(), size, checksum: None },
            variants: Vec::new(),
            uploaded_by: project.owner,
            created_at: project.created_at,
            status: FileStatus::Ready,
            message_id: None,
        };
        self.files.insert(old_key.to_owned(), file);
        Some(file_id)
    }
}

/// The media type by the end of a name: the old system stored none.
fn content_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, end)| end.to_ascii_lowercase()).as_deref() {
        Some("jpg" | "jpeg") => "image/jpeg",
        Some("png") => "image/png",
        Some("gif") => "image/gif",
        Some("webp") => "image/webp",
        Some("heic") => "image/heic",
        Some("pdf") => "application/pdf",
        Some("txt") => "text/plain",
        Some("csv") => "text/csv",
        Some("zip") => "application/zip",
        Some("mp4") => "video/mp4",
        Some("mov") => "video/quicktime",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_name_objects_by_key_or_address() {
        let objects = OldObjects::read(r#"{"Contents": [{"Key": "public/projects/P-1/a b.png", "Size": 5}, {"Key": "x.pdf", "Size": 7}]}"#).unwrap();
        for link in [
            "projects/P-1/a b.png",
            "public/projects/P-1/a b.png",
            "/projects/P-1/a b.png",
            "https://b.s3.amazonaws.com/public/projects/P-1/a%20b.png?v=1",
        ] {
            assert_eq!(objects.named_by(link), Some(("public/projects/P-1/a b.png", 5)), "{link}");
        }
        assert_eq!(objects.named_by("x.pdf"), Some(("x.pdf", 7)));
        for link in ["y.pdf", "https://x.pdf", ""] {
            assert_eq!(objects.named_by(link), None, "{link}");
        }
        assert!(OldObjects::read("[]").is_err() && OldObjects::read("{").is_err());
    }
}
