//! Readers: they follow live frames, lose their connections, and catch up.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use fastrand::Rng;
use futures_util::{SinkExt, StreamExt};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::Message;

use super::Shared;
use super::account::{Account, Stream, between};
use super::history::Reading;

/// How often a reader checks its connection.
const PING: Duration = Duration::from_secs(2);

/// A person who reads.
pub(super) struct Reader {
    pub(super) account: Arc<Account>,
    pub(super) conversations: HashMap<String, usize>,
    pub(super) chance: Rng,
    pub(super) shared: Arc<Shared>,
    pub(super) cursor: String,
    pub(super) reading: Reading,
    /// The times from a send to its frame here, in microseconds.
    pub(super) latencies: Vec<u32>,
    /// The number of gaps that were found live and filled by catching up.
    pub(super) missed: u64,
    pub(super) connections: u64,
}

impl Reader {
    /// Gets the cursor at which catching up begins.
    pub(super) async fn start(&mut self) -> Result<(), String> {
        let (_, body) = self.account.until_answered(Method::GET, "/messages/sync", None).await?;
        body["cursor"].as_str().unwrap_or_default().clone_into(&mut self.cursor);
        Ok(())
    }

    /// Reads until the run is over.
    pub(super) async fn read(mut self) -> Self {
        while !self.shared.is_over() {
            // This order misses nothing: connect, fetch, then apply the frames.
            let outcome = async {
                let stream = self.account.connect().await?;
                self.connections += 1;
                self.catch_up().await?;
                self.follow(stream).await
            };
            if let Err(why) = outcome.await {
                self.shared.refuse(why);
                break;
            }
        }
        self
    }

    /// Fetches everything since the cursor.
    pub(super) async fn catch_up(&mut self) -> Result<(), String> {
        loop {
            let path = format!("/messages/sync?since={}&limit=100", self.cursor);
            let (status, page) = self.account.until_read(&path).await?;
            if status != 200 {
                return Err(format!("catching up was answered with {status} {page}"));
            }
            for change in page["changes"].as_array().into_iter().flatten() {
                self.take(&change["message"]);
            }
            page["cursor"].as_str().unwrap_or_default().clone_into(&mut self.cursor);
            if page["more"] == json!(false) {
                return Ok(());
            }
        }
    }

    /// Reads live until the connection ends: by itself, by a fault, or because it is cut here.
    async fn follow(&mut self, mut stream: Stream) -> Result<(), String> {
        let mut announced = HashSet::new();
        let cut = Instant::now() + if self.shared.faults { between(&mut self.chance, 300, 8_000) } else { Duration::from_hours(1) };
        let mut ping = tokio::time::interval(PING);
        let (mut asked, mut answered) = (0u64, 0u64);
        loop {
            tokio::select! {
                () = tokio::time::sleep_until(cut) => return Ok(()),
                () = self.shared.over() => return Ok(()),
                _ = ping.tick() => {
                    // A connection that does not reply counts as lost, even if TCP considers it open.
                    if asked > answered + 2 || stream.send(Message::text(json!({"action": "ping", "ref": "p"}).to_string())).await.is_err() {
                        return Ok(());
                    }
                    asked += 1;
                }
                message = stream.next() => {
                    let Some(Ok(message)) = message else { return Ok(()) };
                    let Message::Text(text) = message else { continue };
                    let frame: Value = serde_json::from_str(text.as_str()).unwrap_or_default();
                    match frame["action"].as_str().unwrap_or_default() {
                        "newMessage" => {
                            if !announced.insert(frame["messageId"].as_str().unwrap_or_default().to_owned()) {
                                self.reading.twice += 1;
                            }
                            if let Some(began) = self.shared.when(frame["optimisticId"].as_str().unwrap_or_default()) {
                                self.latencies.push(u32::try_from(began.elapsed().as_micros()).unwrap_or(u32::MAX));
                            }
                            let seq = frame["seq"].as_u64().unwrap_or_default();
                            let is_gap = seq > 1 && !self.knows(&frame, seq - 1);
                            self.take(&frame);
                            if is_gap {
                                // The message is lost or only late. In both cases it can be fetched.
                                self.missed += 1;
                                self.catch_up().await?;
                            }
                        }
                        "editMessage" => self.take(&frame),
                        "pong" => answered += 1,
                        "error" | "closing" | "auth_expired" | "sessionRevoked" => return Ok(()),
                        _ => {}
                    }
                }
            }
        }
    }

    fn place(&self, message: &Value, seq: u64) -> Option<(usize, u64)> {
        Some((*self.conversations.get(message["conversationId"].as_str()?)?, seq))
    }

    fn knows(&self, message: &Value, seq: u64) -> bool {
        self.place(message, seq).is_some_and(|place| self.reading.known.contains_key(&place))
    }

    /// Keeps the highest version of a message.
    fn take(&mut self, message: &Value) {
        let (Some(seq), Some(version)) = (message["seq"].as_u64(), message["version"].as_u64()) else { return };
        let Some(place) = self.place(message, seq) else { return };
        let known = self.reading.known.entry(place).or_default();
        if version > known.0 {
            *known = (version, message["text"].as_str().unwrap_or_default().to_owned());
        }
    }
}
