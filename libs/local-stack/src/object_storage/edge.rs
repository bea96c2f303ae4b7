//! What is around the protocol: CORS, error codes, injected faults and records.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::header::{ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, VARY};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::middleware::from_fn;
use axum::response::{IntoResponse, Response};
use futures_util::{Stream, TryStreamExt, stream};
use http_body_util::BodyExt;
use s3s::service::S3Service;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::database::access_key;
use crate::faults::{Effect, lost};
use crate::local_only::local_hosts_only;
use crate::records::{Call, Capacity, DelayedCall};

/// The methods of the CORS rule: what browsers do with presigned requests.
const METHODS: &str = "GET, HEAD, POST";
/// How long a browser may remember the answer to a preflight request, in seconds.
const MAX_AGE: &str = "3000";

#[derive(Clone)]
struct Edge {
    state: Arc<super::State>,
    service: S3Service,
}

pub(super) fn serve(listener: TcpListener, state: Arc<super::State>, service: S3Service) -> JoinHandle<()> {
    let router = Router::new().fallback(handle).layer(from_fn(local_hosts_only)).with_state(Edge { state, service });
    tokio::spawn(async move {
        let _ = axum::serve(listener, router).await;
    })
}

async fn handle(State(edge): State<Edge>, request: Request) -> Response {
    let origin = request.headers().get(ORIGIN).cloned();
    let allowed = origin.filter(|origin| origin.to_str().is_ok_and(|origin| edge.state.origins.contains(origin)));
    if request.method() == Method::OPTIONS {
        return preflight(request.headers(), allowed);
    }
    let mut response = with_faults(&edge, request).await;
    if let Some(origin) = allowed {
        cors(response.headers_mut(), origin);
    }
    response
}

fn cors(headers: &mut HeaderMap, origin: HeaderValue) {
    headers.insert("access-control-allow-origin", origin);
    headers.insert("access-control-allow-credentials", HeaderValue::from_static("true"));
    headers.insert("access-control-allow-methods", HeaderValue::from_static(METHODS));
    headers.insert("access-control-expose-headers", HeaderValue::from_static("ETag"));
    headers.insert("access-control-max-age", HeaderValue::from_static(MAX_AGE));
    headers.insert(VARY, HeaderValue::from_static("Origin, Access-Control-Request-Headers, Access-Control-Request-Method"));
}

/// The answer to a preflight request. The rule allows every header.
fn preflight(request: &HeaderMap, allowed: Option<HeaderValue>) -> Response {
    let method = request.get(ACCESS_CONTROL_REQUEST_METHOD).and_then(|method| method.to_str().ok()).unwrap_or_default();
    match allowed {
        Some(origin) if METHODS.split(", ").any(|listed| listed == method) => {
            let mut response = Response::default();
            cors(response.headers_mut(), origin);
            if let Some(names) = request.get(ACCESS_CONTROL_REQUEST_HEADERS) {
                response.headers_mut().insert("access-control-allow-headers", names.clone());
            }
            response
        }
        _ => error(StatusCode::FORBIDDEN, "AccessForbidden", "CORSResponse: This CORS request is not allowed."),
    }
}

fn error(status: StatusCode, code: &str, message: &str) -> Response {
    let body = format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code><Message>{message}</Message></Error>");
    (status, [("content-type", "application/xml")], body).into_response()
}

/// The name of the operation, as records and faults have it.
fn action(request: &Request) -> &'static str {
    let query = request.uri().query().unwrap_or_default();
    match *request.method() {
        Method::HEAD => "HeadObject",
        Method::DELETE => "DeleteObject",
        Method::POST => "PostObject",
        Method::GET if query.split('&').any(|part| part == "tagging" || part == "tagging=") => "GetObjectTagging",
        Method::GET => "GetObject",
        _ => "",
    }
}

async fn with_faults(edge: &Edge, request: Request) -> Response {
    let (started, action, caller) = (Instant::now(), action(&request), access_key(request.headers()));
    let (effect, target) = (edge.state.faults.strike(action, &caller), Some(request.uri().path().to_owned()));
    let response = match effect {
        None => pass(edge, request).await,
        Some(Effect::Throttle | Effect::Gone) => error(StatusCode::SERVICE_UNAVAILABLE, "SlowDown", "Please reduce your request rate."),
        Some(Effect::Deny) => error(StatusCode::FORBIDDEN, "AccessDenied", "Access Denied"),
        Some(Effect::ServerError) => error(StatusCode::INTERNAL_SERVER_ERROR, "InternalError", "We encountered an internal error."),
        Some(Effect::Delay(delay)) => {
            let delayed = DelayedCall::new(&edge.state.records, &caller, (action, target.clone()), &[], effect);
            tokio::time::sleep(delay).await;
            let response = pass(edge, request).await;
            delayed.completed();
            response
        }
        Some(Effect::DropResponse) => {
            pass(edge, request).await;
            lost()
        }
        Some(Effect::Kill) => {
            let response = pass(edge, request).await;
            record(edge, (&caller, action, target), &response, effect, started);
            edge.state.faults.kill(&caller);
            // The process is killed before it receives the response.
            tokio::time::sleep(Duration::from_millis(20)).await;
            return response;
        }
    };
    record(edge, (&caller, action, target), &response, effect, started);
    response
}

/// Records a call. A presigned request has no caller, and belongs to no event.
fn record(edge: &Edge, (caller, action, target): (&str, &str, Option<String>), response: &Response, effect: Option<Effect>, started: Instant) {
    let (status, capacity) = (response.status().as_u16(), Capacity::default());
    edge.state.records.call(Call { caller, action: action.to_owned(), body: &[], target, status, error: None, effect, capacity, started });
}

/// The first bytes of a form, which have all its fields. `s3s` does not hand on the policy that it checked.
#[derive(Clone, Default)]
pub(super) struct FormStart(Arc<Mutex<Vec<u8>>>);

/// The maximum size of a form's fields, in bytes.
const FIELDS: usize = 64 * 1024;

/// The maximum size of a piece of a form, in bytes. `s3s` refuses a form when a piece ends like the begin of a boundary, and the next one is larger
/// than 64 KiB.
const PIECE: usize = 32 * 1024;

/// The same bytes in smaller pieces.
fn pieces(mut bytes: Bytes) -> impl Stream<Item = Result<Bytes, axum::Error>> {
    stream::iter(std::iter::from_fn(move || {
        let piece = bytes.split_to(bytes.len().min(PIECE));
        (!piece.is_empty()).then_some(Ok(piece))
    }))
}

impl FormStart {
    /// The request, which keeps its first bytes in its extensions.
    fn keep(request: Request) -> Request {
        let (mut parts, body) = request.into_parts();
        let start = Self::default();
        parts.extensions.insert(start.clone());
        let keep = move |piece: &Bytes| {
            let mut start = start.0.lock().unwrap_or_else(PoisonError::into_inner);
            let room = FIELDS - start.len();
            start.extend_from_slice(&piece[..piece.len().min(room)]);
        };
        let body = body.into_data_stream().map_ok(pieces).try_flatten().inspect_ok(keep);
        Request::from_parts(parts, Body::from_stream(body))
    }

    /// The value of a field.
    pub(super) fn field(&self, name: &str) -> Option<String> {
        let start = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let text = String::from_utf8_lossy(&start);
        let (_, part) = text.split_once(&format!("name=\"{name}\""))?;
        let (_, content) = part.split_once("\r\n\r\n")?;
        content.split_once("\r\n").map(|(value, _)| value.to_owned())
    }
}

async fn pass(edge: &Edge, request: Request) -> Response {
    let is_form = request.method() == Method::POST;
    let request = if is_form { FormStart::keep(request) } else { request };
    match edge.service.call(request.map(s3s::Body::http_body_unsync)).await {
        Ok(response) if is_form && !response.status().is_success() => as_s3(response.map(Body::new)).await,
        Ok(response) => response.map(Body::new),
        Err(_) => error(StatusCode::INTERNAL_SERVER_ERROR, "InternalError", "We encountered an internal error."),
    }
}

/// The refusal of a form with the code that S3 gives. `s3s` has others for failed conditions.
async fn as_s3(response: Response) -> Response {
    let (parts, body) = response.into_parts();
    let body = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let text = String::from_utf8_lossy(&body);
    for (found, message) in [
        ("Policy condition", "Invalid according to Policy: Policy Condition failed"),
        ("does not match policy", "Invalid according to Policy: Policy Condition failed"),
        ("does not match bucket in URL", "Invalid according to Policy: Policy Condition failed"),
        ("not specified in the policy", "Invalid according to Policy: Extra input fields"),
        ("Request has expired", "Invalid according to Policy: Policy expired."),
    ] {
        if text.contains(found) {
            return error(StatusCode::FORBIDDEN, "AccessDenied", message);
        }
    }
    Response::from_parts(parts, Body::from(body))
}
