//! The declaration of a file that a client wants to upload.

use objects::Sha256;
use serde_json::json;
use shared_utils::fields::{FieldLog, Fields};

/// The longest name of a file, in code points.
const MAX_NAME: usize = 255;
/// The longest content type, in characters.
const MAX_TYPE: usize = 127;
/// The most variants of a file.
pub const MAX_VARIANTS: usize = 4;
/// The longest name of a variant, in characters.
const MAX_VARIANT: usize = 32;

/// What a content type must be.
const MALFORMED_TYPE: &str = "This must be a media type, such as image/png.";

/// The content of one object: the file itself, or a variant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content {
    /// The media type.
    pub media_type: String,
    /// The size in bytes.
    pub size: u64,
    /// The SHA-256.
    pub checksum: Option<Sha256>,
}

/// A file that a client wants to upload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileForm {
    /// The file's name.
    pub name: String,
    /// The file itself.
    pub content: Content,
    /// Smaller versions of a picture, by name.
    pub variants: Vec<(String, Content)>,
}

impl FileForm {
    /// Reads `name`, `type`, `size`, `checksum` and `variants`. `max_size` is the largest file, in bytes.
    pub fn read<L: FieldLog>(fields: &mut Fields<L>, max_size: u64) -> Self {
        let name = fields.required_string("name", 1..=MAX_NAME);
        if name.chars().any(char::is_control) {
            fields.fault("name", "invalid_value", "This must not contain control characters.");
        }
        let content = read_content(fields, max_size);
        let variants = fields.objects("variants", MAX_VARIANTS, |fields| read_variant(fields, max_size)).value().unwrap_or_default();
        let mut seen = std::collections::BTreeSet::new();
        for (index, (variant, _)) in variants.iter().enumerate() {
            if !seen.insert(variant) {
                fields.fault_at(&["variants", &index.to_string(), "variant"].into(), "duplicate", "This variant appears more than once.");
            }
        }
        Self { name, content, variants }
    }

    /// The size of the file and all variants, in bytes.
    pub fn total_size(&self) -> u64 {
        self.variants.iter().map(|(_, content)| content.size).fold(self.content.size, u64::saturating_add)
    }
}

fn read_variant<L: FieldLog>(fields: &mut Fields<L>, max_size: u64) -> (String, Content) {
    let schema = || json!({"type": "string", "pattern": "^[a-z0-9-]+$", "minLength": 1, "maxLength": MAX_VARIANT});
    let variant = fields.read("variant", schema, |value| {
        let text = value.as_str().ok_or(("wrong_type", "This must be a text.".into()))?;
        let fits =
            (1..=MAX_VARIANT).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
        if fits { Ok(text.to_owned()) } else { Err(("invalid_value", "1 to 32 lower-case letters, digits or hyphens.".into())) }
    });
    let variant = fields.require("variant", variant).unwrap_or_default();
    (variant, read_content(fields, max_size))
}

fn read_content<L: FieldLog>(fields: &mut Fields<L>, max_size: u64) -> Content {
    let schema = || json!({"type": "string", "pattern": "^[!#$&^_.+a-zA-Z0-9-]+/[!#$&^_.+a-zA-Z0-9-]+$", "maxLength": MAX_TYPE});
    let media_type = fields.read("type", schema, |value| match value.as_str() {
        Some(text) if is_media_type(text) => Ok(text.to_ascii_lowercase()),
        Some(_) => Err(("invalid_value", MALFORMED_TYPE.into())),
        None => Err(("wrong_type", MALFORMED_TYPE.into())),
    });
    let size = fields.integer("size", 1..=max_size);
    let schema = || json!({"type": "string", "pattern": "^[A-Za-z0-9+/]{43}=$"});
    let checksum = fields.read("checksum", schema, |value| {
        let detail = "This must be the SHA-256 of the file, in base64: 44 characters.";
        value.as_str().and_then(|text| text.parse::<Sha256>().ok()).ok_or(("invalid_value", detail.into()))
    });
    Content {
        media_type: fields.require("type", media_type).unwrap_or_default(),
        size: fields.require("size", size).unwrap_or_default(),
        checksum: fields.require("checksum", checksum),
    }
}

/// A type and a subtype without parameters (RFC 6838, section 4.2).
fn is_media_type(text: &str) -> bool {
    let is_name = |name: &str| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$&^_.+-".contains(&byte));
    text.len() <= MAX_TYPE && text.split_once('/').is_some_and(|(kind, subtype)| is_name(kind) && is_name(subtype))
}
