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

/// The header with the error code.
pub(super) const ERROR_TYPE: &str = "x-amzn-errortype";

fn management_error(status: StatusCode, kind: &'static str) -> Response {
    (status, [(ERROR_TYPE, kind), ("content-type", "application/json")], json!({"message": null}).to_string()).into_response()
}

fn gone() -> Response {
    management_error(StatusCode::GONE, "GoneException")
}

pub(super) async fn post_frame(State(gateway): State<Arc<Gateway>>, Path(id): Path<String>, headers: HeaderMap, body: Bytes) -> Response {
    let (started, caller) = (Instant::now(), access_key(&headers));
    let effect = gateway.faults.strike("PostToConnection", &caller);
    if let Some(Effect::Delay(delay)) = effect {
        tokio::time::sleep(delay).await;
    }
    let post = || {
        let frame = String::from_utf8_lossy(&body);
        if !gateway.order(&id, Order::Send(frame.clone().into_owned())) {
            return gone();
        }
        gateway.note(&id, Direction::ToClient, &frame, Some(&caller));
        StatusCode::OK.into_response()
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
            gateway.faults.kill(&caller);
            post()
        }
        Some(Effect::Delay(_)) | None => post(),
    };
    gateway.record(&caller, ("PostToConnection", &id), &response, effect, started);
    response
}

pub(super) async fn close(State(gateway): State<Arc<Gateway>>, Path(id): Path<String>, headers: HeaderMap) -> Response {
    let started = Instant::now();
    let response = if gateway.order(&id, Order::Close) { StatusCode::NO_CONTENT.into_response() } else { gone() };
    gateway.record(&access_key(&headers), ("DeleteConnection", &id), &response, None, started);
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
