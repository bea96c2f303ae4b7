//! Open sockets.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use crate::secrets::Secrets;

/// The longest that anything may take to arrive.
const PATIENCE: Duration = Duration::from_mins(1);

/// An open socket.
pub struct Socket {
    /// The protocol that was chosen.
    pub protocol: Option<String>,
    pub(crate) secrets: Secrets,
    /// Who came and went, as it was told: kept apart, since others come and go whatever a test is about.
    pub presence: Vec<Value>,
    pub(crate) stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

impl Socket {
    /// Sends a frame.
    ///
    /// # Panics
    /// When the socket is closed.
    pub async fn send(&mut self, frame: &Value) {
        self.secrets.add_from(frame);
        self.send_text(&frame.to_string()).await;
    }

    /// Sends any text.
    ///
    /// # Panics
    /// When the socket is closed.
    pub async fn send_text(&mut self, frame: &str) {
        self.stream.send(Message::text(frame)).await.expect("an open socket");
    }

    /// Sends any message; whether it went out.
    pub async fn send_message(&mut self, message: Message) -> bool {
        self.stream.send(message).await.is_ok()
    }

    /// The next frame that is not about who is there, or the code that the socket was closed with.
    ///
    /// # Panics
    /// When nothing comes.
    pub async fn next(&mut self) -> Result<Value, u16> {
        loop {
            let frame = self.next_of_any().await?;
            if frame["action"] != json!("presenceChanged") {
                return Ok(frame);
            }
            self.presence.push(frame);
        }
    }

    /// The next frame, whatever it is about.
    ///
    /// # Panics
    /// When nothing comes.
    pub async fn next_of_any(&mut self) -> Result<Value, u16> {
        let next = async {
            loop {
                match self.stream.next().await {
                    Some(Ok(Message::Text(text))) => {
                        let frame = serde_json::from_str(text.as_str()).unwrap_or(Value::Null);
                        self.secrets.add_from(&frame);
                        return Ok(frame);
                    }
                    Some(Ok(Message::Close(frame))) => return Err(frame.map_or(1005, |frame| frame.code.into())),
                    Some(Ok(_)) => {}
                    Some(Err(_)) | None => return Err(1006),
                }
            }
        };
        tokio::time::timeout(PATIENCE, next).await.expect("a frame in time")
    }

    /// The next frame, which must have this action.
    ///
    /// # Panics
    /// When it is another.
    pub async fn expect(&mut self, action: &str) -> Value {
        let frame = self.next().await.unwrap_or_else(|code| panic!("closed with {code} instead of {action}"));
        assert_eq!(frame["action"], json!(action), "{frame}");
        frame
    }

    /// Sends a frame and waits for its reply; other frames that come first are given too.
    ///
    /// # Panics
    /// When the socket closes first.
    pub async fn ask(&mut self, frame: Value) -> (Value, Vec<Value>) {
        self.try_ask(frame).await.unwrap_or_else(|code| panic!("closed with {code} instead of a reply"))
    }

    /// As [`Self::ask`], or the code that the socket was closed with.
    async fn try_ask(&mut self, frame: Value) -> Result<(Value, Vec<Value>), u16> {
        let reference = frame["ref"].clone();
        self.send(&frame).await;
        let mut others = Vec::new();
        loop {
            let next = self.next().await?;
            if next["ref"] == reference && next.get("ref").is_some() {
                return Ok((next, others));
            }
            others.push(next);
        }
    }

    /// What came, up to the reply to a `ping`: everything that was posted before it.
    ///
    /// # Panics
    /// When the socket is closed.
    pub async fn drain(&mut self) -> Vec<Value> {
        self.try_drain().await.unwrap_or_else(|code| panic!("closed with {code} instead of a reply"))
    }

    /// As [`Self::drain`], or the code that the socket was closed with: a refused `ping` is followed by that.
    pub async fn try_drain(&mut self) -> Result<Vec<Value>, u16> {
        let (reply, frames) = self.try_ask(json!({"action": "ping", "ref": "drain"})).await?;
        if reply["action"] != json!("pong") {
            loop {
                self.next().await?;
            }
        }
        Ok(frames)
    }
}
