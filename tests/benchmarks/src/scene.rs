//! A studio on the local stack, and the events of the requests that are measured.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::time::{Duration, Instant};

use end_to_end::{Person, TestStack, text};
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method, Uri};
use local_stack::clock::StackClock;
use local_stack::config::Options;
use local_stack::events::{HttpRequest, http_event};
use serde_json::{Value, json};

use crate::sandbox::{Program, Sandbox};
use crate::table::Bar;

/// The projects and the conversations of the person who asks.
const OF_EACH: usize = 3;

/// A studio with four people, of whom one asks.
pub(crate) struct Scene {
    stack: TestStack,
    /// Who asks.
    ana: Person,
    project: String,
    conversation: String,
    /// Accepts connections, and says nothing.
    _silent: std::net::TcpListener,
    silent_address: std::net::SocketAddr,
}

/// A request that is measured.
pub(crate) struct Request {
    /// The name in tables.
    pub(crate) name: &'static str,
    /// The function that answers.
    pub(crate) function: &'static str,
    /// The event.
    pub(crate) event: Value,
    /// The expected status.
    pub(crate) status: u16,
    /// The most instructions that it may take.
    pub(crate) bar: Bar,
}

impl Request {
    /// Sends the request. Returns how long it took, with what follows its response.
    pub(crate) async fn send(&self, sandbox: &mut Sandbox) -> Result<Duration, String> {
        let began = Instant::now();
        let answer = sandbox.invoke(&self.event).await?;
        if answer["statusCode"] != self.status {
            return Err(format!("{} was answered with {answer}", self.name));
        }
        Ok(began.elapsed())
    }
}

impl Scene {
    pub(crate) async fn start() -> Result<Self, String> {
        let silent = std::net::TcpListener::bind(("127.0.0.1", 0)).map_err(|error| error.to_string())?;
        let silent_address = silent.local_addr().map_err(|error| error.to_string())?;
        let stack = TestStack::start_with(Options { keep: false, ..Options::for_tests() }).await;
        let ana = stack.login("ana").await;
        let mut others = Vec::new();
        for name in ["ben", "cleo", "dana"] {
            others.push(stack.login(name).await);
        }
        let team: Vec<(&Person, &str)> = others.iter().map(|person| (person, "editor")).collect();
        let mut opened = Vec::new();
        for n in 0..OF_EACH {
            let project = stack.project(&ana, &format!("Project {n}"), &team).await;
            let body = json!({"type": "project", "projectId": project});
            let conversation = text(&ana.post("/messages/conversations", body).await.expect(200)["conversationId"]);
            ana.post(&format!("/messages/conversations/{conversation}/messages"), json!({"text": "The first message"})).await.expect(201);
            opened.push((project, conversation));
        }
        let (project, conversation) = opened.swap_remove(0);
        Ok(Self { stack, ana, project, conversation, _silent: silent, silent_address })
    }

    /// A function's binary, with the environment that it has on this stack.
    pub(crate) fn program(&self, function: &str, binary: &Path) -> Program {
        let stack = self.stack.stack();
        let mut environment: BTreeMap<String, String> = stack.function(function).map(|function| function.environment().clone()).unwrap_or_default();
        let role = stack.credentials.issue(function);
        environment.insert("AWS_ACCESS_KEY_ID".to_owned(), role.access_key);
        environment.insert("AWS_SECRET_ACCESS_KEY".to_owned(), role.secret_key);
        environment.insert("AWS_SESSION_TOKEN".to_owned(), role.session_token);
        environment.insert("AWS_LAMBDA_LOG_STREAM_NAME".to_owned(), "benchmark".to_owned());
        Program { binary: binary.to_owned(), environment }
    }

    /// As [`Self::program`], with a database behind TLS, as in AWS: what a start prepares for it is included. The database accepts connections and
    /// says nothing, so that the figure depends on no network.
    pub(crate) fn program_with_tls(&self, function: &str, binary: &Path) -> Program {
        let mut program = self.program(function, binary);
        program.environment.insert("AWS_ENDPOINT_URL_DYNAMODB".to_owned(), format!("https://{}", self.silent_address));
        program
    }

    /// The requests that are measured.
    pub(crate) fn requests(&self) -> Vec<Request> {
        let token = self.ana.token.as_deref();
        let get = |function, name, route, path: &str, status, token, bar| Request {
            name,
            function,
            event: event(route, &Method::GET, path, token, None),
            status,
            bar,
        };
        let (auth, projects, messages) = ("ANY /auth/{proxy+}", "ANY /projects/{proxy+}", "ANY /messages/{proxy+}");
        let send = format!("/messages/conversations/{}/messages", self.conversation);
        vec![
            get("auth-router", "GET /auth/me", auth, "/auth/me", 200, token, Bar::AtMost(800_000.0)),
            get("auth-router", "GET /auth/me without a token", auth, "/auth/me", 401, None, Bar::None),
            get("projects-router", "GET /projects/{id}", projects, &format!("/projects/{}", self.project), 200, token, Bar::AtMost(900_000.0)),
            get("projects-router", "GET /projects/list", projects, "/projects/list", 200, token, Bar::AtMost(1_200_000.0)),
            get("messages-router", "GET /messages/conversations", messages, "/messages/conversations", 200, token, Bar::AtMost(1_500_000.0)),
            Request {
                name: "POST /messages/conversations/{id}/messages",
                function: "messages-router",
                event: event(messages, &Method::POST, &send, token, Some(json!({"text": "Good morning, the drawings are ready."}))),
                status: 201,
                bar: Bar::AtMost(2_000_000.0),
            },
        ]
    }
}

/// The event of a request as a browser sends it.
fn event(route_key: &str, method: &Method, path: &str, token: Option<&str>, body: Option<Value>) -> Value {
    let mut headers = HeaderMap::new();
    // What a browser sends.
    for (name, value) in [
        ("accept", "application/json"),
        ("accept-encoding", "gzip, deflate, br, zstd"),
        ("accept-language", "en-GB,en;q=0.9,de;q=0.8"),
        ("host", "api.mylg.test"),
        ("origin", "http://localhost:5173"),
        ("referer", "http://localhost:5173/"),
        ("user-agent", "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0 Safari/537.36"),
        ("x-amzn-trace-id", "Root=1-674a3c5d-0a1b2c3d4e5f60718293a4b5"),
        ("x-forwarded-for", "203.0.113.7"),
        ("x-forwarded-port", "443"),
        ("x-forwarded-proto", "https"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if let Some(token) = token.and_then(|token| HeaderValue::from_str(&format!("Bearer {token}")).ok()) {
        headers.insert(AUTHORIZATION, token);
    }
    if body.is_some() {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    let prefix = route_key.split_once(' ').map_or("", |(_, pattern)| pattern).trim_end_matches("{proxy+}");
    http_event(&HttpRequest {
        route_key,
        proxy: path.strip_prefix(prefix).filter(|rest| !rest.is_empty()).map(str::to_owned),
        method,
        uri: &path.parse::<Uri>().unwrap_or_default(),
        headers: &headers,
        body: &body.map(|body| body.to_string()).unwrap_or_default().into(),
        peer: IpAddr::V4(Ipv4Addr::new(203, 0, 113, 7)),
        now: StackClock::default().now(),
        request_id: "JKJaXmPLvHcESHA=",
    })
}
