//! The stack as a whole: what runs, the clock, the number of sandboxes, and a new beginning.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Control, faults};
use crate::demo;
use crate::people::{PASSWORD, PEOPLE};

/// What runs, and how the stack is set.
pub(super) async fn state(State(control): State<Control>) -> Json<Value> {
    let people: Vec<Value> = PEOPLE
        .iter()
        .map(|(email, role, first_name, last_name)| json!({"email": email, "role": role, "firstName": first_name, "lastName": last_name}))
        .collect();
    let functions: Vec<Value> = control.functions.values().map(|function| function.describe()).collect();
    Json(json!({
        "http": control.addresses.http,
        "ws": control.addresses.websocket,
        "mail": control.addresses.mail,
        "people": people,
        "password": PASSWORD,
        "functions": functions,
        "clockOffsetMs": control.clock.offset_ms(),
        "sandboxes": control.account.limit(),
        "usualSandboxes": control.sandboxes,
        "faults": faults::describe(&control.faults),
        "unlocked": control.is_unlocked(),
    }))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ClockRequest {
    /// The difference to the machine's time.
    offset_ms: i64,
}

/// A hundred years: beyond, times cannot be written.
const MOST_OFFSET_MS: i64 = 100 * 365 * 24 * 3600 * 1000;

/// Moves the clock of all functions, of both gateways, of S3 and of expiring items.
pub(super) async fn set_clock(State(control): State<Control>, Json(ClockRequest { offset_ms }): Json<ClockRequest>) -> StatusCode {
    if !(-MOST_OFFSET_MS..=MOST_OFFSET_MS).contains(&offset_ms) {
        return StatusCode::UNPROCESSABLE_ENTITY;
    }
    control.clock.set_offset_ms(offset_ms);
    StatusCode::NO_CONTENT
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SandboxesRequest {
    /// The events that all functions together may handle at once.
    limit: usize,
}

/// Sets the account's concurrency quota. A new account has ten.
pub(super) async fn set_sandboxes(State(control): State<Control>, Json(SandboxesRequest { limit }): Json<SandboxesRequest>) -> StatusCode {
    if !(1..=10_000).contains(&limit) {
        return StatusCode::UNPROCESSABLE_ENTITY;
    }
    control.account.set_limit(limit);
    StatusCode::NO_CONTENT
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ResetRequest {
    /// Whether a studio with a few weeks of work is made.
    #[serde(default)]
    demo: bool,
}

/// Deletes all data, ends all sockets and sandboxes, and makes the accounts again.
pub(super) async fn reset(
    State(control): State<Control>,
    Json(ResetRequest { demo }): Json<ResetRequest>,
) -> Result<StatusCode, (StatusCode, String)> {
    // A task of its own: it goes on to its end if the page is closed.
    let work = tokio::spawn(async move {
        // Two resets at once would mix their data.
        let _alone = control.resetting.lock().await;
        control.reset().await?;
        if demo {
            demo::make(&control.addresses.http, &control.clock).await?;
        }
        Ok(())
    });
    let done = work.await.unwrap_or_else(|error| Err(error.to_string()));
    done.map(|()| StatusCode::NO_CONTENT).map_err(|error: String| (StatusCode::INTERNAL_SERVER_ERROR, error))
}
