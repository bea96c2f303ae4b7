//! The control interface of the local stack: injects faults. The tests of the TypeScript client use it.
//!
//! Web pages of other origins must not reach it: it checks `Host` (DNS rebinding), `Origin`, and a token that is new with each start and printed
//! with the console's link.

use std::num::NonZeroUsize;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use axum::routing::get;
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::faults::{Effect, Faults, InjectedFault, Risk};

/// The state of the control interface.
#[derive(Debug, Clone)]
pub(crate) struct Control {
    /// The token that callers need.
    pub(crate) token: String,
    /// The port of the console.
    pub(crate) port: u16,
    pub(crate) faults: Faults,
}

impl Control {
    /// A control interface with a new token.
    pub(crate) fn new(port: u16, faults: Faults) -> Self {
        Self { token: shared_utils::random::secret(), port, faults }
    }
}

/// A fault as a request describes it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct FaultRequest {
    /// The action, such as `TransactWriteItems`. Without it, every action of `DynamoDB`.
    action: Option<String>,
    effect: EffectName,
    /// The delay of the effect `delay`.
    #[serde(default)]
    delay_ms: u64,
    /// The number of calls that pass first.
    #[serde(default)]
    skip: usize,
    /// The number of affected calls. Without it, one.
    times: Option<NonZeroUsize>,
}

/// A random fault as a request describes it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RiskRequest {
    action: Option<String>,
    effect: EffectName,
    #[serde(default)]
    delay_ms: u64,
    /// The number of affected calls per million.
    per_million: u64,
}

/// Random faults, in place of those before.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RisksRequest {
    /// The seed of the draws.
    #[serde(default)]
    seed: u64,
    risks: Vec<RiskRequest>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "camelCase")]
enum EffectName {
    Throttle,
    ServerError,
    Deny,
    Delay,
    DropResponse,
    Gone,
    Kill,
}

impl EffectName {
    const fn effect(self, delay_ms: u64) -> Effect {
        match self {
            Self::Throttle => Effect::Throttle,
            Self::ServerError => Effect::ServerError,
            Self::Deny => Effect::Deny,
            Self::Delay => Effect::Delay(Duration::from_millis(delay_ms)),
            Self::DropResponse => Effect::DropResponse,
            Self::Gone => Effect::Gone,
            Self::Kill => Effect::Kill,
        }
    }
}

/// The routes under `/control`.
pub(crate) fn router(control: Control) -> Router {
    Router::new()
        .route("/control/faults", get(status).post(add_fault).put(run_risks).delete(clear))
        .layer(from_fn_with_state(control.clone(), admit))
        .with_state(control)
}

/// Refuses requests without the token, and pages of other origins.
async fn admit(State(control): State<Control>, request: Request, next: Next) -> Result<Response, StatusCode> {
    if is_admitted(&control, request.headers()) { Ok(next.run(request).await) } else { Err(StatusCode::FORBIDDEN) }
}

fn is_admitted(control: &Control, headers: &HeaderMap) -> bool {
    let value = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let hosts = ["localhost", "127.0.0.1"].map(|host| format!("{host}:{}", control.port));
    let is_own_host = value("host").is_some_and(|host| hosts.iter().any(|own| own == host));
    let is_own_origin = value("origin").is_none_or(|origin| hosts.iter().any(|own| origin == format!("http://{own}")));
    is_own_host && is_own_origin && value("authorization") == Some(&format!("Bearer {}", control.token))
}

/// How many faults wait, and how many random ones have occurred.
async fn status(State(control): State<Control>) -> Json<Value> {
    let struck: serde_json::Map<String, Value> = control.faults.struck().into_iter().map(|(name, count)| (name.to_owned(), json!(count))).collect();
    Json(json!({"waiting": control.faults.waiting(), "struck": struck}))
}

async fn add_fault(State(control): State<Control>, Json(fault): Json<FaultRequest>) -> StatusCode {
    let FaultRequest { action, effect, delay_ms, skip, times } = fault;
    control.faults.add(InjectedFault { action, effect: effect.effect(delay_ms), skip, times: times.map_or(1, NonZeroUsize::get) });
    StatusCode::NO_CONTENT
}

async fn run_risks(State(control): State<Control>, Json(RisksRequest { seed, risks }): Json<RisksRequest>) -> StatusCode {
    let risk = |RiskRequest { action, effect, delay_ms, per_million }| Risk { action, effect: effect.effect(delay_ms), per_million };
    control.faults.run_risks(seed, risks.into_iter().map(risk).collect());
    StatusCode::NO_CONTENT
}

async fn clear(State(control): State<Control>) -> StatusCode {
    control.faults.clear();
    StatusCode::NO_CONTENT
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (axum::http::HeaderName::from_static(name), HeaderValue::from_str(value).unwrap())).collect()
    }

    #[test]
    fn pages_of_other_origins_are_refused() {
        let control = Control::new(3002, Faults::default());
        let token = format!("Bearer {}", control.token);
        let admitted = |pairs: &[(&'static str, &str)]| is_admitted(&control, &headers(pairs));
        assert!(admitted(&[("host", "localhost:3002"), ("authorization", &token)]));
        assert!(admitted(&[("host", "127.0.0.1:3002"), ("origin", "http://localhost:3002"), ("authorization", &token)]));
        // A name that an attacker's DNS server points at this machine.
        assert!(!admitted(&[("host", "evil.test:3002"), ("authorization", &token)]));
        assert!(!admitted(&[("host", "localhost:3002"), ("origin", "http://evil.test"), ("authorization", &token)]));
        assert!(!admitted(&[("host", "localhost:3002"), ("origin", "null"), ("authorization", &token)]));
        assert!(!admitted(&[("host", "localhost:3002"), ("authorization", "Bearer x")]));
        assert!(!admitted(&[("host", "localhost:3002")]));
    }
}
