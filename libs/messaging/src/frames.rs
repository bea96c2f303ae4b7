//! Frames about conversations and messages. The action names are those that the app handles today.

use realtime::EphemeralFrame;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};
use shared_utils::clock::Timestamp;
use shared_utils::ids::{ConversationId, ProjectId, UserId};

use crate::conversation::{Conversation, ConversationKind, ConversationView};
use crate::message::Message;
use crate::notification::Notification;

/// A message in a frame.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MessageFrame {
    #[serde(flatten)]
    message: Message,
    /// The kind of its conversation.
    conversation_type: ConversationKind,
    /// The project of a project's conversation.
    project_id: Option<ProjectId>,
}

/// A frame about conversations, messages and presence.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(tag = "action", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Frame {
    /// A message was sent.
    NewMessage {
        #[serde(flatten)]
        message: Box<MessageFrame>,
        /// The `seq` before it: a reader sees a gap at once.
        prev_seq: u64,
    },
    /// A message has another text. The frame holds the whole message; clients keep the highest `version`.
    EditMessage {
        #[serde(flatten)]
        message: Box<MessageFrame>,
    },
    /// Only a tombstone is left of a message.
    DeleteMessage {
        #[serde(flatten)]
        message: Box<MessageFrame>,
    },
    /// Someone reacted to a message, or took a reaction back. The frame holds the whole message.
    ToggleReaction {
        #[serde(flatten)]
        message: Box<MessageFrame>,
    },
    /// A participant has read up to `seq`. The reader's own devices get each. The others are told at most once in five seconds, more rarely in a
    /// conversation of more than ten, and not at all where there are more than 50 of them. What they were not told, the reader's next marker or
    /// message tells (a sender has read all before it), and `participants[].readSeq` says when asked.
    MarkRead {
        /// Where.
        conversation_id: ConversationId,
        /// Who.
        user_id: UserId,
        /// The last `seq` that counts as read.
        seq: u64,
    },
    /// A participant was writing. A client drops a frame that arrives after a later message of the same person. Not sent where more than 50
    /// others take part.
    Typing {
        /// Where.
        conversation_id: ConversationId,
        /// Who.
        user_id: UserId,
        /// When.
        at: Timestamp,
    },
    /// The receiver takes part in a conversation now.
    ConversationAdded {
        /// The conversation as the receiver sees it.
        conversation: Box<ConversationView>,
    },
    /// A conversation has another title or other people.
    ConversationUpdated {
        /// The conversation as the receiver sees it.
        conversation: Box<ConversationView>,
    },
    /// The receiver takes part in a conversation no longer.
    ConversationRemoved {
        /// Which one.
        conversation_id: ConversationId,
        /// Of two frames about a conversation the higher version holds.
        version: u64,
    },
    /// Someone went online or offline. Of several frames about one person, the one with the latest `at` holds. Not sent where more than 50 people
    /// share something with them: `presenceLookup` says who is online.
    PresenceChanged {
        /// Who.
        user_id: UserId,
        /// Whether a socket of theirs is open.
        online: bool,
        /// When.
        at: Timestamp,
    },
    /// The receiver has a notification. One with a known `dedupeId` replaces the one before and moves to the front.
    Notification {
        /// The notification.
        notification: Box<Notification>,
        /// Number of unread notifications. 100 means 100 or more.
        unread: usize,
    },
}

fn message_frame(conversation: &Conversation, message: &Message) -> Box<MessageFrame> {
    let head = &conversation.head;
    Box::new(MessageFrame { message: message.clone(), conversation_type: head.conversation_type, project_id: head.project_id })
}

/// `newMessage`
pub fn new_message(conversation: &Conversation, message: &Message) -> Value {
    json!(Frame::NewMessage { message: message_frame(conversation, message), prev_seq: message.seq - 1 })
}

/// `editMessage`, with the whole message. Clients keep the highest version.
pub fn edit_message(conversation: &Conversation, message: &Message) -> Value {
    json!(Frame::EditMessage { message: message_frame(conversation, message) })
}

/// `deleteMessage`
pub fn delete_message(conversation: &Conversation, message: &Message) -> Value {
    json!(Frame::DeleteMessage { message: message_frame(conversation, message) })
}

/// `toggleReaction`
pub fn toggle_reaction(conversation: &Conversation, message: &Message) -> Value {
    json!(Frame::ToggleReaction { message: message_frame(conversation, message) })
}

/// `markRead`
pub fn mark_read(conversation_id: ConversationId, user_id: UserId, seq: u64) -> EphemeralFrame {
    EphemeralFrame::new(json!(Frame::MarkRead { conversation_id, user_id, seq }))
}

/// `typing`
pub fn typing(conversation_id: ConversationId, user_id: UserId, at: Timestamp) -> EphemeralFrame {
    EphemeralFrame::new(json!(Frame::Typing { conversation_id, user_id, at }))
}

/// `conversationUpdated`: the title or participants changed. Contains this person's view.
pub fn conversation_updated(conversation: &Conversation, user: UserId) -> Value {
    json!(Frame::ConversationUpdated { conversation: Box::new(conversation.view(user)) })
}

/// `conversationRemoved`: the recipient is no longer a participant.
pub fn conversation_removed(conversation: &Conversation) -> Value {
    json!(Frame::ConversationRemoved { conversation_id: conversation.head.conversation_id, version: conversation.version() })
}

/// `conversationAdded`, with this person's view of the conversation.
pub fn conversation_added(conversation: &Conversation, user: UserId) -> Value {
    json!(Frame::ConversationAdded { conversation: Box::new(conversation.view(user)) })
}

/// `presenceChanged`
pub fn presence_changed(user_id: UserId, online: bool, at: Timestamp) -> EphemeralFrame {
    EphemeralFrame::new(json!(Frame::PresenceChanged { user_id, online, at }))
}

/// `notification`
pub fn notification(notification: &Notification, unread: usize) -> Value {
    json!(Frame::Notification { notification: Box::new(notification.clone()), unread })
}
