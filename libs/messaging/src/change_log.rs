//! The change log of a conversation, read by clients that reconnect.
//!
//! Everything that happens in a conversation raises its head's `changeSeq` by one and leaves an entry at that number, which holds the message
//! as it is then. The next change of the same message takes the entry away in the transaction that writes its own: so there is one entry
//! a message, at its latest change, and catching up is one query that gives each message once and as it is now.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use shared_utils::dynamo::{Item, StoreError, from_item, n, s, to_item};
use shared_utils::ids::ConversationId;

use crate::keys;
use crate::message::Message;

/// What changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum ChangeType {
    /// A message was sent.
    Created,
    /// A message has another text.
    Edited,
    /// Only a tombstone is left of a message.
    Deleted,
    /// Someone reacted to a message, or took it back.
    Reacted,
    /// A group has another title, or other people.
    Updated,
    /// The reader takes part now.
    Joined,
    /// The reader takes part no longer.
    Left,
}

/// A message with its places in the change log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredMessage {
    /// The message.
    pub message: Message,
    /// Its latest change.
    pub(crate) change_seq: u64,
    /// The change that it began with.
    pub(crate) created_change: u64,
}

impl StoredMessage {
    /// A message that is sent by this change.
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

/// The entry of a change to a group itself.
pub(crate) fn updated_item(conversation: ConversationId, change_seq: u64) -> Item {
    let mut item = keys::change(conversation, change_seq).into_item();
    item.insert("type".to_owned(), s("change"));
    item.insert("changeSeq".to_owned(), n(change_seq));
    item.insert("changeType".to_owned(), s(<&str>::from(ChangeType::Updated)));
    item
}

/// An entry as it is read.
pub(crate) enum ChangeEntry {
    /// A message, and what was last done to it.
    Message(ChangeType, Box<StoredMessage>),
    /// The group itself.
    Updated,
}

impl ChangeEntry {
    /// Reads an entry, and the number it stands at.
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
