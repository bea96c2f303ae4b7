//! What end-to-end tests are written with: people who call the HTTP API and hold sockets, and answers that say what they should be.
//!
//! Nothing here reaches behind the front doors, except to inject faults and to read what a request cost.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use local_stack::people::{PASSWORD, PEOPLE};
use local_stack::stack::{Options, Stack};
use reqwest::header::HeaderMap;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

/// The longest that anything may take to arrive.
const PATIENCE: Duration = Duration::from_secs(20);

/// A running backend: one of the test's own on this machine, or the deployed one that `MYLG_HTTP_URL` and `MYLG_WS_URL` name.
pub struct World {
    stack: Option<Stack>,
    http_url: String,
    websocket_url: String,
}

impl World {
    /// The deployed backend where one is named, else one of the test's own on free ports with its data in memory.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn start() -> Self {
        match (std::env::var("MYLG_HTTP_URL"), std::env::var("MYLG_WS_URL")) {
            (Ok(http_url), Ok(websocket_url)) => Self { stack: None, http_url, websocket_url },
            _ => Self::start_with(Options::for_tests()).await,
        }
    }

    /// As [`Self::start`], with so many more people to sign in as: `user001`…
    ///
    /// # Panics
    /// When it does not start.
    pub async fn start_peopled(more_people: usize) -> Self {
        if std::env::var_os("MYLG_HTTP_URL").is_some() {
            return Self::start().await;
        }
        Self::start_with(Options { more_people, ..Options::for_tests() }).await
    }

    /// A backend of the test's own with these options.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn start_with(options: Options) -> Self {
        let stack = Stack::start(options).await.unwrap_or_else(|error| panic!("{error}"));
        Self { http_url: stack.http_url.clone(), websocket_url: stack.websocket_url.clone(), stack: Some(stack) }
    }

    /// The stack of a backend of the test's own, for faults and records.
    ///
    /// # Panics
    /// For a deployed backend: nobody reaches behind its doors.
    pub fn stack(&self) -> &Stack {
        self.stack.as_ref().expect("a backend of the test's own")
    }

    /// The status that a refused handshake has: the emulator has 403 for every refusal.
    pub fn refusal(&self, status: u16) -> u16 {
        if self.stack.is_some() { status } else { 403 }
    }

    /// Waits until everything that is owed after answers is done. Of a deployed backend nobody knows: it gets four seconds.
    pub async fn settled(&self) {
        match &self.stack {
            Some(stack) => stack.settled().await,
            None => tokio::time::sleep(Duration::from_secs(4)).await,
        }
    }

    /// Someone without a token.
    pub fn anonymous(&self) -> Person {
        Person {
            http: reqwest::Client::new(),
            base: self.http_url.clone(),
            socket_base: self.websocket_url.clone(),
            token: None,
            refresh_token: String::new(),
            id: String::new(),
            email: String::new(),
        }
    }

    /// Someone with this token, good or bad.
    pub fn with_token(&self, token: &str) -> Person {
        Person { token: Some(token.to_owned()), ..self.anonymous() }
    }

    /// Signs in one of the seeded people: `ana`, `ben`, `cleo`, `dana`, `user001`… In a deployed backend it is someone new who has
    /// their part, so that tests do not meet each other's traces.
    ///
    /// # Panics
    /// When signing in fails.
    pub async fn login(&self, name: &str) -> Person {
        let email = if self.stack.is_some() { format!("{name}@mylg.test") } else { newcomer(name).await };
        self.login_as(&email).await
    }

    /// Signs the same person in again, as on another device.
    ///
    /// # Panics
    /// When signing in fails.
    pub async fn login_again(&self, person: &Person) -> Person {
        self.login_as(&person.email).await
    }

    async fn login_as(&self, email: &str) -> Person {
        let mut person = self.anonymous();
        let answer = person.post("/auth/login", json!({"email": email, "password": PASSWORD})).await.expect(200);
        person.token = Some(text(&answer["accessToken"]));
        person.refresh_token = text(&answer["refreshToken"]);
        person.id = text(&answer["user"]["userId"]);
        email.clone_into(&mut person.email);
        person
    }

    /// A project of `owner` with these people in its team.
    ///
    /// # Panics
    /// When it cannot be made.
    pub async fn project(&self, owner: &Person, title: &str, team: &[(&Person, &str)]) -> String {
        let team: Vec<Value> = team.iter().map(|(person, role)| json!({"userId": person.id, "role": role})).collect();
        text(&owner.post("/projects", json!({"title": title, "team": team})).await.expect(201)["projectId"])
    }

    /// The direct conversation of two people.
    ///
    /// # Panics
    /// When it cannot be opened.
    pub async fn direct(&self, one: &Person, other: &Person) -> String {
        let answer = one.post("/messages/conversations", json!({"type": "direct", "participants": [other.id]})).await;
        assert!([200, 201].contains(&answer.status), "{answer:?}");
        text(&answer.body["conversationId"])
    }
}

/// Makes someone new in the deployed backend's table, with the operators' tool; their address.
async fn newcomer(name: &str) -> String {
    use tokio::io::AsyncWriteExt;
    let role = PEOPLE.iter().find(|(email, ..)| email.starts_with(&format!("{name}@"))).map_or("user", |(_, role, ..)| *role);
    let random = local_stack::testing::random_name();
    let email = format!("{name}-{random}@mylg.test");
    let tool = local_stack::build::Profile::own().directory().join("create-user");
    let mut child =
        tokio::process::Command::new(tool).stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::null()).spawn().expect("the tool");
    let person = json!({"email": email, "role": role, "password": PASSWORD}).to_string();
    child.stdin.take().expect("its input").write_all(person.as_bytes()).await.expect("its input takes a line");
    assert!(child.wait().await.expect("it ends").success(), "{email} could not be made");
    email
}

/// A JSON text as it is.
///
/// # Panics
/// When it is none.
#[track_caller]
pub fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("not a text: {value}")).to_owned()
}

/// Someone who calls.
#[derive(Clone)]
pub struct Person {
    http: reqwest::Client,
    base: String,
    socket_base: String,
    /// The access token.
    pub token: Option<String>,
    /// The refresh token.
    pub refresh_token: String,
    /// Their user id.
    pub id: String,
    email: String,
}

/// An answer.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body as JSON, null without one.
    pub body: Value,
}

impl Answer {
    /// The body of an answer with this status.
    ///
    /// # Panics
    /// When the status is another.
    #[track_caller]
    pub fn expect(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.body);
        self.body
    }

    /// Holds an error to the contract: its status, its code, the problem document around it.
    ///
    /// # Panics
    /// When it is something else.
    #[track_caller]
    pub fn expect_error(self, status: u16, code: &str) -> Value {
        assert_eq!((self.status, self.body["code"].as_str()), (status, Some(code)), "{}", self.body);
        assert_eq!(self.header("content-type"), "application/problem+json");
        for member in ["type", "title", "status", "detail", "code", "requestId"] {
            assert!(!self.body[member].is_null(), "no {member} in {}", self.body);
        }
        assert_eq!(self.body["status"], json!(status));
        assert_eq!(status == 401, self.headers.contains_key("www-authenticate"));
        self.body
    }

    /// A header's value, empty when it is absent.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

impl Person {
    /// Any request.
    ///
    /// # Panics
    /// When there is no answer at all.
    pub async fn request(&self, method: Method, path: &str, headers: &[(&str, &str)], body: Option<String>) -> Answer {
        let mut request = self.http.request(method, format!("{}{path}", self.base));
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(body) = body {
            request = request.body(body);
        }
        let response = request.send().await.unwrap_or_else(|error| panic!("no answer: {error}"));
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = response.text().await.unwrap_or_default();
        Answer { status, headers, body: serde_json::from_str(&body).unwrap_or(Value::Null) }
    }

    /// A request with a JSON body and headers of its own.
    pub async fn send(&self, method: Method, path: &str, headers: &[(&str, &str)], body: &Value) -> Answer {
        let headers: Vec<_> = headers.iter().copied().chain([("content-type", "application/json")]).collect();
        self.request(method, path, &headers, Some(body.to_string())).await
    }

    /// `GET`
    pub async fn get(&self, path: &str) -> Answer {
        self.request(Method::GET, path, &[], None).await
    }

    /// `POST`
    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.send(Method::POST, path, &[], &body).await
    }

    /// `PATCH`
    pub async fn patch(&self, path: &str, body: Value) -> Answer {
        self.send(Method::PATCH, path, &[], &body).await
    }

    /// `PUT`
    pub async fn put(&self, path: &str, body: Value) -> Answer {
        self.send(Method::PUT, path, &[], &body).await
    }

    /// `DELETE`
    pub async fn delete(&self, path: &str) -> Answer {
        self.request(Method::DELETE, path, &[], None).await
    }

    /// Opens a socket with the person's token.
    ///
    /// # Panics
    /// When it is refused.
    pub async fn connect(&self) -> Socket {
        let query = format!("?token={}", self.token.as_deref().unwrap_or_default());
        self.try_connect(&query, &[]).await.unwrap_or_else(|status| panic!("the socket was refused with {status}"))
    }

    /// Opens a socket with any query and headers; the status when it is refused.
    ///
    /// # Panics
    /// When there is no answer at all.
    pub async fn try_connect(&self, query: &str, headers: &[(&'static str, &str)]) -> Result<Socket, u16> {
        let mut request = format!("{}/{query}", self.socket_base).into_client_request().expect("a request");
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().expect("a header value"));
        }
        match tokio_tungstenite::connect_async(request).await {
            Ok((stream, _)) => Ok(Socket { stream }),
            Err(Error::Http(response)) => Err(response.status().as_u16()),
            Err(error) => panic!("no answer: {error}"),
        }
    }
}

/// An open socket.
pub struct Socket {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

impl Socket {
    /// Sends a frame.
    ///
    /// # Panics
    /// When the socket is closed.
    pub async fn send(&mut self, frame: &Value) {
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

    /// The next frame, or the code that the socket was closed with.
    ///
    /// # Panics
    /// When nothing comes.
    pub async fn next(&mut self) -> Result<Value, u16> {
        let next = async {
            loop {
                match self.stream.next().await {
                    Some(Ok(Message::Text(text))) => return Ok(serde_json::from_str(text.as_str()).unwrap_or(Value::Null)),
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
        let reference = frame["ref"].clone();
        self.send(&frame).await;
        let mut others = Vec::new();
        loop {
            let next = self.next().await.unwrap_or_else(|code| panic!("closed with {code} instead of a reply"));
            if next["ref"] == reference && next.get("ref").is_some() {
                return (next, others);
            }
            others.push(next);
        }
    }

    /// What came, up to the reply to a `ping`: everything that was posted before it.
    pub async fn drain(&mut self) -> Vec<Value> {
        let (_, frames) = self.ask(json!({"action": "ping", "ref": "drain"})).await;
        frames
    }
}

/// Whether a status is a success.
pub fn is_success(status: u16) -> bool {
    StatusCode::from_u16(status).is_ok_and(|status| status.is_success())
}
