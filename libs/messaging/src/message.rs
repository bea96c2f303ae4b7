//! Messages: the item, the API's shape, and input validation.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use shared_utils::clock::Timestamp;
use shared_utils::fields::spelled;
use shared_utils::fields::{FieldError, FieldErrors, FieldLog, FieldPath, Fields, Patch, TextSchema, text_schema, text_within};
use shared_utils::ids::{ConversationId, MessageId, UserId};
use shared_utils::random::sha256;
use shared_utils::text::excerpt;

use crate::Error;
use crate::attachments::{Attachment, MAX_ATTACHMENT, MAX_ATTACHMENTS, NewAttachment, describe_attachments, read_attachments};

use crate::conversation::{Conversation, LastMessage};
use crate::emoji::qualified;

/// Maximum text length in code points.
const MAX_TEXT: usize = 8_000;
/// Maximum number of people that a message mentions.
const MAX_MENTIONS: usize = 50;
/// Maximum length of a user id, in code points.
const MAX_USER_ID: usize = 30;
/// Maximum `optimisticId` length in bytes.
const MAX_OPTIMISTIC_ID: usize = 128;
/// Maximum snippet length in code points.
const SNIPPET: usize = 140;

/// A message, in the shape of the item and the API.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Message {
    /// Message id.
    pub message_id: MessageId,
    /// Conversation id.
    pub conversation_id: ConversationId,
    /// Sequence number in the conversation, from 1, without gaps.
    pub seq: u64,
    /// Sender.
    pub sender_id: UserId,
    /// The text. Null without text and for tombstones.
    pub text: Option<String>,
    /// Attached files.
    pub attachments: Vec<Attachment>,
    /// People whom the message mentions. Set when it is sent; an edit keeps them, a deletion erases them.
    #[serde(default)]
    pub mentions: BTreeSet<UserId>,
    /// Emoji → people who reacted with it.
    pub reactions: BTreeMap<String, BTreeSet<UserId>>,
    /// The id that the sender's client chose.
    pub optimistic_id: Option<String>,
    /// When it was sent, by the server's clock.
    pub timestamp: Timestamp,
    /// Starts at 1. Every change increments it.
    pub version: u64,
    /// When it was last edited.
    pub edited_at: Option<Timestamp>,
    /// Whether the message is a tombstone.
    pub deleted: bool,
}

impl Message {
    /// The summary for lists.
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

    /// A copy with the next version.
    pub(crate) fn next_version(&self) -> Self {
        Self { version: self.version + 1, ..self.clone() }
    }

    /// The tombstone of the message. It keeps the `seq` and the sender, but none of the content.
    pub(crate) fn tombstone(&self) -> Self {
        Self { text: None, attachments: Vec::new(), mentions: BTreeSet::new(), reactions: BTreeMap::new(), deleted: true, ..self.next_version() }
    }
}

/// A message to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewMessage {
    /// Text, attachments, or both.
    pub text: Option<String>,
    /// Attached files.
    pub attachments: Vec<NewAttachment>,
    /// People whom the message mentions, in the order of the request. They must take part in the conversation.
    pub mentions: Vec<UserId>,
    /// The id that the sender's client chose. Sent again, it is the same message.
    pub optimistic_id: Option<String>,
}

impl NewMessage {
    /// Reads `text`, `attachments`, `mentions` and `optimisticId`. Adds field errors to `fields`.
    pub fn read<L: FieldLog>(fields: &mut Fields<L>) -> Self {
        let text = read_text(fields).value();
        let attachments = read_attachments(fields);
        let mentions = read_mentions(fields);
        let schema = || json!({"type": "string", "pattern": "^[ -~]+$", "minLength": 1, "maxLength": MAX_OPTIMISTIC_ID});
        let optimistic_id = fields.read("optimisticId", schema, |value| {
            let text = value.as_str().ok_or(("wrong_type", "This must be a text.".into()))?;
            let fits = (1..=MAX_OPTIMISTIC_ID).contains(&text.len()) && text.bytes().all(|byte| (0x20..=0x7e).contains(&byte));
            if fits { Ok(text.to_owned()) } else { Err(("invalid_value", "1 to 128 printable ASCII characters.".into())) }
        });
        Self { text, attachments, mentions, optimistic_id: optimistic_id.value() }
    }

    /// Adds a field error when there is no content. Call it only if there are no other field errors.
    pub fn require_content<L: FieldLog>(&self, fields: &mut Fields<L>) {
        if self.text.is_none() && self.attachments.is_empty() {
            fields.fault("text", "required", "A message has a text, attachments, or both.");
        }
    }

    /// Checks that everyone whom the message mentions takes part. Each other person is a field error at its index.
    pub(crate) fn check_mentions(&self, conversation: &Conversation) -> Result<(), Error> {
        let strangers = self.mentions.iter().enumerate().filter(|(_, person)| !conversation.includes(**person));
        let faults: Vec<FieldError> = strangers
            .map(|(index, _)| FieldError::new(FieldPath::from("mentions").join(index), "invalid_value", "This person does not take part."))
            .collect();
        Ok(FieldErrors::check(faults)?)
    }

    /// The people whom the message mentions, each once.
    pub(crate) fn mentioned(&self) -> BTreeSet<UserId> {
        self.mentions.iter().copied().collect()
    }

    /// The digest that replays are compared by. Without mentions it is the digest of messages from before there were mentions.
    pub(crate) fn digest(&self) -> String {
        let content = if self.mentions.is_empty() {
            serde_json::to_string(&(&self.text, &self.attachments))
        } else {
            serde_json::to_string(&(&self.text, &self.attachments, self.mentioned()))
        };
        sha256(content.unwrap_or_default().as_bytes())
    }
}

/// A reaction to a message. `on` adds or removes the emoji; without `on` it is toggled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reaction {
    emoji: String,
    pub(crate) on: Option<bool>,
}

impl Reaction {
    /// A reaction with this emoji, from Unicode's RGI set, in any spelling.
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

/// Reads a message's text: 1–8,000 code points, visible content, no U+0000.
pub fn read_text<L: FieldLog>(fields: &mut Fields<L>) -> Patch<String> {
    fields.read("text", || text_schema(&(1..=MAX_TEXT)), |value| text_within(value, &(1..=MAX_TEXT)))
}

/// Reads the new text of an edit. Null or an empty text removes the text.
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

/// Reads the ids of the people whom a message mentions. A malformed id is nobody's, and a field error at its index.
fn read_mentions<L: FieldLog>(fields: &mut Fields<L>) -> Vec<UserId> {
    let entries = fields.array("mentions", MAX_MENTIONS, UserId::text_schema).value().unwrap_or_default();
    let (mut mentions, mut faults) = (Vec::with_capacity(entries.len()), Vec::new());
    for (path, entry) in entries {
        match entry.as_str().map(str::parse) {
            Some(Ok(user)) => mentions.push(user),
            Some(Err(_)) => faults.push(FieldError::new(path, "invalid_value", "This person does not take part.")),
            None => faults.push(FieldError::new(path, "wrong_type", "This must be a user id.")),
        }
    }
    fields.add(faults);
    mentions
}

/// Of the schema of a new message: a text is required where there are no attachments.
pub fn allow_attachments_alone(schema: &mut Value) {
    if let Some(required) = schema["required"].as_array_mut() {
        required.retain(|name| name != "text");
    }
    schema["anyOf"] = json!([{"required": ["text"]}, {"required": ["attachments"]}]);
    schema["properties"]["text"] = json!({"anyOf": [schema["properties"]["text"].take(), {"type": "null"}]});
    describe_attachments(schema);
}

/// Of the schema of a changed message: the text may be null or empty, where the message has attachments.
pub fn allow_no_text(schema: &mut Value) {
    let text = text_schema(&(0..=MAX_TEXT));
    schema["properties"]["text"] = json!({"anyOf": [text, {"type": "null"}]});
}

/// Maximum body size of a send in bytes: all values in their longest spelling, member names and white space.
pub const MAX_BODY: usize =
    4 * 1024 + spelled(MAX_TEXT) + spelled(MAX_OPTIMISTIC_ID) + MAX_MENTIONS * spelled(MAX_USER_ID) + MAX_ATTACHMENTS * MAX_ATTACHMENT;
