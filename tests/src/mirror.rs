//! What a client knows: built from an initial fetch, and then from frames alone, or from what it catches up.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::{Person, text};

/// The length of a snippet in code points.
const SNIPPET: usize = 140;

/// One person's idea of their conversations and messages, as a client keeps it: the highest version of each message, the highest marker of
/// each participant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mirror {
    /// Whose it is.
    pub user: String,
    /// Conversations by id, in the shape of the HTTP API.
    pub conversations: BTreeMap<String, Value>,
    /// Messages by conversation and `seq`.
    pub messages: BTreeMap<(String, u64), Value>,
    /// Conversations that are new to the client, whose history it has to fetch.
    pub unknown: Vec<String>,
}

impl Mirror {
    /// Everything, fetched over HTTP.
    ///
    /// # Panics
    /// When it cannot be fetched.
    pub async fn fetch(person: &Person) -> Self {
        let mut mirror = Self { user: person.id.clone(), conversations: BTreeMap::new(), messages: BTreeMap::new(), unknown: Vec::new() };
        let mut query = String::new();
        loop {
            let page = person.get(&format!("/messages/conversations?limit=100{query}")).await.expect(200);
            for conversation in page["items"].as_array().into_iter().flatten() {
                let id = text(&conversation["conversationId"]);
                mirror.fetch_history(person, &id).await;
                mirror.conversations.insert(id, conversation.clone());
            }
            match page["nextCursor"].as_str() {
                Some(cursor) => query = format!("&cursor={cursor}"),
                None => return mirror,
            }
        }
    }

    /// All messages of a conversation, fetched over HTTP.
    ///
    /// # Panics
    /// When they cannot be fetched.
    pub async fn fetch_history(&mut self, person: &Person, conversation: &str) {
        let mut query = String::new();
        loop {
            let page = person.get(&format!("/messages/conversations/{conversation}/messages?limit=100{query}")).await.expect(200);
            for message in page["items"].as_array().into_iter().flatten() {
                self.put(message);
            }
            match page["nextCursor"].as_str() {
                Some(cursor) => query = format!("&cursor={cursor}"),
                None => return,
            }
        }
    }

    /// Takes what a frame says. Frames of other matters change nothing here.
    pub fn frame(&mut self, frame: &Value) {
        match frame["action"].as_str().unwrap_or_default() {
            "newMessage" => {
                let message = message_of(frame);
                self.put(&message);
                let (id, seq, sender) = (text(&message["conversationId"]), &message["seq"], text(&message["senderId"]));
                self.mark(&id, &sender, seq.as_u64().unwrap_or_default());
            }
            "editMessage" | "deleteMessage" | "toggleReaction" => self.put(&message_of(frame)),
            "markRead" => {
                self.mark(&text(&frame["conversationId"]), &text(&frame["userId"]), frame["seq"].as_u64().unwrap_or_default());
            }
            "conversationAdded" => {
                self.unknown.push(text(&frame["conversation"]["conversationId"]));
                self.replace(&frame["conversation"]);
            }
            "conversationUpdated" => self.replace(&frame["conversation"]),
            "conversationRemoved" => self.forget(&text(&frame["conversationId"])),
            _ => {}
        }
    }

    /// Takes what was caught up.
    pub fn change(&mut self, change: &Value) {
        let id = text(&change["conversationId"]);
        match change["type"].as_str().unwrap_or_default() {
            "joined" => {
                self.unknown.push(id);
                self.replace(&change["conversation"]);
            }
            "updated" => self.replace(&change["conversation"]),
            "left" => self.forget(&id),
            _ => self.put(&change["message"]),
        }
    }

    /// The same without what catching up does not tell: who has read how far.
    #[must_use]
    pub fn without_markers(mut self) -> Self {
        for conversation in self.conversations.values_mut() {
            conversation["readSeq"] = Value::Null;
            conversation["unread"] = Value::Null;
            for participant in conversation["participants"].as_array_mut().into_iter().flatten() {
                participant["readSeq"] = Value::Null;
            }
        }
        self
    }

    fn replace(&mut self, conversation: &Value) {
        self.conversations.insert(text(&conversation["conversationId"]), conversation.clone());
    }

    fn forget(&mut self, conversation: &str) {
        self.conversations.remove(conversation);
        self.messages.retain(|(id, _), _| id != conversation);
        self.unknown.retain(|id| id != conversation);
    }

    /// Keeps the highest version of a message, and what its conversation's list entry shows of it.
    fn put(&mut self, message: &Value) {
        let (id, seq) = (text(&message["conversationId"]), message["seq"].as_u64().unwrap_or_default());
        let known = self.messages.entry((id.clone(), seq)).or_insert(Value::Null);
        if known["version"].as_u64() < message["version"].as_u64() {
            *known = message.clone();
        }
        let Some(conversation) = self.conversations.get_mut(&id) else { return };
        if conversation["lastSeq"].as_u64() > Some(seq) {
            return;
        }
        conversation["lastSeq"] = json!(seq);
        let snippet: String = known["text"].as_str().unwrap_or_default().chars().take(SNIPPET).collect();
        conversation["lastMessage"] = json!({
            "messageId": known["messageId"], "seq": seq, "senderId": known["senderId"], "snippet": snippet,
            "attachments": known["attachments"].as_array().map_or(0, Vec::len), "timestamp": known["timestamp"], "deleted": known["deleted"],
        });
        self.count(&id);
    }

    /// Keeps the highest marker of a participant.
    fn mark(&mut self, conversation: &str, user: &str, seq: u64) {
        let Some(known) = self.conversations.get_mut(conversation) else { return };
        for participant in known["participants"].as_array_mut().into_iter().flatten().filter(|participant| participant["userId"] == user) {
            if participant["readSeq"].as_u64() < Some(seq) {
                participant["readSeq"] = json!(seq);
            }
        }
        self.count(conversation);
    }

    /// How many are not read.
    fn count(&mut self, conversation: &str) {
        let Some(known) = self.conversations.get_mut(conversation) else { return };
        let own = known["participants"].as_array().into_iter().flatten().find(|participant| participant["userId"] == self.user.as_str());
        let read = own.and_then(|participant| participant["readSeq"].as_u64()).unwrap_or_default();
        known["readSeq"] = json!(read);
        known["unread"] = json!(known["lastSeq"].as_u64().unwrap_or_default().saturating_sub(read));
    }
}

/// The message in a frame.
fn message_of(frame: &Value) -> Value {
    let mut message: Map<String, Value> = frame.as_object().cloned().unwrap_or_default();
    for name in ["action", "conversationType", "projectId", "prevSeq"] {
        message.remove(name);
    }
    Value::Object(message)
}
