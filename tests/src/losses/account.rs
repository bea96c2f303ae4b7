//! An account in a run. It keeps its session fresh, and repeats requests until it gets a response.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use fastrand::Rng;
use reqwest::{Client, Method};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

/// The time after which a response counts as lost.
const PATIENCE: Duration = Duration::from_secs(15);
/// How long a request is repeated before the run gives up.
pub(super) const GIVE_UP: Duration = Duration::from_secs(90);

/// An open socket.
pub(super) type Stream = WebSocketStream<MaybeTlsStream<TcpStream>>;

struct Tokens {
    access: String,
    refresh: String,
}

/// A signed-in account.
pub(super) struct Account {
    pub(super) id: String,
    http: Client,
    base: String,
    socket_base: String,
    tokens: Mutex<Tokens>,
}

impl Account {
    /// Takes over the session of a person.
    pub(super) fn new(person: &crate::Person, http: Client) -> Self {
        Self {
            id: person.id.clone(),
            http,
            base: person.base.clone(),
            socket_base: person.socket_base.clone(),
            tokens: Mutex::new(Tokens { access: person.token.clone().unwrap_or_default(), refresh: person.refresh_token.clone() }),
        }
    }

    fn access(&self) -> String {
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner).access.clone()
    }

    /// Refreshes the tokens of the session.
    pub(super) async fn refresh(&self) -> Result<(), String> {
        let refresh = self.tokens.lock().unwrap_or_else(PoisonError::into_inner).refresh.clone();
        let (status, body) = self.until_answered(Method::POST, "/auth/refresh", Some(json!({"refreshToken": refresh}))).await?;
        if status != 200 {
            return Err(format!("a refresh was answered with {status}"));
        }
        let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
        *self.tokens.lock().unwrap_or_else(PoisonError::into_inner) = Tokens { access: text("accessToken"), refresh: text("refreshToken") };
        Ok(())
    }

    /// Sends one request. `None` if there is no response.
    async fn once(&self, method: Method, path: &str, body: Option<&Value>) -> Option<(u16, Value)> {
        let mut request = self.http.request(method, format!("{}{path}", self.base)).bearer_auth(self.access()).timeout(PATIENCE);
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        let response = request.send().await.ok()?;
        let status = response.status().as_u16();
        let body = response.text().await.ok()?;
        Some((status, serde_json::from_str(&body).unwrap_or(Value::Null)))
    }

    /// Repeats a request while the service is busy, broken or silent. Returns the first other response.
    pub(super) async fn until_answered(&self, method: Method, path: &str, body: Option<Value>) -> Result<(u16, Value), String> {
        let began = Instant::now();
        for attempt in 0.. {
            match self.once(method.clone(), path, body.as_ref()).await {
                Some((status, _)) if status >= 500 => {}
                None => {}
                Some(answer) => return Ok(answer),
            }
            if began.elapsed() > GIVE_UP {
                break;
            }
            tokio::time::sleep(Duration::from_millis(5 << attempt.min(6))).await;
        }
        Err(format!("{method} {} was never answered", path.split('?').next().unwrap_or_default()))
    }

    /// As [`Self::until_answered`] for a read, with a new access token if this one has expired.
    pub(super) async fn until_read(&self, path: &str) -> Result<(u16, Value), String> {
        let began = Instant::now();
        loop {
            match self.until_answered(Method::GET, path, None).await? {
                (401, _) if began.elapsed() < GIVE_UP => self.refresh().await?,
                answer => return Ok(answer),
            }
        }
    }

    /// Opens a socket, with retries.
    pub(super) async fn connect(&self) -> Result<Stream, String> {
        let began = Instant::now();
        for attempt in 0.. {
            let url = format!("{}/?token={}", self.socket_base, self.access());
            if let Ok(Ok((stream, _))) = tokio::time::timeout(PATIENCE, tokio_tungstenite::connect_async(url)).await {
                return Ok(stream);
            }
            if began.elapsed() > GIVE_UP {
                break;
            }
            tokio::time::sleep(Duration::from_millis(5 << attempt.min(6))).await;
        }
        Err("a socket was never opened".to_owned())
    }
}

/// A random time between these bounds, in milliseconds.
pub(super) fn between(chance: &mut Rng, least: u64, most: u64) -> Duration {
    Duration::from_millis(least + chance.u64(..=most - least))
}
