//! The HTTP API: routes, limits and the gateway's own responses.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::middleware::from_fn;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::clock::StackClock;
use crate::events::{HttpRequest, gateway_id, http_event, raw_path};
use crate::lambda::Function;
use crate::local_only::local_hosts_only;

/// The largest body that the gateway accepts, in bytes.
const MAX_BODY: usize = 10 * 1024 * 1024;
/// The largest event that a function accepts, in bytes.
const MAX_EVENT: usize = 6 * 1024 * 1024;
/// The largest request line with all headers, in bytes.
const MAX_HEAD: usize = 10_240;
/// How long the gateway waits for a function.
const INTEGRATION_LIMIT: Duration = Duration::from_secs(30);

/// A route and the function behind it.
#[derive(Clone)]
pub struct HttpRoute {
    /// The route key, such as `ANY /auth/{proxy+}`.
    pub key: String,
    /// The function.
    pub function: Arc<Function>,
}

#[derive(Clone)]
struct Gateway {
    routes: Arc<Vec<HttpRoute>>,
    clock: StackClock,
}

/// Serves the API on `listener` until the returned task is aborted.
pub fn serve(listener: TcpListener, routes: Vec<HttpRoute>, clock: StackClock) -> JoinHandle<()> {
    let service = Router::new().fallback(handle).layer(from_fn(local_hosts_only)).with_state(Gateway { routes: Arc::new(routes), clock });
    tokio::spawn(async move {
        let _ = axum::serve(listener, service.into_make_service_with_connect_info::<SocketAddr>()).await;
    })
}

/// The gateway's own response. It has no CORS headers, as in AWS.
fn own(status: u16, message: &str) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (status, [("content-type", "application/json")], json!({"message": message}).to_string()).into_response()
}

async fn handle(State(gateway): State<Gateway>, ConnectInfo(peer): ConnectInfo<SocketAddr>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let head: usize = parts.uri.to_string().len() + parts.headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum::<usize>();
    if head > MAX_HEAD {
        return own(431, "Request Header Fields Too Large");
    }
    let Ok(body) = axum::body::to_bytes(body, MAX_BODY).await else { return own(413, "Request Entity Too Large") };
    let Some((route, proxy)) = gateway.route(&parts.method, &raw_path(&parts.uri)) else { return own(404, "Not Found") };
    let request_id = gateway_id();
    let event = http_event(&HttpRequest {
        route_key: &route.key,
        proxy,
        method: &parts.method,
        uri: &parts.uri,
        headers: &parts.headers,
        body: &body,
        peer: peer.ip(),
        now: gateway.clock.now(),
        request_id: &request_id,
    });
    if event.to_string().len() > MAX_EVENT {
        return own(413, "Request Entity Too Large");
    }
    // The label never contains the query, which may hold secrets.
    let label = format!("{} {}", parts.method, parts.uri.path());
    let mut response = match tokio::time::timeout(INTEGRATION_LIMIT, route.function.invoke(label, &event)).await {
        Ok(Ok(invocation)) => from_function(invocation.response),
        Ok(Err(error)) => {
            let (status, message) = error.answer();
            own(status, message)
        }
        Err(_) => own(503, "Service Unavailable"),
    };
    if let Ok(id) = HeaderValue::from_str(&request_id) {
        response.headers_mut().insert("apigw-requestid", id);
    }
    if gateway.clock.offset_ms() != 0
        && let Ok(date) = HeaderValue::from_str(&gateway.clock.http_date())
    {
        // Clients measure their own clock against it.
        response.headers_mut().insert("date", date);
    }
    response
}

impl Gateway {
    /// The route of a request. A full match has priority over a greedy match, and a method has priority over `ANY`.
    fn route(&self, method: &Method, path: &str) -> Option<(&HttpRoute, Option<String>)> {
        let mut best: Option<(u8, &HttpRoute, Option<String>)> = None;
        for route in self.routes.iter() {
            let Some((wanted, pattern)) = route.key.split_once(' ') else { continue };
            if wanted != "ANY" && wanted != method.as_str() {
                continue;
            }
            let fit = match pattern.strip_suffix("{proxy+}") {
                Some(prefix) => path.strip_prefix(prefix).filter(|rest| !rest.is_empty()).map(|rest| (0, Some(rest.to_owned()))),
                None => (path == pattern).then_some((2, None)),
            };
            if let Some((rank, proxy)) = fit {
                let rank = rank + u8::from(wanted != "ANY");
                if best.as_ref().is_none_or(|(known, _, _)| rank > *known) {
                    best = Some((rank, route, proxy));
                }
            }
        }
        best.map(|(_, route, proxy)| (route, proxy))
    }
}

/// Converts a function's return value to an HTTP response, by payload format 2.0.
fn from_function(value: Value) -> Response {
    let Some(status) = value.get("statusCode").and_then(Value::as_u64) else {
        // Without a status the whole value is the body.
        return (StatusCode::OK, [("content-type", "application/json")], value.to_string()).into_response();
    };
    let Some(status) = u16::try_from(status).ok().and_then(|status| StatusCode::from_u16(status).ok()) else {
        return own(500, "Internal Server Error");
    };
    let text = value.get("body").and_then(Value::as_str).unwrap_or_default();
    let body = if value.get("isBase64Encoded").and_then(Value::as_bool) == Some(true) {
        STANDARD.decode(text).map(Bytes::from)
    } else {
        Ok(Bytes::from(text.to_owned()))
    };
    let Ok(body) = body else { return own(500, "Internal Server Error") };
    let mut headers = HeaderMap::new();
    for (name, value) in value.get("headers").and_then(Value::as_object).into_iter().flatten() {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name.as_str()), HeaderValue::try_from(value)) {
            headers.insert(name, value);
        }
    }
    for cookie in value.get("cookies").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str) {
        if let Ok(cookie) = HeaderValue::from_str(cookie) {
            headers.append("set-cookie", cookie);
        }
    }
    if !headers.contains_key("content-type") && !body.is_empty() {
        headers.insert("content-type", HeaderValue::from_static("text/plain;charset=UTF-8"));
    }
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}
