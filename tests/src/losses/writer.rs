//! Writers: each sends one message after another, and repeats a message under its `optimisticId` until it is acknowledged.

use std::sync::Arc;
use std::time::{Duration, Instant};

use fastrand::Rng;
use futures_util::{SinkExt, StreamExt};
use reqwest::Method;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use super::account::{Account, GIVE_UP, Stream, between};
use super::history::Acknowledged;
use super::{Shared, TestConversation};

/// How long a writer waits for a reply over the socket.
const PATIENCE: Duration = Duration::from_secs(5);
/// The number of messages per thousand that are edited afterwards.
const EDITS: u64 = 30;
/// The number of frames per thousand after which the connection is cut.
const CUTS: u64 = 4;

/// The result of a send.
enum Reply {
    Message(Value),
    /// Busy, broken or lost: the message must be sent again.
    Again,
    Refused(String),
}

/// A person who writes.
pub(super) struct Writer {
    pub(super) number: usize,
    pub(super) account: Arc<Account>,
    pub(super) conversations: Vec<TestConversation>,
    pub(super) chance: Rng,
    /// Whether the writer sends over a socket. Otherwise it sends over HTTP.
    pub(super) over_socket: bool,
    pub(super) shared: Arc<Shared>,
}

impl Writer {
    /// Writes `count` messages. Returns the acknowledged messages in order.
    pub(super) async fn write(mut self, count: u64) -> Vec<Acknowledged> {
        let mut acknowledged = Vec::new();
        let mut socket = None;
        for n in 0..count {
            let conversation = self.conversations[usize::try_from(self.chance.u64(..self.conversations.len() as u64)).unwrap_or_default()].clone();
            let name = format!("w{}-{n}", self.number);
            self.shared.began(&name);
            let Some(message) = self.send(&mut socket, &conversation, &name).await else { return acknowledged };
            let mut text = name.clone();
            if self.chance.u64(..1_000) < EDITS {
                text.push_str(" edited");
                let path = format!("/messages/{}", message["messageId"].as_str().unwrap_or_default());
                match self.account.until_answered(Method::PATCH, &path, Some(json!({"text": text}))).await {
                    Ok((200, _)) => {}
                    other => self.shared.refuse(format!("an edit was answered with {other:?}")),
                }
            }
            let seq = message["seq"].as_u64().unwrap_or_default();
            if message["senderId"] != self.account.id.as_str() || message["optimisticId"] != name.as_str() {
                self.shared.refuse(format!("{name} was acknowledged as another message"));
            }
            acknowledged.push(Acknowledged { writer: self.number, conversation: conversation.number, seq, optimistic_id: name, text });
            self.shared.count_one();
        }
        acknowledged
    }

    async fn send(&mut self, socket: &mut Option<Stream>, conversation: &TestConversation, name: &str) -> Option<Value> {
        let began = Instant::now();
        for attempt in 0.. {
            let reply = if self.over_socket { self.over_socket(socket, conversation, name).await } else { self.over_http(conversation, name).await };
            match reply {
                Ok(Reply::Message(message)) => return Some(message),
                Ok(Reply::Again) => tokio::time::sleep(Duration::from_millis(2 << attempt.min(6))).await,
                Ok(Reply::Refused(why)) | Err(why) => {
                    self.shared.refuse(format!("{name}: {why}"));
                    return None;
                }
            }
            if began.elapsed() > GIVE_UP {
                break;
            }
        }
        self.shared.refuse(format!("{name} was never acknowledged"));
        None
    }

    async fn over_http(&self, conversation: &TestConversation, name: &str) -> Result<Reply, String> {
        let path = format!("/messages/conversations/{}/messages", conversation.id);
        let (status, body) = self.account.until_answered(Method::POST, &path, Some(json!({"text": name, "optimisticId": name}))).await?;
        Ok(match status {
            200 | 201 => Reply::Message(body),
            401 => {
                self.account.refresh().await?;
                Reply::Again
            }
            _ => Reply::Refused(format!("{status} {body}")),
        })
    }

    async fn over_socket(&mut self, socket: &mut Option<Stream>, conversation: &TestConversation, name: &str) -> Result<Reply, String> {
        let mut stream = match socket.take() {
            Some(stream) => stream,
            None => self.account.connect().await?,
        };
        let frame = json!({"action": "sendMessage", "ref": name, "conversationId": conversation.id, "text": name, "optimisticId": name});
        if stream.send(Message::text(frame.to_string())).await.is_err() {
            return Ok(Reply::Again);
        }
        if self.shared.faults && self.chance.u64(..1_000) < CUTS {
            // The connection is cut before a reply can arrive.
            tokio::time::sleep(between(&mut self.chance, 0, 20)).await;
            return Ok(Reply::Again);
        }
        let began = Instant::now();
        loop {
            let left = PATIENCE.saturating_sub(began.elapsed());
            let Ok(Some(Ok(message))) = tokio::time::timeout(left, stream.next()).await else { return Ok(Reply::Again) };
            let Message::Text(text) = message else { continue };
            let reply: Value = serde_json::from_str(text.as_str()).unwrap_or_default();
            if reply["ref"] == name && reply["action"] == "ack" {
                *socket = Some(stream);
                return Ok(Reply::Message(reply["message"].clone()));
            }
            if reply["ref"] == name {
                return Ok(match reply["code"].as_str().unwrap_or_default() {
                    "unavailable" | "internal" => {
                        *socket = Some(stream);
                        Reply::Again
                    }
                    // The connection is unknown, or no longer known. A new connection is opened.
                    "invalid_token" | "auth_expired" => Reply::Again,
                    code => Reply::Refused(format!("{code} over the socket")),
                });
            }
            // The gateway itself sends this if a function has died.
            if reply["message"] == "Internal server error" {
                *socket = Some(stream);
                return Ok(Reply::Again);
            }
        }
    }
}
