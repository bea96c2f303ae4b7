//! Open sockets.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use crate::contract;
use crate::secrets::Secrets;

/// The maximum time until a frame arrives.
const PATIENCE: Duration = Duration::from_mins(1);

/// An open socket.
pub struct Socket {
    /// The selected subprotocol.
    pub protocol: Option<String>,
    pub(crate) secrets: Secrets,
    /// The presence frames. They are kept apart, because other people come and go during any test.
    pub presence: Vec<Value>,
    /// The notifications. They are kept apart, because they come at any time after what they are about.
    pub notifications: Vec<Value>,
    pub(crate) stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

impl Socket {
    /// Sends a frame.
    ///
    /// # Panics
    /// If the socket is closed.
    pub async fn send(&mut self, frame: &Value) {
        self.secrets.add_from(frame);
        self.send_text(&frame.to_string()).await;
    }

    /// Sends any text.
    ///
    /// # Panics
    /// If the socket is closed.
    pub async fn send_text(&mut self, frame: &str) {
        self.stream.send(Message::text(frame)).await.expect("an open socket");
    }

    /// Sends any message. Returns whether it was sent.
    pub async fn send_message(&mut self, message: Message) -> bool {
        self.stream.send(message).await.is_ok()
    }

    /// The next frame that is no presence and no notification, or the code with which the socket was closed.
    ///
    /// # Panics
    /// If no frame arrives.
    pub async fn next(&mut self) -> Result<Value, u16> {
        loop {
            let frame = self.next_of_any().await?;
            match frame["action"].as_str() {
                Some("presenceChanged") => self.presence.push(frame),
                Some("notification") => self.notifications.push(frame),
                _ => return Ok(frame),
            }
        }
    }

    /// The next frame of any kind.
    ///
    /// # Panics
    /// If no frame arrives.
    pub async fn next_of_any(&mut self) -> Result<Value, u16> {
        let next = async {
            loop {
                match self.stream.next().await {
                    Some(Ok(Message::Text(text))) => {
                        let frame = serde_json::from_str(text.as_str()).unwrap_or(Value::Null);
                        self.secrets.add_from(&frame);
                        contract::check_server_frame(&frame);
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
    /// If the frame has another action.
    pub async fn expect(&mut self, action: &str) -> Value {
        let frame = self.next().await.unwrap_or_else(|code| panic!("closed with {code} instead of {action}"));
        assert_eq!(frame["action"], json!(action), "{frame}");
        frame
    }

    /// The text of the next frame of any kind, without the checks of [`Self::next`], or the code with which the socket was closed: for
    /// benchmarks.
    ///
    /// # Errors
    /// The code.
    pub async fn next_unchecked(&mut self) -> Result<String, u16> {
        loop {
            // Nothing for a minute counts as a lost connection.
            match tokio::time::timeout(PATIENCE, self.stream.next()).await.ok().flatten() {
                Some(Ok(Message::Text(text))) => return Ok(text.as_str().to_owned()),
                Some(Ok(Message::Close(frame))) => return Err(frame.map_or(1005, |frame| frame.code.into())),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Err(1006),
            }
        }
    }

    /// Sends a frame and waits for its reply. Also returns the frames that arrive before the reply.
    ///
    /// # Panics
    /// If the socket closes first.
    pub async fn ask(&mut self, frame: Value) -> (Value, Vec<Value>) {
        self.try_ask(frame).await.unwrap_or_else(|code| panic!("closed with {code} instead of a reply"))
    }

    /// As [`Self::ask`], or the code with which the socket was closed.
    async fn try_ask(&mut self, frame: Value) -> Result<(Value, Vec<Value>), u16> {
        let reference = frame["ref"].clone();
        self.send(&frame).await;
        let mut others = Vec::new();
        loop {
            let next = self.next().await?;
            if next["ref"] == reference && next.get("ref").is_some() {
                if next["action"] != "error" {
                    contract::check_accepted_frame(&frame);
                }
                return Ok((next, others));
            }
            others.push(next);
        }
    }

    /// The frames that arrive before the reply to a `ping`: everything that was posted earlier.
    ///
    /// # Panics
    /// If the socket is closed.
    pub async fn drain(&mut self) -> Vec<Value> {
        self.try_drain().await.unwrap_or_else(|code| panic!("closed with {code} instead of a reply"))
    }

    /// As [`Self::drain`], or the code with which the socket was closed. The close follows a refused `ping`.
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
