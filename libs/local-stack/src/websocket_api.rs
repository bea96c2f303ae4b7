//! The WebSocket API: `$connect` allows or refuses the upgrade, each frame selects its route, and a route response sends the function's body
//! as the reply. `@connections` posts frames, and describes and closes connections.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade};
use axum::extract::{ConnectInfo, DefaultBodyLimit, Path, RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use serde_json::value::RawValue;
use serde_json::{Value, json};
use shared_utils::clock::{Clock, Timestamp};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::database::access_key;
use crate::declaration::WebSocketRoute;
use crate::events::{SocketContext, WEBSOCKET_STAGE, gateway_id, text};
use crate::faults::{Effect, Faults, lost};
use crate::lambda::Function;
use crate::records::{Capacity, Records};

/// The gateway's limits. The defaults are the limits of AWS. Tests shorten the times.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// The largest frame, in bytes.
    pub frame: usize,
    /// The largest message, in bytes.
    pub message: usize,
    /// The maximum time without traffic.
    pub idle: Duration,
    /// The maximum lifetime of a connection.
    pub life: Duration,
    /// How far the reported opening time of a connection is in the past, so that tests need not wait until a connection is no longer new.
    pub connected_before: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { frame: 32 * 1024, message: 128 * 1024, idle: Duration::from_mins(10), life: Duration::from_hours(2), connected_before: Duration::ZERO }
    }
}

/// A command of the gateway to a connection's task.
enum Order {
    Send(String),
    Close,
}

struct Entry {
    orders: mpsc::UnboundedSender<Order>,
    context: SocketContext,
    last_active: Mutex<Timestamp>,
}

struct Gateway {
    routes: Vec<(WebSocketRoute, Arc<Function>)>,
    selector: String,
    connections: Mutex<HashMap<String, Arc<Entry>>>,
    limits: Limits,
    records: Records,
    faults: Faults,
}

/// Serves the API on `listener` until the returned task is aborted.
pub fn serve(
    listener: TcpListener,
    selection: &str,
    routes: Vec<(WebSocketRoute, Arc<Function>)>,
    limits: Limits,
    records: Records,
    faults: Faults,
) -> JoinHandle<()> {
    let selector = selection.strip_prefix("$request.body.").unwrap_or(selection).to_owned();
    let gateway = Arc::new(Gateway { routes, selector, connections: Mutex::new(HashMap::new()), limits, records, faults });
    let management = get(describe).post(post_frame).delete(close);
    let service = Router::new()
        .route("/@connections/{id}", management.clone())
        .route(&format!("/{WEBSOCKET_STAGE}/@connections/{{id}}"), management)
        .route("/", any(connect))
        .route(&format!("/{WEBSOCKET_STAGE}"), any(connect))
        .layer(DefaultBodyLimit::max(1024 * 1024))
        .with_state(gateway);
    tokio::spawn(async move {
        let _ = axum::serve(listener, service.into_make_service_with_connect_info::<SocketAddr>()).await;
    })
}

async fn connect(
    State(gateway): State<Arc<Gateway>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, axum::extract::ws::rejection::WebSocketUpgradeRejection>,
) -> Response {
    let Ok(mut upgrade) = upgrade else { return (StatusCode::BAD_REQUEST, "This is a WebSocket API.").into_response() };
    let context = SocketContext {
        connection_id: gateway_id(),
        connected_at: Clock::System.now().plus_millis(-i64::try_from(gateway.limits.connected_before.as_millis()).unwrap_or(i64::MAX)),
        host: text(&headers, "host").to_owned(),
        user_agent: text(&headers, "user-agent").to_owned(),
        peer: peer.ip(),
    };
    let event = context.connect_event(&headers, query.as_deref().unwrap_or_default());
    let Some((_, function)) = gateway.route("$connect") else { return StatusCode::FORBIDDEN.into_response() };
    let answer = match function.invoke("$connect".to_owned(), &event).await {
        Ok(invocation) => invocation.response,
        Err(_) => return StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    };
    let status = answer.get("statusCode").and_then(Value::as_u64).and_then(|status| u16::try_from(status).ok()).unwrap_or(500);
    if !(200..300).contains(&status) {
        return StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR).into_response();
    }
    let protocol = answer.get("headers").and_then(Value::as_object).and_then(|headers| {
        headers
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case("sec-websocket-protocol"))
            .and_then(|(_, value)| HeaderValue::from_str(value.as_str()?).ok())
    });
    if let Some(protocol) = protocol {
        upgrade.set_selected_protocol(protocol);
    }
    let limits = gateway.limits;
    upgrade.max_frame_size(limits.frame).max_message_size(limits.message).on_upgrade(move |socket| run(gateway, socket, context))
}

impl Gateway {
    fn route(&self, key: &str) -> Option<(&WebSocketRoute, Arc<Function>)> {
        self.routes.iter().find(|(route, _)| route.route == key).map(|(route, function)| (route, function.clone()))
    }

    /// The route that a frame selects, or `$default` if it selects none.
    fn select(&self, body: &str) -> Option<(&WebSocketRoute, Arc<Function>)> {
        // The frame is not parsed into a `Value`, because some member names have a special meaning there.
        let frame = serde_json::from_str::<BTreeMap<String, &RawValue>>(body).ok();
        let chosen = frame.and_then(|frame| serde_json::from_str::<String>(frame.get(&self.selector)?.get()).ok());
        chosen.filter(|chosen| !chosen.starts_with('$')).and_then(|chosen| self.route(&chosen)).or_else(|| self.route("$default"))
    }

    fn entry(&self, id: &str) -> Option<Arc<Entry>> {
        self.connections.lock().unwrap_or_else(PoisonError::into_inner).get(id).cloned()
    }
}

/// Runs one open connection until its end.
async fn run(gateway: Arc<Gateway>, mut socket: WebSocket, context: SocketContext) {
    let (orders, mut queue) = mpsc::unbounded_channel();
    let id = context.connection_id.clone();
    let entry = Arc::new(Entry { orders, context: context.clone(), last_active: Mutex::new(Clock::System.now()) });
    gateway.connections.lock().unwrap_or_else(PoisonError::into_inner).insert(id.clone(), entry.clone());
    let ends = tokio::time::Instant::now() + gateway.limits.life;
    let mut idle_since = Instant::now();
    let (code, reason) = loop {
        let idle_ends = tokio::time::Instant::from_std(idle_since + gateway.limits.idle);
        tokio::select! {
            order = queue.recv() => match order {
                Some(Order::Send(frame)) => {
                    idle_since = Instant::now();
                    if socket.send(Message::Text(frame.into())).await.is_err() {
                        break (1006, "Connection lost".to_owned());
                    }
                }
                Some(Order::Close) | None => {
                    close_with(&mut socket, 1000, "").await;
                    break (1000, "Connection closed by the server".to_owned());
                }
            },
            received = socket.recv() => {
                idle_since = Instant::now();
                *entry.last_active.lock().unwrap_or_else(PoisonError::into_inner) = Clock::System.now();
                match received {
                    Some(Ok(Message::Text(frame))) => dispatch(&gateway, &entry, frame.as_str()),
                    Some(Ok(Message::Binary(frame))) => dispatch(&gateway, &entry, &String::from_utf8_lossy(&frame)),
                    Some(Ok(Message::Close(frame))) => break frame.map_or((1005, String::new()), |frame| (frame.code, frame.reason.to_string())),
                    Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                    Some(Err(error)) if error.to_string().contains("too long") => {
                        close_with(&mut socket, 1009, "Message too long").await;
                        break (1009, "Message too long".to_owned());
                    }
                    Some(Err(_)) | None => break (1006, "Connection lost".to_owned()),
                }
            },
            () = tokio::time::sleep_until(idle_ends) => {
                close_with(&mut socket, 1001, "Going away").await;
                break (1001, "Idle timeout".to_owned());
            },
            () = tokio::time::sleep_until(ends) => {
                close_with(&mut socket, 1001, "Going away").await;
                break (1001, "Connection duration limit".to_owned());
            },
        }
    };
    gateway.connections.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
    tokio::spawn(finish(socket, code == 1009));
    if let Some((_, function)) = gateway.route("$disconnect") {
        let _ = function.invoke("$disconnect".to_owned(), &context.disconnect_event(code, &reason)).await;
    }
}

/// The maximum time for the other side to reply to a close frame.
const CLOSING: Duration = Duration::from_secs(5);

/// How long a socket stays open while something too large is still arriving. If it were closed at once, it would be reset before the other
/// side has read the close frame.
const LINGER: Duration = Duration::from_secs(1);

/// Completes the close handshake: sends or receives the reply to a close frame, and reads the socket to its end.
async fn finish(mut socket: WebSocket, is_too_large: bool) {
    let read = async { while let Some(Ok(_)) = socket.recv().await {} };
    let _ = tokio::time::timeout(CLOSING, read).await;
    if is_too_large {
        tokio::time::sleep(LINGER).await;
    }
}

async fn close_with(socket: &mut WebSocket, code: u16, reason: &'static str) {
    let _ = socket.send(Message::Close(Some(CloseFrame { code, reason: reason.into() }))).await;
}

/// Passes a frame to its function. Frames of one connection run concurrently, as in AWS.
fn dispatch(gateway: &Arc<Gateway>, entry: &Arc<Entry>, body: &str) {
    let Some((route, function)) = gateway.select(body) else { return };
    let (key, replies) = (route.route.clone(), route.route_response);
    let event = entry.context.message_event(&key, body);
    let orders = entry.orders.clone();
    let connection_id = entry.context.connection_id.clone();
    tokio::spawn(async move {
        let reply = match function.invoke(key, &event).await {
            Ok(invocation) if replies => invocation.response.get("body").and_then(Value::as_str).map(str::to_owned),
            Ok(_) => None,
            Err(_) => Some(json!({"message": "Internal server error", "connectionId": connection_id, "requestId": gateway_id()}).to_string()),
        };
        if let Some(reply) = reply {
            let _ = orders.send(Order::Send(reply));
        }
    });
}

fn management_error(status: StatusCode, kind: &'static str) -> Response {
    (status, [("x-amzn-errortype", kind), ("content-type", "application/json")], json!({"message": null}).to_string()).into_response()
}

fn gone() -> Response {
    management_error(StatusCode::GONE, "GoneException")
}

async fn post_frame(State(gateway): State<Arc<Gateway>>, Path(id): Path<String>, headers: HeaderMap, body: Bytes) -> Response {
    let started = Instant::now();
    let effect = gateway.faults.strike("PostToConnection");
    if let Some(Effect::Delay(delay)) = effect {
        tokio::time::sleep(delay).await;
    }
    let post = || {
        let sent = gateway.entry(&id).and_then(|entry| entry.orders.send(Order::Send(String::from_utf8_lossy(&body).into_owned())).ok());
        sent.map_or_else(gone, |()| StatusCode::OK.into_response())
    };
    let response = match effect {
        _ if body.len() > gateway.limits.message => management_error(StatusCode::PAYLOAD_TOO_LARGE, "PayloadTooLargeException"),
        Some(Effect::Throttle) => management_error(StatusCode::TOO_MANY_REQUESTS, "LimitExceededException"),
        Some(Effect::Deny) => management_error(StatusCode::FORBIDDEN, "ForbiddenException"),
        Some(Effect::ServerError) => management_error(StatusCode::INTERNAL_SERVER_ERROR, "InternalServerError"),
        Some(Effect::Gone) => gone(),
        Some(Effect::DropResponse) => {
            post();
            lost()
        }
        Some(Effect::Kill) => {
            gateway.faults.kill(&access_key(&headers));
            post()
        }
        Some(Effect::Delay(_)) | None => post(),
    };
    gateway.records.call(&access_key(&headers), "PostToConnection".to_owned(), &[], (response.status().as_u16(), Capacity::default()), started);
    response
}

async fn close(State(gateway): State<Arc<Gateway>>, Path(id): Path<String>, headers: HeaderMap) -> Response {
    let started = Instant::now();
    let closed = gateway.entry(&id).and_then(|entry| entry.orders.send(Order::Close).ok());
    let response = closed.map_or_else(gone, |()| StatusCode::NO_CONTENT.into_response());
    gateway.records.call(&access_key(&headers), "DeleteConnection".to_owned(), &[], (response.status().as_u16(), Capacity::default()), started);
    response
}

async fn describe(State(gateway): State<Arc<Gateway>>, Path(id): Path<String>) -> Response {
    let Some(entry) = gateway.entry(&id) else { return gone() };
    let last_active = *entry.last_active.lock().unwrap_or_else(PoisonError::into_inner);
    let context = &entry.context;
    let body = json!({
        "connectedAt": context.connected_at,
        "identity": {"sourceIp": context.peer.to_string(), "userAgent": context.user_agent},
        "lastActiveAt": last_active,
    });
    (StatusCode::OK, [("content-type", "application/json")], body.to_string()).into_response()
}
