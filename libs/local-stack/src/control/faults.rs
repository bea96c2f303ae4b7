//! Injected faults.

use std::num::NonZeroUsize;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Control;
use crate::faults::{Effect, Faults, InjectedFault, Risk};

/// A fault as a request describes it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct FaultRequest {
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
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RiskRequest {
    /// The function whose calls are affected. Without it, those of every function.
    #[serde(skip_serializing_if = "Option::is_none")]
    function: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
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
pub(super) struct RisksRequest {
    /// The seed of the draws.
    #[serde(default)]
    seed: u64,
    risks: Vec<RiskRequest>,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
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

    /// The name, and the delay in milliseconds.
    fn of(effect: Effect) -> (Self, u64) {
        match effect {
            Effect::Throttle => (Self::Throttle, 0),
            Effect::ServerError => (Self::ServerError, 0),
            Effect::Deny => (Self::Deny, 0),
            Effect::Delay(delay) => (Self::Delay, u64::try_from(delay.as_millis()).unwrap_or(u64::MAX)),
            Effect::DropResponse => (Self::DropResponse, 0),
            Effect::Gone => (Self::Gone, 0),
            Effect::Kill => (Self::Kill, 0),
        }
    }
}

/// How many faults wait, the random ones that are on, and how many have occurred: `{"waiting": 0, "risks": [{"effect": "throttle", …}], "struck": {"throttled": 1}}`.
pub(super) fn describe(faults: &Faults) -> Value {
    let struck: serde_json::Map<String, Value> = faults.struck().into_iter().map(|(name, count)| (name.to_owned(), json!(count))).collect();
    let risk = |Risk { function, action, effect, per_million }| {
        let (effect, delay_ms) = EffectName::of(effect);
        RiskRequest { function, action, effect, delay_ms, per_million }
    };
    let risks: Vec<RiskRequest> = faults.risks().into_iter().map(risk).collect();
    json!({"waiting": faults.waiting(), "risks": risks, "struck": struck})
}

pub(super) async fn status(State(control): State<Control>) -> Json<Value> {
    Json(describe(&control.faults))
}

pub(super) async fn add_fault(State(control): State<Control>, Json(fault): Json<FaultRequest>) -> StatusCode {
    let FaultRequest { action, effect, delay_ms, skip, times } = fault;
    control.faults.add(InjectedFault { action, effect: effect.effect(delay_ms), skip, times: times.map_or(1, NonZeroUsize::get) });
    StatusCode::NO_CONTENT
}

pub(super) async fn run_risks(State(control): State<Control>, Json(RisksRequest { seed, risks }): Json<RisksRequest>) -> StatusCode {
    let risk =
        |RiskRequest { function, action, effect, delay_ms, per_million }| Risk { function, action, effect: effect.effect(delay_ms), per_million };
    control.faults.run_risks(seed, risks.into_iter().map(risk).collect());
    StatusCode::NO_CONTENT
}

pub(super) async fn clear(State(control): State<Control>) -> StatusCode {
    control.faults.clear();
    StatusCode::NO_CONTENT
}
