//! Frames about conversations and messages. The action names are those that the app handles today.

use serde_json::{Map, Value, json};
use shared_utils::clock::Timestamp;
use shared_utils::ids::{ConversationId, UserId};

use crate::conversation::Conversation;
use crate::message::Message;

/// A message's fields, with the action, the conversation's kind and the project.
fn message_frame(action: &str, conversation: &Conversation, message: &Message) -> Map<String, Value> {
    let mut frame = match json!(message) {
        Value::Object(fields) => fields,
        _ => Map::new(),
    };
    frame.insert("action".to_owned(), json!(action));
    frame.insert("conversationType".to_owned(), json!(conversation.head.conversation_type));
    frame.insert("projectId".to_owned(), json!(conversation.head.project_id));
    frame
}

/// `newMessage`, with the previous `seq`, so that a client detects a gap at once.
pub fn new_message(conversation: &Conversation, message: &Message) -> Value {
    let mut frame = message_frame("newMessage", conversation, message);
    frame.insert("prevSeq".to_owned(), json!(message.seq - 1));
    Value::Object(frame)
}

/// `editMessage`, with the whole message. Clients keep the highest version.
pub fn edit_message(conversation: &Conversation, message: &Message) -> Value {
    Value::Object(message_frame("editMessage", conversation, message))
}

/// `deleteMessage`, with the tombstone.
pub fn delete_message(conversation: &Conversation, message: &Message) -> Value {
    Value::Object(message_frame("deleteMessage", conversation, message))
}

/// `toggleReaction`, with the whole message.
pub fn toggle_reaction(conversation: &Conversation, message: &Message) -> Value {
    Value::Object(message_frame("toggleReaction", conversation, message))
}

/// `markRead`: this person has read up to `seq`.
pub fn mark_read(conversation: ConversationId, user: UserId, seq: u64) -> Value {
    json!({"action": "markRead", "conversationId": conversation, "userId": user, "seq": seq})
}

/// `typing`: this person typed at `at`. A client drops the frame if the person's latest message is newer.
pub fn typing(conversation: ConversationId, user: UserId, at: Timestamp) -> Value {
    json!({"action": "typing", "conversationId": conversation, "userId": user, "at": at})
}

/// `conversationUpdated`: the title or participants changed. Contains this person's view.
pub fn conversation_updated(conversation: &Conversation, user: UserId) -> Value {
    json!({"action": "conversationUpdated", "conversation": conversation.view(user)})
}

/// `conversationRemoved`: the recipient is no longer a participant.
pub fn conversation_removed(conversation: &Conversation) -> Value {
    json!({"action": "conversationRemoved", "conversationId": conversation.head.conversation_id, "version": conversation.version()})
}

/// `conversationAdded`, with this person's view of the conversation.
pub fn conversation_added(conversation: &Conversation, user: UserId) -> Value {
    json!({"action": "conversationAdded", "conversation": conversation.view(user)})
}
