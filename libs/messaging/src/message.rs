//! Messages: the item, the API's shape, and the values that come from outside.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use shared_utils::clock::Timestamp;
use shared_utils::fields::spelled;
use shared_utils::fields::{FieldLog, Fields, Patch, text_schema, text_within};
use shared_utils::ids::{ConversationId, MessageId, UserId};
use shared_utils::random::sha256;
use shared_utils::text::{excerpt, is_object_key};

use crate::Error;

use crate::conversation::LastMessage;
use crate::emoji::qualified;

/// The longest text in code points.
const MAX_TEXT: usize = 8_000;
/// The most attachments.
const MAX_ATTACHMENTS: usize = 10;
/// The longest key, name and media type of an attachment in code points.
const MAX_KEY: usize = 1_024;
const MAX_NAME: usize = 255;
const MAX_TYPE: usize = 127;
/// The longest `optimisticId`.
const MAX_OPTIMISTIC_ID: usize = 128;
/// The length of a snippet in code points.
const SNIPPET: usize = 140;

/// A file that goes with a message: what is known of it, not the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Attachment {
    /// Storage key.
    pub key: String,
    /// File name.
    pub name: String,
    /// Media type.
    pub r#type: String,
    /// Bytes, where the client knows.
    pub size: Option<u64>,
}

/// A message: the item's and the API's shape.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Message {
    /// Which one.
    pub message_id: MessageId,
    /// Where.
    pub conversation_id: ConversationId,
    /// Its place, from 1, without gaps.
    pub seq: u64,
    /// Who sent it.
    pub sender_id: UserId,
    /// As sent; null without text and for tombstones.
    pub text: Option<String>,
    /// Files.
    pub attachments: Vec<Attachment>,
    /// Emoji → who reacted with it.
    pub reactions: BTreeMap<String, BTreeSet<UserId>>,
    /// What the sender's client called it.
    pub optimistic_id: Option<String>,
    /// When it was sent, by the server's clock.
    pub timestamp: Timestamp,
    /// From 1; every change raises it.
    pub version: u64,
    /// When it was last edited.
    pub edited_at: Option<Timestamp>,
    /// Whether only a tombstone is left.
    pub deleted: bool,
}

impl Message {
    /// How lists show it.
    pub(crate) fn as_last(&self) -> LastMessage {
        LastMessage {
            message_id: self.message_id,
            seq: self.seq,
            sender_id: self.sender_id,
            snippet: excerpt(self.text.as_deref().unwrap_or_default(), SNIPPET).to_owned(),
            attachments: self.attachments.len(),
            timestamp: self.timestamp,
            deleted: self.deleted,
        }
    }

    /// The same, one version on.
    pub(crate) fn next_version(&self) -> Self {
        Self { version: self.version + 1, ..self.clone() }
    }

    /// The tombstone that is left when it is deleted: its place and sender, and nothing of what was said.
    pub(crate) fn tombstone(&self) -> Self {
        Self { text: None, attachments: Vec::new(), reactions: BTreeMap::new(), deleted: true, ..self.next_version() }
    }
}

/// What is to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewMessage {
    /// Text, attachments, or both.
    pub text: Option<String>,
    /// Files.
    pub attachments: Vec<Attachment>,
    /// What the sender's client calls it: sent twice, it is the same message.
    pub optimistic_id: Option<String>,
}

impl NewMessage {
    /// Reads `text`, `attachments` and `optimisticId`; faults are left in `fields`.
    pub fn read<L: FieldLog>(fields: &mut Fields<L>) -> Self {
        let text = read_text(fields).value();
        let attachments = fields.objects("attachments", MAX_ATTACHMENTS, |fields| read_attachment(fields)).value().unwrap_or_default();
        let schema = || json!({"type": "string", "pattern": "^[ -~]+$", "minLength": 1, "maxLength": MAX_OPTIMISTIC_ID});
        let optimistic_id = fields.read("optimisticId", schema, |value| {
            let text = value.as_str().ok_or(("wrong_type", "This must be a text.".into()))?;
            let fits = (1..=MAX_OPTIMISTIC_ID).contains(&text.len()) && text.bytes().all(|byte| (0x20..=0x7e).contains(&byte));
            if fits { Ok(text.to_owned()) } else { Err(("invalid_value", "1 to 128 printable ASCII characters.".into())) }
        });
        Self { text, attachments, optimistic_id: optimistic_id.value() }
    }

    /// Notes a fault when there is nothing to send. To be called when no other fault was found.
    pub fn require_content<L: FieldLog>(&self, fields: &mut Fields<L>) {
        if self.text.is_none() && self.attachments.is_empty() {
            fields.fault("text", "required", "A message has a text, attachments, or both.");
        }
    }

    /// What a replay is compared by.
    pub(crate) fn digest(&self) -> String {
        sha256(serde_json::to_string(&(&self.text, &self.attachments)).unwrap_or_default().as_bytes())
    }
}

/// A reaction to a message: an emoji, and whether it is to be there. Without that it is turned to what it is not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reaction {
    emoji: String,
    pub(crate) on: Option<bool>,
}

impl Reaction {
    /// A reaction with this emoji: one of Unicode's RGI set, in whatever spelling.
    pub fn new(emoji: &str, on: Option<bool>) -> Result<Self, Error> {
        match qualified(emoji) {
            Some(emoji) => Ok(Self { emoji: emoji.to_owned(), on }),
            None => Err(Error::field("emoji", "invalid_value", "This must be one emoji.")),
        }
    }

    pub(crate) fn emoji(&self) -> &str {
        &self.emoji
    }
}

/// A message's text: 1–8,000 code points, something visible, without U+0000.
pub fn read_text<L: FieldLog>(fields: &mut Fields<L>) -> Patch<String> {
    fields.read("text", || text_schema(&(1..=MAX_TEXT)), |value| text_within(value, &(1..=MAX_TEXT)))
}

/// The text that a message is to have instead: null or an empty one where it is to have none.
pub fn read_new_text<L: FieldLog>(fields: &mut Fields<L>) -> Option<String> {
    if fields.peek("text") == Some("") {
        fields.ignore(&["text"]);
        return None;
    }
    let is_there = fields.has("text");
    let text = read_text(fields);
    if !is_there {
        fields.fault("text", "required", "This field is required.");
    }
    text.value()
}

fn read_attachment<L: FieldLog>(fields: &mut Fields<L>) -> Attachment {
    let key = fields.required_string("key", 1..=MAX_KEY);
    if !fields.is_faulty_at("key") && !is_object_key(&key) {
        fields.fault("key", "invalid_value", "This must be the key of a stored object: no scheme, no slash at its beginning, no \"..\".");
    }
    let name = fields.required_string("name", 1..=MAX_NAME);
    let media_type = fields.required_string("type", 1..=MAX_TYPE);
    for (field, value) in [("name", &name), ("type", &media_type)] {
        if value.chars().any(char::is_control) {
            fields.fault(field, "invalid_value", "This must not contain control characters.");
        }
    }
    let size = fields.integer("size", 0..=(1 << 53)).value();
    Attachment { key, name, r#type: media_type, size }
}

/// The longest body of a send, in bytes: every value in its longest spelling, with the names of members and white space.
pub const MAX_BODY: usize =
    4 * 1024 + spelled(MAX_TEXT) + spelled(MAX_OPTIMISTIC_ID) + MAX_ATTACHMENTS * (256 + spelled(MAX_KEY) + spelled(MAX_NAME) + spelled(MAX_TYPE));
