//! Turns an event into a response, with the checks in the contract's order:
//!
//! route (404) → method (405) → size (413) and content type (415) → JSON (400) → token (401) → the handler, which checks
//! visibility (404), permission (403), preconditions (412) and values (422).

use std::future::Future;
use std::panic::AssertUnwindSafe;

use aws_lambda_events::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};
use futures_util::FutureExt;
use http::{HeaderValue, Method};
use serde::Serialize;
use serde_json::{Map, Value};

use super::routing::{self, Access, Body, Params, Route};
use super::{CorsPolicy, Error, Request, Response};
use crate::audit;
use crate::auth::{Caller, Verifier, credentials};
use crate::clock::Clock;
use crate::env::{EnvError, Environment};
use crate::fields::Fields;
use crate::json;

/// A request that passed the checks, as a handler receives it.
pub struct Call {
    /// The request.
    pub request: Request,
    /// The path segments that match the braces of the route.
    pub params: Params,
    /// The body's object, empty for routes without a body.
    pub body: Map<String, Value>,
    caller: Option<Caller>,
}

impl Call {
    /// The caller. Public routes have none: [`Error::MissingToken`].
    pub fn caller(&self) -> Result<Caller, Error> {
        self.caller.ok_or(Error::MissingToken)
    }

    /// Reads the body with `read`. All field errors are collected: [`Error::ValidationFailed`].
    pub fn read_body<T>(&mut self, read: impl FnOnce(&mut Fields) -> T) -> Result<T, Error> {
        let mut fields = Fields::new(std::mem::take(&mut self.body));
        let value = read(&mut fields);
        fields.finish()?;
        Ok(value)
    }

    /// The query. Parameters that are not `known`, or that are repeated, are errors.
    pub fn query(&self, known: &[&str]) -> Result<Query<'_>, Error> {
        let mut seen: Vec<&str> = Vec::new();
        for (name, _) in &self.request.query {
            if !known.contains(&name.as_str()) {
                return Err(Error::parameter(format!("There is no query parameter {:?}.", truncated(name))));
            }
            if seen.contains(&name.as_str()) {
                return Err(Error::parameter(format!("The query parameter {name} appears more than once.")));
            }
            seen.push(name);
        }
        Ok(Query(&self.request.query))
    }
}

/// The start of a client's text, short enough to repeat in a response.
fn truncated(text: &str) -> String {
    text.chars().take(40).collect()
}

/// The parameters of a query, each at most once.
#[derive(Clone, Copy)]
pub struct Query<'a>(&'a [(String, String)]);

impl<'a> Query<'a> {
    /// A parameter's value.
    pub fn get(&self, name: &str) -> Option<&'a str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// A parameter that is a whole number, not negative. A number that is too large becomes `u64::MAX`.
    pub fn number(&self, name: &str) -> Result<Option<u64>, Error> {
        let read = |text: &str| {
            let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            is_number
                .then(|| text.parse().unwrap_or(u64::MAX))
                .ok_or_else(|| Error::parameter(format!("{name} must be a whole number that is not negative.")))
        };
        self.get(name).map(read).transpose()
    }

    /// The page size: 50 by default. More than 100 counts as 100. Less than 1 is an error.
    pub fn limit(&self) -> Result<usize, Error> {
        match self.number("limit") {
            Ok(None) => Ok(50),
            Ok(Some(limit)) if limit >= 1 => Ok(usize::try_from(limit.min(100)).unwrap_or(100)),
            _ => Err(Error::parameter("limit must be a whole number from 1 to 100.")),
        }
    }
}

/// The context that every function needs before a handler runs.
pub struct HttpContext {
    /// The CORS policy.
    pub cors: CorsPolicy,
    /// The token verifier.
    pub verifier: Verifier,
    /// The clock.
    pub clock: Clock,
}

impl HttpContext {
    /// Reads the context from the environment.
    pub fn from_env(env: &Environment) -> Result<Self, EnvError> {
        Ok(Self { cors: CorsPolicy::from_env(env)?, verifier: Verifier::from_env(env)?, clock: Clock::from_env(env)? })
    }
}

/// The HTTP side of a function.
pub trait Api: Sync + Sized + 'static {
    /// The first segment of all paths.
    const DOMAIN: &'static str;
    /// The routes, literal paths first.
    fn routes() -> &'static [Route<Self>];
    /// The context that requests are checked with.
    fn context(&self) -> &HttpContext;
    /// Refuses a caller whose session has ended or whose rights were replaced. Uses the state in memory if it is fresh, else reads the table.
    fn check_session(&self, caller: &Caller) -> impl Future<Output = Result<(), Error>> + Send;
    /// Called when a request has its response. Work that the request found can be deferred until the response is sent.
    fn answered(&self) {}
}

/// The response body of `GET /<domain>/health`.
#[derive(Serialize)]
struct Health {
    ok: bool,
    domain: &'static str,
    version: &'static str,
}

/// Handles one event. There is always a response. Internal failures are logged once, here.
pub async fn serve<A: Api>(api: &A, event: ApiGatewayV2httpRequest) -> ApiGatewayV2httpResponse {
    let started = std::time::Instant::now();
    let request = Request::read(event);
    let (request_id, method) = (request.request_id.clone(), request.method.clone());
    let is_head = method == Method::HEAD;
    let origin = request.headers.get("origin").cloned();
    let mut seen = Seen { route: "", caller: None };
    // A panic must not become the gateway's bare 500. The client gets a problem document, and a browser also gets its CORS headers.
    let outcome =
        AssertUnwindSafe(answer(api, request, &mut seen)).catch_unwind().await.unwrap_or_else(|_| Err(Error::internal("a handler panicked")));
    let response = match outcome {
        Ok(response) => response,
        Err(error) => {
            if let Some(cause) = error.cause() {
                tracing::error!(code = error.code(), cause, "request failed");
            }
            Response::problem(&error, &request_id)
        }
    };
    if response.status == 403 {
        audit!("access_denied", userId = seen.caller.map(|caller| tracing::field::display(caller.user)), route = seen.route);
    }
    tracing::info!(
        method = method.as_str(),
        route = seen.route,
        status = response.status,
        code = response.code,
        userId = seen.caller.map(|caller| tracing::field::display(caller.user)),
        durationMs = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
        "request"
    );
    api.answered();
    let response = if response.headers.contains_key("cache-control") { response } else { response.with_header("cache-control", "no-store") };
    let response = response
        .with_header("x-request-id", request_id.as_str())
        .with_header("strict-transport-security", "max-age=31536000; includeSubDomains")
        .with_header("x-content-type-options", "nosniff");
    let mut response = api.context().cors.apply(response, origin.as_ref());
    if is_head {
        response.body = None;
    }
    response.into_event()
}

/// The values for a request's log line. The request may fail at any point.
struct Seen {
    route: &'static str,
    caller: Option<Caller>,
}

async fn answer<A: Api>(api: &A, request: Request, seen: &mut Seen) -> Result<Response, Error> {
    if let [domain, "health"] = request.segments.iter().map(String::as_str).collect::<Vec<_>>()[..]
        && domain == A::DOMAIN
    {
        seen.route = "health";
        return health::<A>(api, &request);
    }
    if request.method == Method::OPTIONS {
        let (pattern, _) = routing::pattern(A::routes(), &request.segments).ok_or(Error::NotFound)?;
        seen.route = pattern;
        return Ok(api.context().cors.preflight(request.headers.get("origin"), &routing::methods(A::routes(), pattern)));
    }
    let (route, params) = routing::find(A::routes(), &request)?;
    seen.route = route.pattern;
    let body = read_body(route.body, &request)?;
    if route.access == Access::Public {
        return (route.handler)(api, Call { request, params, body, caller: None }).await;
    }
    let token = credentials::bearer(request.headers.get("authorization"))?;
    let caller = api.context().verifier.verify(token, api.context().clock.now())?;
    seen.caller = Some(caller);
    let call = Call { request, params, body, caller: Some(caller) };
    if caller.pending && route.access == Access::Approved {
        return api.check_session(&caller).await.and(Err(Error::AccountPending));
    }
    // The session check runs concurrently with the handler's reads. If the check refuses the caller, the handler's result is dropped. A handler
    // that writes must wait for the check by itself before it writes.
    let (checked, outcome) = futures_util::future::join(api.check_session(&caller), (route.handler)(api, call)).await;
    checked.and(outcome)
}

fn health<A: Api>(api: &A, request: &Request) -> Result<Response, Error> {
    match request.method {
        Method::GET | Method::HEAD => Response::json(200, &Health { ok: true, domain: A::DOMAIN, version: env!("CARGO_PKG_VERSION") }),
        Method::OPTIONS => Ok(api.context().cors.preflight(request.headers.get("origin"), "GET, HEAD, OPTIONS")),
        _ => Err(Error::MethodNotAllowed { allow: "GET, HEAD, OPTIONS".to_owned() }),
    }
}

/// Reads the body. Checks size, content type and JSON, in this order.
fn read_body(body: Body, request: &Request) -> Result<Map<String, Value>, Error> {
    let (max, optional) = match body {
        Body::None => return Ok(Map::new()),
        Body::Json(max) => (max, false),
        Body::OptionalJson(max) => (max, true),
    };
    let bytes = request.body.as_deref().ok_or(Error::InvalidJson)?;
    if bytes.len() > max {
        return Err(Error::PayloadTooLarge);
    }
    if bytes.is_empty() && optional {
        return Ok(Map::new());
    }
    if !bytes.is_empty() {
        if !is_json(request) {
            return Err(Error::UnsupportedMediaType);
        }
        check_encoding(request)?;
    }
    Ok(json::object(bytes)?)
}

/// Whether the content type is JSON. A merge patch is JSON too. Parameters change nothing (RFC 8259, section 11).
pub fn is_json(request: &Request) -> bool {
    let content_type = request.headers.get("content-type").map_or(&b""[..], HeaderValue::as_bytes);
    let essence = content_type.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
    [&b"application/json"[..], b"application/merge-patch+json"].iter().any(|json| essence.eq_ignore_ascii_case(json))
}

/// Refuses a compressed or otherwise encoded body, because its bytes would be misread.
fn check_encoding(request: &Request) -> Result<(), Error> {
    let is_plain = |coding: &[u8]| coding.is_empty() || coding.eq_ignore_ascii_case(b"identity");
    match request.headers.get("content-encoding") {
        Some(codings) if !codings.as_bytes().split(|byte| *byte == b',').map(<[u8]>::trim_ascii).all(is_plain) => Err(Error::UnsupportedEncoding),
        _ => Ok(()),
    }
}
