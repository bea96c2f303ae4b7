//! `@connections`: posts frames, describes and closes connections.

use std::sync::Arc;
use std::time::Instant;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::{Gateway, Order};
use crate::database::access_key;
use crate::faults::{Effect, lost};
use crate::feed::Direction;
use crate::records::DelayedCall;

/// The header with the error code.
pub(super) const ERROR_TYPE: &str = "x-amzn-errortype";

fn management_error(status: StatusCode, kind: &'static str) -> Response {
    (status, [(ERROR_TYPE, kind), ("content-type", "application/json")], json!({"message": null}).to_string()).into_response()
}

fn gone() -> Response {
    management_error(StatusCode::GONE, "GoneException")
}

pub(super) async fn post_frame(State(gateway): State<Arc<Gateway>>, Path(id): Path<String>, headers: HeaderMap, body: Bytes) -> Response {
    let caller = access_key(&headers);
    let too_large = || management_error(StatusCode::PAYLOAD_TOO_LARGE, "PayloadTooLargeException");
    let post = || {
        if body.len() > gateway.limits.message {
            return too_large();
        }
        let frame = String::from_utf8_lossy(&body);
        if !gateway.order(&id, Order::Send(frame.clone().into_owned())) {
            return gone();
        }
        gateway.note(&id, Direction::ToClient, &frame, Some(&caller));
        StatusCode::OK.into_response()
    };
    with_faults(&gateway, (&caller, "PostToConnection", &id), post).await
}

pub(super) async fn close(State(gateway): State<Arc<Gateway>>, Path(id): Path<String>, headers: HeaderMap) -> Response {
    let close = || if gateway.order(&id, Order::Close) { StatusCode::NO_CONTENT.into_response() } else { gone() };
    with_faults(&gateway, (&access_key(&headers), "DeleteConnection", &id), close).await
}

/// Executes and records a call, with the effect of the fault that strikes it.
async fn with_faults(gateway: &Gateway, (caller, action, id): (&str, &str, &str), work: impl FnOnce() -> Response) -> Response {
    let started = Instant::now();
    let effect = gateway.faults.strike(action, caller);
    if let Some(Effect::Delay(delay)) = effect {
        let delayed = DelayedCall::new(&gateway.records, caller, (action, Some(id.to_owned())), &[], effect);
        tokio::time::sleep(delay).await;
        delayed.completed();
    }
    let response = match effect {
        Some(Effect::Throttle) => management_error(StatusCode::TOO_MANY_REQUESTS, "LimitExceededException"),
        Some(Effect::Deny) => management_error(StatusCode::FORBIDDEN, "ForbiddenException"),
        Some(Effect::ServerError) => management_error(StatusCode::INTERNAL_SERVER_ERROR, "InternalServerError"),
        Some(Effect::Gone) => gone(),
        Some(Effect::DropResponse) => {
            work();
            lost()
        }
        Some(Effect::Kill | Effect::Delay(_)) | None => work(),
    };
    gateway.record(caller, (action, id), &response, effect, started);
    if effect == Some(Effect::Kill) {
        gateway.faults.kill(caller);
    }
    response
}

pub(super) async fn describe(State(gateway): State<Arc<Gateway>>, Path(id): Path<String>) -> Response {
    let Some(entry) = gateway.entry(&id) else { return gone() };
    let context = &entry.context;
    let body = json!({
        "connectedAt": context.connected_at,
        "identity": {"sourceIp": context.peer.to_string(), "userAgent": context.user_agent},
        "lastActiveAt": entry.last_active(),
    });
    (StatusCode::OK, [("content-type", "application/json")], body.to_string()).into_response()
}
