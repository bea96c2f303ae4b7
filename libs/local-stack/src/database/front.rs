//! The proxy in front of the engine: counts calls by caller, and injects faults.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::middleware::from_fn;
use axum::response::{IntoResponse, Response};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde::Deserialize;
use serde_json::json;
use tokio::net::TcpListener;

use crate::faults::{Effect, Faults, lost};
use crate::local_only::programs_only;
use crate::records::{Call, Capacity, DelayedCall, Records};

/// Serves the proxy on `listener`.
pub(super) fn serve(listener: TcpListener, engine: &str, records: Records, faults: Faults) {
    let front = Front { engine: Arc::from(engine), client: Client::builder(TokioExecutor::new()).build_http(), records, faults };
    let router = Router::new().fallback(forward).layer(DefaultBodyLimit::max(16 * 1024 * 1024)).layer(from_fn(programs_only)).with_state(front);
    tokio::spawn(async move {
        let _ = axum::serve(listener, router).await;
    });
}

#[derive(Clone)]
struct Front {
    engine: Arc<str>,
    client: Client<HttpConnector, Full<Bytes>>,
    records: Records,
    faults: Faults,
}

/// The caller of a request: the access key in its signature. Every sandbox has its own access key.
pub(crate) fn access_key(headers: &HeaderMap) -> String {
    let authorization = headers.get("authorization").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let key = authorization.split_once("Credential=").and_then(|(_, rest)| rest.split('/').next());
    key.unwrap_or_default().to_owned()
}

async fn forward(State(front): State<Front>, uri: Uri, method: axum::http::Method, headers: HeaderMap, body: Bytes) -> Response {
    let (started, caller) = (Instant::now(), access_key(&headers));
    let target = headers.get("x-amz-target").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let action = target.rsplit('.').next().unwrap_or_default().to_owned();
    let effect = if action.is_empty() { None } else { front.faults.strike(&action, &caller) };
    let pass = || pass(&front, &action, (&uri, &method, headers.clone()), body.clone());
    let failed = |(response, code): (Response, &str)| Passed { response, capacity: Capacity::default(), error: Some(code.to_owned()) };
    let Passed { response, capacity, error } = match effect {
        Some(Effect::Throttle | Effect::Gone) => failed(refusal(400, "ProvisionedThroughputExceededException")),
        Some(Effect::Deny) => failed(refusal(400, "AccessDeniedException")),
        Some(Effect::ServerError) => failed(refusal(500, "InternalServerError")),
        Some(Effect::Delay(delay)) => {
            let delayed = DelayedCall::new(&front.records, &caller, (&action, None), &body, effect);
            tokio::time::sleep(delay).await;
            let passed = pass().await;
            delayed.completed();
            passed
        }
        Some(Effect::DropResponse) => Passed { response: lost(), ..pass().await },
        Some(Effect::Kill) => {
            let Passed { response, capacity, error } = pass().await;
            let status = response.status().as_u16();
            // Before the end of the process ends its event.
            front.records.call(Call { caller: &caller, action, body: &body, target: None, status, error, effect, capacity, started });
            front.faults.kill(&caller);
            // The process is killed before it receives the response.
            tokio::time::sleep(Duration::from_millis(20)).await;
            return response;
        }
        None => pass().await,
    };
    let status = response.status().as_u16();
    front.records.call(Call { caller: &caller, action, body: &body, target: None, status, error, effect, capacity, started });
    response
}

/// The start of member names that the engine's JSON parser treats specially. For a table, they are ordinary names.
const RESERVED: &str = "$serde_json::";
/// The start that the engine stores instead.
const ESCAPED: &str = "$serde_json::~";

/// Replaces every `from` in a body. `None` if the body does not contain `from`.
fn replaced(body: &[u8], from: &str, to: &str) -> Option<Bytes> {
    let text = std::str::from_utf8(body).ok()?;
    text.contains(from).then(|| Bytes::from(text.replace(from, to)))
}

/// A request that asks for the consumed capacity. The functions do not ask, and their SDK ignores it in the response.
fn with_capacity(body: &Bytes) -> Bytes {
    match body.strip_prefix(b"{") {
        Some(rest) if rest != b"}" => [b"{\"ReturnConsumedCapacity\":\"TOTAL\",", rest].concat().into(),
        _ => body.clone(),
    }
}

/// What became of a request.
struct Passed {
    response: Response,
    /// If calls are measured.
    capacity: Capacity,
    /// The error code.
    error: Option<String>,
}

/// Passes a request to the engine.
async fn pass(front: &Front, action: &str, (uri, method, mut headers): (&Uri, &axum::http::Method, HeaderMap), mut body: Bytes) -> Passed {
    // Actions on tables have no such member.
    let is_measured = front.records.measures() && (action.ends_with("Item") || action.ends_with("Items") || action == "Query");
    if is_measured {
        body = with_capacity(&body);
    }
    if let Some(escaped) = replaced(&body, RESERVED, ESCAPED) {
        body = escaped;
    }
    headers.remove("content-length");
    let path = uri.path_and_query().map_or("/", axum::http::uri::PathAndQuery::as_str);
    let failed = || {
        let (response, code) = refusal(500, "InternalServerError");
        Passed { response, capacity: Capacity::default(), error: Some(code.to_owned()) }
    };
    let Ok(mut request) = http::Request::builder().method(method).uri(format!("{}{path}", front.engine)).body(Full::new(body)) else {
        return failed();
    };
    *request.headers_mut() = headers;
    let Ok(response) = front.client.request(request).await else { return failed() };
    let (mut parts, body) = response.into_parts();
    let Ok(body) = body.collect().await.map(http_body_util::Collected::to_bytes) else { return failed() };
    let capacity = if is_measured { Capacity::of_response(action, &body) } else { Capacity::default() };
    let error = if parts.status.is_success() { None } else { error_code(&body) };
    let response = match replaced(&body, ESCAPED, RESERVED) {
        Some(original) => {
            parts.headers.remove("content-length");
            parts.headers.remove("x-amz-crc32");
            Response::from_parts(parts, Body::from(original))
        }
        None => Response::from_parts(parts, Body::from(body)),
    };
    Passed { response, capacity, error }
}

/// The code in the engine's refusal: what is behind `#`.
fn error_code(body: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Refusal {
        #[serde(rename = "__type")]
        kind: String,
    }
    let Refusal { kind } = serde_json::from_slice(body).ok()?;
    Some(kind.rsplit('#').next().unwrap_or_default().to_owned())
}

/// A refusal that a fault asked for, and its code.
fn refusal(status: u16, code: &'static str) -> (Response, &'static str) {
    let body = json!({"__type": format!("com.amazonaws.dynamodb.v20120810#{code}"), "message": "a fault that was asked for"});
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    ((status, [("content-type", "application/x-amz-json-1.0")], body.to_string()).into_response(), code)
}
