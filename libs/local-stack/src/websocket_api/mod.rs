//! The WebSocket API: `$connect` allows or refuses the upgrade, each frame selects its route, and a route response sends the function's body
//! as the reply. `@connections` posts frames, and describes and closes connections.

mod management;
mod sockets;

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade};
use axum::extract::{ConnectInfo, DefaultBodyLimit, RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::middleware::from_fn;
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use serde_json::value::RawValue;
use serde_json::{Value, json};
use shared_utils::clock::Timestamp;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::clock::StackClock;
use crate::declaration::WebSocketRoute;
use crate::events::{SocketContext, WEBSOCKET_STAGE, gateway_id, text};
use crate::faults::{Effect, Faults};
use crate::feed::Direction;
use crate::lambda::Function;
use crate::local_only::{local_hosts_only, programs_only};
use crate::records::{Call, Capacity, Records};
use management::{ERROR_TYPE, close, describe, post_frame};

pub use sockets::Sockets;

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
    /// The socket ends without a close frame, as when a network breaks.
    Cut,
}

struct Entry {
    orders: mpsc::UnboundedSender<Order>,
    context: SocketContext,
    last_active: Mutex<Timestamp>,
}

impl Entry {
    fn last_active(&self) -> Timestamp {
        *self.last_active.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Gateway {
    routes: Vec<(WebSocketRoute, Arc<Function>)>,
    selector: String,
    connections: Mutex<HashMap<String, Arc<Entry>>>,
    limits: Limits,
    records: Records,
    faults: Faults,
    clock: StackClock,
}

/// What the gateway is made of.
pub struct WebSocketOptions<'a> {
    /// The route selection expression.
    pub selection: &'a str,
    /// The routes with their functions.
    pub routes: Vec<(WebSocketRoute, Arc<Function>)>,
    /// The limits.
    pub limits: Limits,
    /// The records that posts are added to.
    pub records: Records,
    /// The injected faults.
    pub faults: Faults,
    /// The clock.
    pub clock: StackClock,
}

/// Serves the API on `listener` until the returned task is aborted.
pub fn serve(listener: TcpListener, options: WebSocketOptions<'_>) -> (JoinHandle<()>, Sockets) {
    let WebSocketOptions { selection, routes, limits, records, faults, clock } = options;
    let selector = selection.strip_prefix("$request.body.").unwrap_or(selection).to_owned();
    let gateway = Arc::new(Gateway { routes, selector, connections: Mutex::new(HashMap::new()), limits, records, faults, clock });
    let sockets = Sockets(Arc::downgrade(&gateway));
    let management = get(describe).post(post_frame).delete(close).layer(from_fn(programs_only));
    let service = Router::new()
        .route("/@connections/{id}", management.clone())
        .route(&format!("/{WEBSOCKET_STAGE}/@connections/{{id}}"), management)
        .route("/", any(connect))
        .route(&format!("/{WEBSOCKET_STAGE}"), any(connect))
        .layer(DefaultBodyLimit::max(1024 * 1024))
        .layer(from_fn(local_hosts_only))
        .with_state(gateway);
    let server = tokio::spawn(async move {
        let _ = axum::serve(listener, service.into_make_service_with_connect_info::<SocketAddr>()).await;
    });
    (server, sockets)
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
        connected_at: gateway.clock.now().plus_millis(-i64::try_from(gateway.limits.connected_before.as_millis()).unwrap_or(i64::MAX)),
        host: text(&headers, "host").to_owned(),
        user_agent: text(&headers, "user-agent").to_owned(),
        peer: peer.ip(),
        clock: gateway.clock.clone(),
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

    /// Gives an order to a connection. `false` if it is not open.
    fn order(&self, id: &str, order: Order) -> bool {
        self.entry(id).is_some_and(|entry| entry.orders.send(order).is_ok())
    }

    /// Notes a frame for the console.
    fn note(&self, id: &str, direction: Direction, text: &str, caller: Option<&str>) {
        self.records.feed().frame(id, direction, self.clock.now(), text, caller);
    }

    /// Records a call of `@connections`.
    fn record(&self, caller: &str, (action, id): (&str, &str), response: &Response, effect: Option<Effect>, started: Instant) {
        let status = response.status().as_u16();
        let error = response.headers().get(ERROR_TYPE).and_then(|kind| kind.to_str().ok()).map(str::to_owned);
        let (action, target, capacity) = (action.to_owned(), Some(id.to_owned()), Capacity::default());
        self.records.call(Call { caller, action, body: &[], target, status, error, effect, capacity, started });
    }
}

/// Runs one open connection until its end.
async fn run(gateway: Arc<Gateway>, mut socket: WebSocket, context: SocketContext) {
    let (orders, mut queue) = mpsc::unbounded_channel();
    let id = context.connection_id.clone();
    let entry = Arc::new(Entry { orders, context: context.clone(), last_active: Mutex::new(gateway.clock.now()) });
    gateway.connections.lock().unwrap_or_else(PoisonError::into_inner).insert(id.clone(), entry.clone());
    gateway.note(&id, Direction::Opened, "", None);
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
                Some(Order::Cut) => break (1006, "Connection lost".to_owned()),
                Some(Order::Close) | None => {
                    close_with(&mut socket, 1000, "").await;
                    break (1000, "Connection closed by the server".to_owned());
                }
            },
            received = socket.recv() => {
                idle_since = Instant::now();
                *entry.last_active.lock().unwrap_or_else(PoisonError::into_inner) = gateway.clock.now();
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
    gateway.note(&id, Direction::Closed, &format!("{code} {reason}"), None);
    if code != 1006 {
        tokio::spawn(finish(socket, code == 1009));
    }
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
    gateway.note(&entry.context.connection_id, Direction::FromClient, body, None);
    let (key, replies) = (route.route.clone(), route.route_response);
    let event = entry.context.message_event(&key, body);
    let (gateway, orders) = (gateway.clone(), entry.orders.clone());
    let connection_id = entry.context.connection_id.clone();
    tokio::spawn(async move {
        let reply = match function.invoke(key, &event).await {
            Ok(invocation) if replies => invocation.response.get("body").and_then(Value::as_str).map(str::to_owned),
            Ok(_) => None,
            Err(_) => Some(json!({"message": "Internal server error", "connectionId": connection_id, "requestId": gateway_id()}).to_string()),
        };
        if let Some(reply) = reply {
            gateway.note(&connection_id, Direction::ToClient, &reply, None);
            let _ = orders.send(Order::Send(reply));
        }
    });
}
