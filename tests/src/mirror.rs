//! The state of a client: an initial fetch, followed by frames alone or by catching up.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};
use shared_utils::text::excerpt;

use crate::{Person, text};

/// The maximum length of a snippet, in code points.
const SNIPPET: usize = 140;

/// The conversations and messages that a client knows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Known {
    /// Conversations by id, in the form of the HTTP API.
    conversations: BTreeMap<String, Value>,
    /// Messages by conversation and `seq`.
    messages: BTreeMap<(String, u64), Value>,
}

/// One person's conversations and messages, as a client keeps them. The order of frames does not matter: the highest version of each message,
/// the highest version of each conversation's title and participants, and the highest marker of each participant count.
#[derive(Debug, Clone)]
pub struct Mirror {
    /// The person's user id.
    user: String,
    /// The known state.
    pub known: Known,
    /// New conversations, whose history the client must fetch.
    pub unknown: Vec<String>,
    /// Read markers by conversation and person, even if the person is not yet known as a participant.
    markers: BTreeMap<(String, String), u64>,
    /// The version at which the person was removed, by conversation.
    removed: BTreeMap<String, u64>,
    /// Deleted projects. Frames about them may arrive after the frame that says so.
    removed_projects: BTreeSet<String>,
}

impl Mirror {
    /// Fetches everything over HTTP.
    ///
    /// # Panics
    /// If the fetch fails.
    pub async fn fetch(person: &Person) -> Self {
        let mut mirror = Self {
            user: person.id.clone(),
            known: Known::default(),
            unknown: Vec::new(),
            markers: BTreeMap::new(),
            removed: BTreeMap::new(),
            removed_projects: BTreeSet::new(),
        };
        let mut query = String::new();
        loop {
            let page = person.get(&format!("/messages/conversations?limit=100{query}")).await.expect(200);
            for conversation in page["items"].as_array().into_iter().flatten() {
                mirror.merge(conversation);
                mirror.fetch_history(person, &text(&conversation["conversationId"])).await;
            }
            let Some(cursor) = page["nextCursor"].as_str() else {
                mirror.unknown.clear();
                return mirror;
            };
            query = format!("&cursor={cursor}");
        }
    }

    /// Fetches all messages of a conversation over HTTP.
    ///
    /// # Panics
    /// If the fetch fails.
    pub async fn fetch_history(&mut self, person: &Person, conversation: &str) {
        let mut query = String::new();
        loop {
            let answer = person.get(&format!("/messages/conversations/{conversation}/messages?limit=100{query}")).await;
            if answer.status == 404 {
                // The person has left meanwhile. A frame says so, or the list of conversations at the end of catching up.
                return;
            }
            let page = answer.expect(200);
            for message in page["items"].as_array().into_iter().flatten() {
                self.put(message);
            }
            match page["nextCursor"].as_str() {
                Some(cursor) => query = format!("&cursor={cursor}"),
                None => return,
            }
        }
    }

    /// Applies a frame. Frames about other matters change nothing.
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
            "conversationAdded" | "conversationUpdated" => self.merge(&frame["conversation"]),
            "teamChanged" if frame["conversation"].is_object() => self.merge(&frame["conversation"]),
            "projectRemoved" => {
                self.removed_projects.insert(text(&frame["projectId"]));
                let of_project = |(_, view): &(&String, &Value)| view["projectId"] == frame["projectId"];
                let gone: Vec<String> = self.known.conversations.iter().filter(of_project).map(|(id, _)| id.clone()).collect();
                for id in &gone {
                    self.remove(id, u64::MAX);
                }
            }
            "conversationRemoved" => self.remove(&text(&frame["conversationId"]), frame["version"].as_u64().unwrap_or_default()),
            _ => {}
        }
    }

    /// Applies a change from catching up.
    pub fn change(&mut self, change: &Value) {
        let id = text(&change["conversationId"]);
        match change["type"].as_str().unwrap_or_default() {
            "joined" => {
                // The person may have joined again, so the known state may be from an earlier membership.
                self.forget(&id);
                self.merge(&change["conversation"]);
                change["messages"].as_array().into_iter().flatten().for_each(|message| self.put(message));
                if change["moreMessages"] == json!(false) {
                    self.unknown.retain(|unknown| *unknown != id);
                }
            }
            "updated" => self.merge(&change["conversation"]),
            "left" => self.forget(&id),
            _ => self.put(&change["message"]),
        }
    }

    /// Applies the list of conversations at the end of catching up. All other conversations are forgotten.
    pub fn keep_only(&mut self, conversations: &Value) {
        let current: Vec<String> = conversations.as_array().into_iter().flatten().map(text).collect();
        let gone: Vec<String> = self.known.conversations.keys().filter(|id| !current.contains(id)).cloned().collect();
        for id in &gone {
            self.forget(id);
        }
    }

    /// The known state without read markers, which catching up does not include.
    #[must_use]
    pub fn without_markers(&self) -> Known {
        let mut known = self.known.clone();
        for conversation in known.conversations.values_mut() {
            conversation["readSeq"] = Value::Null;
            conversation["unread"] = Value::Null;
            for participant in conversation["participants"].as_array_mut().into_iter().flatten() {
                participant["readSeq"] = Value::Null;
            }
        }
        known
    }

    /// The known state without the read markers of other people. Frames tell them rarely, and never more than what is stored.
    #[must_use]
    pub fn without_others_markers(&self) -> Known {
        let mut known = self.known.clone();
        for conversation in known.conversations.values_mut() {
            for participant in conversation["participants"].as_array_mut().into_iter().flatten() {
                if participant["userId"] != json!(self.user) {
                    participant["readSeq"] = Value::Null;
                }
            }
        }
        known
    }

    /// Merges a view of a conversation: title and participants of the highest version, the latest message, and the highest markers.
    fn merge(&mut self, view: &Value) {
        let id = text(&view["conversationId"]);
        let version = |view: &Value| view["version"].as_u64().unwrap_or_default();
        let is_of_removed_project = view["projectId"].as_str().is_some_and(|project| self.removed_projects.contains(project));
        if is_of_removed_project || self.removed.get(&id).is_some_and(|removed| *removed >= version(view)) {
            return;
        }
        for participant in view["participants"].as_array().into_iter().flatten() {
            self.raise(&id, &text(&participant["userId"]), participant["readSeq"].as_u64().unwrap_or_default());
        }
        match self.known.conversations.get_mut(&id) {
            None => {
                self.known.conversations.insert(id.clone(), view.clone());
                self.unknown.push(id.clone());
            }
            Some(known) => {
                if version(known) <= version(view) {
                    for name in ["title", "participants", "version"] {
                        known[name] = view[name].clone();
                    }
                }
                if known["lastSeq"].as_u64() < view["lastSeq"].as_u64() {
                    for name in ["lastSeq", "lastMessage"] {
                        known[name] = view[name].clone();
                    }
                }
            }
        }
        self.show_last(&id);
        self.show_markers(&id);
    }

    /// Removes the person from a conversation as of this version.
    fn remove(&mut self, conversation: &str, version: u64) {
        let removed = self.removed.entry(conversation.to_owned()).or_default();
        *removed = version.max(*removed);
        let known = self.known.conversations.get(conversation);
        if known.is_some_and(|known| known["version"].as_u64() <= Some(version)) {
            self.forget(conversation);
        }
    }

    fn forget(&mut self, conversation: &str) {
        self.known.conversations.remove(conversation);
        self.known.messages.retain(|(id, _), _| id != conversation);
        self.markers.retain(|(id, _), _| id != conversation);
        self.unknown.retain(|id| id != conversation);
    }

    /// Keeps the highest version of a message. Ignores messages of unknown conversations, whose history is fetched later.
    fn put(&mut self, message: &Value) {
        let (id, seq) = (text(&message["conversationId"]), message["seq"].as_u64().unwrap_or_default());
        let Some(conversation) = self.known.conversations.get_mut(&id) else { return };
        let known = self.known.messages.entry((id.clone(), seq)).or_insert(Value::Null);
        if known["version"].as_u64() < message["version"].as_u64() {
            *known = message.clone();
        }
        if conversation["lastSeq"].as_u64() < Some(seq) {
            conversation["lastSeq"] = json!(seq);
        }
        self.show_last(&id);
        self.show_markers(&id);
    }

    /// Updates the last message in a conversation's list entry, if that message is known.
    fn show_last(&mut self, id: &str) {
        let Some(conversation) = self.known.conversations.get_mut(id) else { return };
        let seq = conversation["lastSeq"].as_u64().unwrap_or_default();
        let Some(last) = self.known.messages.get(&(id.to_owned(), seq)) else { return };
        let snippet = excerpt(last["text"].as_str().unwrap_or_default(), SNIPPET);
        conversation["lastMessage"] = json!({
            "messageId": last["messageId"], "seq": seq, "senderId": last["senderId"], "snippet": snippet,
            "attachments": last["attachments"].as_array().map_or(0, Vec::len), "timestamp": last["timestamp"], "deleted": last["deleted"],
        });
    }

    /// Keeps the highest marker of a person.
    fn mark(&mut self, conversation: &str, user: &str, seq: u64) {
        self.raise(conversation, user, seq);
        self.show_markers(conversation);
    }

    fn raise(&mut self, conversation: &str, user: &str, seq: u64) {
        let marker = self.markers.entry((conversation.to_owned(), user.to_owned())).or_default();
        *marker = seq.max(*marker);
    }

    /// Updates everyone's read marker, and the number of unread messages.
    fn show_markers(&mut self, id: &str) {
        let Some(conversation) = self.known.conversations.get_mut(id) else { return };
        let of = |user: &str| self.markers.get(&(id.to_owned(), user.to_owned())).copied().unwrap_or_default();
        for participant in conversation["participants"].as_array_mut().into_iter().flatten() {
            participant["readSeq"] = json!(of(&text(&participant["userId"])));
        }
        let read = of(&self.user);
        conversation["readSeq"] = json!(read);
        conversation["unread"] = json!(conversation["lastSeq"].as_u64().unwrap_or_default().saturating_sub(read));
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
