//! Files that a project's fields name: wherever a link may be, the id of a file of this project may be too.

use serde_json::Value;
use shared_utils::fields::FieldPath;
use shared_utils::ids::FileId;

use super::fields::Changes;

/// The fields with links to files.
const FIELDS: [&str; 3] = ["thumbnails", "folders", "galleries"];

/// The ids of files in these values, with their paths.
pub(crate) fn file_ids(changes: &Changes) -> Vec<(FieldPath, FileId)> {
    let mut found = Vec::new();
    for name in FIELDS {
        if let Some(value) = changes.get(name) {
            collect(value, &FieldPath::from(name), &mut found);
        }
    }
    found
}

fn collect(value: &Value, path: &FieldPath, found: &mut Vec<(FieldPath, FileId)>) {
    match value {
        Value::String(text) => found.extend(text.parse().ok().map(|id| (path.clone(), id))),
        Value::Array(entries) => entries.iter().enumerate().for_each(|(index, entry)| collect(entry, &path.join(index), found)),
        Value::Object(members) => members.iter().for_each(|(name, member)| collect(member, &path.join(name), found)),
        _ => {}
    }
}
