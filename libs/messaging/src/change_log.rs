//! The change log of a conversation, read by clients that reconnect.
//!
//! Each send, edit, deletion, reaction or group update increments the head's `changeSeq` and writes an entry with that number. A message's entry
//! holds the message after the change. The next change of the message deletes this entry in the same transaction. So each message has one entry,
//! at its latest change, and one query returns each changed message once, in its current state.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use shared_utils::dynamo::{Item, StoreError, from_item, n, s, to_item};
use shared_utils::ids::ConversationId;

use crate::keys;
use crate::message::Message;

/// The type of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum ChangeType {
    /// A message was sent.
    Created,
    /// A message's text changed.
    Edited,
    /// A message became a tombstone.
    Deleted,
    /// A reaction was added to or removed from a message.
    Reacted,
    /// The title or participants changed.
    Updated,
    /// The reader became a participant.
    Joined,
    /// The reader is no longer a participant.
    Left,
}

/// A message with its change numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredMessage {
    /// The message.
    pub message: Message,
    /// The `changeSeq` of its latest change.
    pub(crate) change_seq: u64,
    /// The `changeSeq` of its creation.
    pub(crate) created_change: u64,
}

impl StoredMessage {
    /// A message that this change creates.
    pub(crate) fn new(message: Message, change_seq: u64) -> Self {
        Self { message, change_seq, created_change: change_seq }
    }

    /// The same message after a further change.
    pub(crate) fn changed(&self, message: Message, change_seq: u64) -> Self {
        Self { message, change_seq, created_change: self.created_change }
    }

    /// Reads a message's item, or the entry of its latest change.
    pub(crate) fn from_item(item: Item) -> Result<Self, StoreError> {
        let number = |name: &str| item.get(name).and_then(|value| value.as_n().ok()?.parse().ok()).unwrap_or(0);
        let (change_seq, created_change) = (number("changeSeq"), number("createdChange"));
        Ok(Self { message: from_item(item)?, change_seq, created_change })
    }

    fn as_item(&self, key: shared_utils::dynamo::Key, kind: &str) -> Result<Item, StoreError> {
        let mut item = to_item(key, kind, &self.message)?;
        item.insert("changeSeq".to_owned(), n(self.change_seq));
        item.insert("createdChange".to_owned(), n(self.created_change));
        Ok(item)
    }

    /// The message's item.
    pub(crate) fn item(&self) -> Result<Item, StoreError> {
        self.as_item(keys::message(self.message.conversation_id, self.message.seq), "message")
    }

    /// The entry of its latest change.
    pub(crate) fn change_item(&self, change_type: ChangeType) -> Result<Item, StoreError> {
        let mut item = self.as_item(keys::change(self.message.conversation_id, self.change_seq), "change")?;
        item.insert("changeType".to_owned(), s(<&str>::from(change_type)));
        Ok(item)
    }
}

/// The change-log entry of a group update.
pub(crate) fn updated_item(conversation: ConversationId, change_seq: u64) -> Item {
    let mut item = keys::change(conversation, change_seq).into_item();
    item.insert("type".to_owned(), s("change"));
    item.insert("changeSeq".to_owned(), n(change_seq));
    item.insert("changeType".to_owned(), s(<&str>::from(ChangeType::Updated)));
    item
}

/// A change-log entry, as read.
pub(crate) enum ChangeEntry {
    /// A message and its latest change.
    Message(ChangeType, Box<StoredMessage>),
    /// A group update.
    Updated,
}

impl ChangeEntry {
    /// Reads an entry and its `changeSeq`.
    pub(crate) fn from_item(item: Item) -> Result<(u64, Self), StoreError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Place {
            change_seq: u64,
            change_type: ChangeType,
        }
        let place: Place = from_item(item.clone())?;
        let entry = match place.change_type {
            ChangeType::Updated => Self::Updated,
            change_type => Self::Message(change_type, Box::new(StoredMessage::from_item(item)?)),
        };
        Ok((place.change_seq, entry))
    }
}
