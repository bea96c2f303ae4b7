//! `make smoke`: one person logs in, sends a message over a socket, reads it over HTTP, deletes it and logs out. After each deployment.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::{SinkExt, StreamExt};
use local_stack::config::print_line;
use reqwest::{Method, Url};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

const HELP: &str = "\
smoke --with <user id>|anyone
smoke --conversation <conversation id>

Logs in as EMAIL with PASSWORD at MYLG_HTTP_URL, connects at MYLG_WS_URL, opens the direct conversation with that person (anyone: the first
other one in the directory) or takes the given conversation, sends a message, sees its frame, reads it, deletes it and logs out. The other
people of the conversation see the message and its tombstone. Prints a line for each step; ends with 1 and a sentence at the first that fails.";

/// The maximum time of one step.
const STEP_TIMEOUT: Duration = Duration::from_secs(15);
/// The `ref` of the one frame that is sent.
const REF: &str = "smoke";

/// Where the message goes.
enum Target {
    Conversation(String),
    Person(String),
    Anyone,
}

#[tokio::main]
async fn main() -> ExitCode {
    let target = match target() {
        Ok(Some(target)) => target,
        Ok(None) => {
            print_line(HELP);
            return ExitCode::SUCCESS;
        }
        Err(reason) => {
            print_line(&format!("error: {reason}\n\n{HELP}"));
            return ExitCode::from(2);
        }
    };
    let began = Instant::now();
    match run(&target).await {
        Ok(()) => {
            print_line(&format!("{:>6} ms  all", began.elapsed().as_millis()));
            ExitCode::SUCCESS
        }
        Err(reason) => {
            print_line(&format!("failed: {reason}"));
            ExitCode::FAILURE
        }
    }
}

/// The conversation or the person in the arguments.
fn target() -> Result<Option<Target>, String> {
    use lexopt::prelude::*;
    let mut target = None;
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next().map_err(|error| error.to_string())? {
        match argument {
            Long("conversation") => target = Some(Target::Conversation(text_of(&mut parser)?)),
            Long("with") => {
                let person = text_of(&mut parser)?;
                target = Some(if person == "anyone" { Target::Anyone } else { Target::Person(person) });
            }
            Long("help") | Short('h') => return Ok(None),
            other => return Err(other.unexpected().to_string()),
        }
    }
    // No default: in production the first person of the directory is a customer.
    target.map(Some).ok_or_else(|| "--with or --conversation is required".to_owned())
}

fn text_of(parser: &mut lexopt::Parser) -> Result<String, String> {
    let value = parser.value().map_err(|error| error.to_string())?;
    value.into_string().ok().filter(|text| !text.is_empty()).ok_or_else(|| "an option has no value".to_owned())
}

fn variable(name: &str) -> Result<String, String> {
    std::env::var(name).ok().filter(|value| !value.is_empty()).ok_or_else(|| format!("{name} is not set"))
}

/// Does everything, in order.
async fn run(target: &Target) -> Result<(), String> {
    let (email, password) = (variable("EMAIL")?, variable("PASSWORD")?);
    let (http, web) = (Endpoint::resolve(&variable("MYLG_HTTP_URL")?).await?, Endpoint::resolve(&variable("MYLG_WS_URL")?).await?);
    let mut client = ApiClient { http: reqwest::Client::new(), endpoint: http, token: None };
    let session = step("log in", client.call(Method::POST, "/auth/login", Some(json!({"email": email, "password": password})), 200)).await?;
    client.token = Some(text(&session, "/accessToken")?);
    let exchanged = exchange_message(&client, &web, target, &text(&session, "/user/userId")?).await;
    // Also after a failure: the session would be left for thirty days.
    let logged_out = step("log out", client.call(Method::POST, "/auth/logout", Some(json!({})), 204)).await;
    exchanged.and(logged_out.map(drop))
}

/// What a person who has logged in does.
async fn exchange_message(client: &ApiClient, web: &Endpoint, target: &Target, own_id: &str) -> Result<(), String> {
    let answer = step("get a ticket", client.call(Method::POST, "/auth/ws-ticket", Some(json!({})), 200)).await?;
    let mut socket = step("connect", Socket::open(web, &text(&answer, "/ticket")?)).await?;
    let conversation = step("open a conversation", conversation(client, target, own_id)).await?;
    let message_text = format!("Smoke test {:08x}", fastrand::u32(..));
    let optimistic = format!("smoke-{:016x}", fastrand::u64(..));
    let frame = json!({"action": "sendMessage", "ref": REF, "conversationId": conversation, "text": message_text, "optimisticId": optimistic});
    let ack = step("send a message", async {
        socket.send(&frame).await?;
        socket.wait_for(|frame| frame["ref"] == REF).await
    })
    .await?;
    let id = text(&ack, "/message/messageId")?;
    let path = format!("/messages/{id}");
    let seen = verify_delivery(client, &mut socket, &path, &id, &message_text).await;
    // Also after a failure: people should not find the message.
    let deleted = step("delete it", client.call(Method::DELETE, &path, None, 204)).await;
    seen.and(deleted.map(drop))
}

/// The message arrives at the sender's own socket, and is stored.
async fn verify_delivery(client: &ApiClient, socket: &mut Socket, path: &str, id: &str, message_text: &str) -> Result<(), String> {
    step("see its frame", socket.wait_for(|frame| frame["action"] == "newMessage" && frame["messageId"] == id)).await?;
    let stored = step("read it", client.call(Method::GET, path, None, 200)).await?;
    if stored["text"] == message_text { Ok(()) } else { Err(format!("read it: it is not what was sent: {}", short(&stored.to_string()))) }
}

/// The id of the conversation to write to.
async fn conversation(client: &ApiClient, target: &Target, own_id: &str) -> Result<String, String> {
    let other = match target {
        Target::Conversation(id) => {
            let found = client.call(Method::GET, &format!("/messages/conversations/{id}"), None, 200).await?;
            return text(&found, "/conversationId");
        }
        Target::Person(id) => id.clone(),
        Target::Anyone => {
            let page = client.call(Method::GET, "/auth/users?limit=100", None, 200).await?;
            let ids = page["items"].as_array().into_iter().flatten().filter_map(|person| person["userId"].as_str());
            ids.map(str::to_owned).find(|id| id != own_id).ok_or("there is nobody else")?
        }
    };
    let (status, body) = client.ask(Method::POST, "/messages/conversations", Some(json!({"type": "direct", "participants": [other]}))).await?;
    // 201 the first time.
    if [200, 201].contains(&status) { text(&body, "/conversationId") } else { Err(refusal("POST /messages/conversations", status, &body)) }
}

/// Does a step, and prints how long it took.
async fn step<T>(name: &str, work: impl Future<Output = Result<T, String>>) -> Result<T, String> {
    let began = Instant::now();
    let result =
        tokio::time::timeout(STEP_TIMEOUT, work).await.unwrap_or_else(|_| Err(format!("there was no answer for {} seconds", STEP_TIMEOUT.as_secs())));
    if result.is_ok() {
        print_line(&format!("{:>6} ms  {name}", began.elapsed().as_millis()));
    }
    result.map_err(|reason| format!("{name}: {reason}"))
}

/// A person who calls the HTTP API.
struct ApiClient {
    http: reqwest::Client,
    endpoint: Endpoint,
    token: Option<String>,
}

impl ApiClient {
    /// The body of a response that must have this status.
    async fn call(&self, method: Method, path: &str, body: Option<Value>, expected_status: u16) -> Result<Value, String> {
        let what = format!("{method} {path}");
        let (status, body) = self.ask(method, path, body).await?;
        if status == expected_status { Ok(body) } else { Err(refusal(&what, status, &body)) }
    }

    /// The status and the body of a response. A body that is no JSON is a text.
    async fn ask(&self, method: Method, path: &str, body: Option<Value>) -> Result<(u16, Value), String> {
        let mut request = self.http.request(method, format!("{}{path}", self.endpoint.base)).header("host", &self.endpoint.host);
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        let response = request.send().await.map_err(|error| format!("no answer from {}: {error}", self.endpoint.host))?;
        let status = response.status().as_u16();
        let text = response.text().await.map_err(|error| format!("an incomplete response from {}: {error}", self.endpoint.host))?;
        Ok((status, serde_json::from_str(&text).unwrap_or(Value::String(text))))
    }
}

/// An open socket. It keeps the frames that nobody has waited for yet: a reply and a frame may overtake each other.
struct Socket {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
    kept: Vec<Value>,
}

impl Socket {
    async fn open(endpoint: &Endpoint, ticket: &str) -> Result<Self, String> {
        let mut request = format!("{}?ticket={ticket}", endpoint.base).into_client_request().map_err(|error| error.to_string())?;
        request.headers_mut().insert("host", endpoint.host.parse().map_err(|_| format!("{} is no host", endpoint.host))?);
        match tokio_tungstenite::connect_async(request).await {
            Ok((stream, _)) => Ok(Self { stream, kept: Vec::new() }),
            Err(Error::Http(response)) => Err(format!("the handshake was answered with {}", response.status())),
            Err(error) => Err(format!("no answer from {}: {error}", endpoint.host)),
        }
    }

    async fn send(&mut self, frame: &Value) -> Result<(), String> {
        self.stream.send(Message::text(frame.to_string())).await.map_err(|error| format!("the socket is closed: {error}"))
    }

    /// The first frame that is meant, also if it arrived earlier. A refusal, or the gateway's own error, is an error here.
    async fn wait_for(&mut self, matches: impl Fn(&Value) -> bool) -> Result<Value, String> {
        if let Some(index) = self.kept.iter().position(&matches) {
            return Ok(self.kept.swap_remove(index));
        }
        loop {
            let frame = match self.stream.next().await {
                Some(Ok(Message::Text(text))) => serde_json::from_str::<Value>(text.as_str()).map_err(|_| "a frame is no JSON".to_owned())?,
                Some(Ok(Message::Close(_)) | Err(_)) | None => return Err("the socket was closed".to_owned()),
                Some(Ok(_)) => continue,
            };
            if frame["action"] == "error" || frame.get("action").is_none() {
                return Err(short(&frame.to_string()));
            }
            if matches(&frame) {
                return Ok(frame);
            }
            self.kept.push(frame);
        }
    }
}

/// An address to call, and the name that it is called by. Over TLS the address is a port of this process, because the HTTP and WebSocket
/// clients of the tests bring no TLS.
struct Endpoint {
    /// Scheme, host and path, without a slash at the end unless the path is empty.
    base: String,
    host: String,
}

impl Endpoint {
    async fn resolve(address: &str) -> Result<Self, String> {
        let url = Url::parse(address).map_err(|error| format!("{address} is no address: {error}"))?;
        let (Some(host), Some(port)) = (url.host_str(), url.port_or_known_default()) else { return Err(format!("{address} names no host")) };
        let named = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        let (scheme, local) = match url.scheme() {
            scheme @ ("http" | "ws") => (scheme, named.clone()),
            "https" => ("http", forward(host, port).await?.to_string()),
            "wss" => ("ws", forward(host, port).await?.to_string()),
            _ => return Err(format!("{address} begins with none of http, https, ws and wss")),
        };
        // The path of an HTTP call follows; a socket's query does, which needs a path.
        let path = match url.path().trim_end_matches('/') {
            "" if scheme == "ws" => "/",
            path => path,
        };
        Ok(Self { base: format!("{scheme}://{local}{path}"), host: named })
    }
}

/// A port of this process whose connections go on to this host over TLS. The certificate must be good for the host.
async fn forward(host: &str, port: u16) -> Result<SocketAddr, String> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let connector = TlsConnector::from(Arc::new(config));
    let name = ServerName::try_from(host.to_owned()).map_err(|error| format!("{host}: {error}"))?;
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.map_err(|error| error.to_string())?;
    let address = listener.local_addr().map_err(|error| error.to_string())?;
    let host = host.to_owned();
    tokio::spawn(async move {
        while let Ok((mut local, _)) = listener.accept().await {
            let (connector, name, host) = (connector.clone(), name.clone(), host.clone());
            tokio::spawn(async move {
                let connected = async { connector.connect(name, TcpStream::connect((host.as_str(), port)).await?).await };
                match connected.await {
                    // How it ends shows at the client.
                    Ok(mut remote) => drop(tokio::io::copy_bidirectional(&mut local, &mut remote).await),
                    Err(error) => print_line(&format!("no TLS connection to {host}: {error}")),
                }
            });
        }
    });
    Ok(address)
}

/// The text at this place of a response.
fn text(body: &Value, pointer: &str) -> Result<String, String> {
    body.pointer(pointer).and_then(Value::as_str).map(str::to_owned).ok_or_else(|| format!("the answer has no {pointer}"))
}

/// What a refused request says. No request is refused with a secret in the body.
fn refusal(what: &str, status: u16, body: &Value) -> String {
    format!("{what} was answered with {status}: {}", short(&body.to_string()))
}

/// The beginning of a text.
fn short(text: &str) -> String {
    text.chars().take(300).collect()
}
