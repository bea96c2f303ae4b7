//! The Lambda Runtime API (2018-06-01) for one sandbox.

use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::StatusCode;
use axum::middleware::from_fn;
use axum::response::Response;
use axum::routing::{get, post};
use serde_json::Value;
use shared_utils::clock::Clock;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot, watch};

use super::invocation::request_id;
use crate::events::ACCOUNT;
use crate::local_only::programs_only;

/// The largest response that Lambda accepts, in bytes.
const MAX_RESPONSE: usize = 6_291_556;

/// An event for a sandbox.
pub(super) struct Event {
    pub(super) request_id: String,
    pub(super) payload: Bytes,
    pub(super) arn: String,
    pub(super) deadline_ms: i64,
    pub(super) answer: oneshot::Sender<Answer>,
}

/// The result of an event.
#[derive(Debug)]
pub(super) enum Answer {
    /// The response.
    Response(Bytes),
    /// The error that the sandbox reported.
    Error(Bytes),
}

struct Shared {
    events: tokio::sync::Mutex<mpsc::Receiver<Event>>,
    open: Mutex<Option<(String, oneshot::Sender<Answer>)>>,
    asked: watch::Sender<u64>,
}

/// The pool's side of the API.
pub struct RuntimeApi {
    /// `127.0.0.1:<port>`, the value of `AWS_LAMBDA_RUNTIME_API`.
    pub(super) address: String,
    pub(super) events: mpsc::Sender<Event>,
    /// How often the sandbox has requested an event: once after its start, and once more after each completed event.
    pub(super) asked: watch::Receiver<u64>,
    server: tokio::task::JoinHandle<()>,
}

impl RuntimeApi {
    /// Starts the API of one sandbox.
    pub async fn start() -> std::io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?.to_string();
        let (events, queue) = mpsc::channel(1);
        let (asked, watch_asked) = watch::channel(0);
        let shared = Arc::new(Shared { events: tokio::sync::Mutex::new(queue), open: Mutex::new(None), asked });
        let router = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next))
            .route("/2018-06-01/runtime/invocation/{id}/response", post(response))
            .route("/2018-06-01/runtime/invocation/{id}/error", post(error))
            .route("/2018-06-01/runtime/init/error", post(async || StatusCode::ACCEPTED))
            .layer(DefaultBodyLimit::max(16 * 1024 * 1024))
            .layer(from_fn(programs_only))
            .with_state(shared);
        let server = tokio::spawn(async move {
            let _ = axum::serve(listener, router).await;
        });
        Ok(Self { address, events, asked: watch_asked, server })
    }

    /// `127.0.0.1:<port>`, the value of `AWS_LAMBDA_RUNTIME_API`.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// How often the sandbox has requested an event: once after its start, and once more after each completed event.
    pub fn asked(&self) -> watch::Receiver<u64> {
        self.asked.clone()
    }

    /// The sandbox's response to an event that may take a minute.
    pub async fn invoke(&self, event: &Value) -> Result<Value, String> {
        let (answer, answered) = oneshot::channel();
        let event = Event {
            request_id: request_id(),
            payload: Bytes::from(event.to_string()),
            arn: format!("arn:aws:lambda:eu-central-1:{ACCOUNT}:function:benchmark"),
            deadline_ms: Clock::System.now().plus_seconds(60).millis(),
            answer,
        };
        self.events.send(event).await.map_err(|_| "the sandbox takes no events".to_owned())?;
        match answered.await {
            Ok(Answer::Response(bytes)) => serde_json::from_slice(&bytes).map_err(|error| error.to_string()),
            Ok(Answer::Error(bytes)) => Err(String::from_utf8_lossy(&bytes).into_owned()),
            Err(_) => Err("the sandbox ended".to_owned()),
        }
    }
}

impl Drop for RuntimeApi {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn next(State(shared): State<Arc<Shared>>) -> Response {
    shared.asked.send_modify(|asked| *asked += 1);
    let event = shared.events.lock().await.recv().await;
    let Some(event) = event else { return status(StatusCode::GONE) };
    let response = Response::builder()
        .header("content-type", "application/json")
        .header("lambda-runtime-aws-request-id", &event.request_id)
        .header("lambda-runtime-deadline-ms", event.deadline_ms)
        .header("lambda-runtime-invoked-function-arn", &event.arn)
        .header("lambda-runtime-trace-id", "Root=1-00000000-000000000000000000000000;Sampled=0")
        .body(Body::from(event.payload));
    *shared.open.lock().unwrap_or_else(PoisonError::into_inner) = Some((event.request_id, event.answer));
    response.unwrap_or_else(|_| status(StatusCode::INTERNAL_SERVER_ERROR))
}

async fn response(State(shared): State<Arc<Shared>>, Path(id): Path<String>, body: Bytes) -> StatusCode {
    if body.len() > MAX_RESPONSE {
        let error = br#"{"errorType":"Function.ResponseSizeTooLarge","errorMessage":"the response is larger than 6 MB"}"#;
        shared.answer(&id, Answer::Error(Bytes::from_static(error)));
        return StatusCode::PAYLOAD_TOO_LARGE;
    }
    shared.answer(&id, Answer::Response(body))
}

async fn error(State(shared): State<Arc<Shared>>, Path(id): Path<String>, body: Bytes) -> StatusCode {
    shared.answer(&id, Answer::Error(body))
}

impl Shared {
    fn answer(&self, id: &str, answer: Answer) -> StatusCode {
        match self.open.lock().unwrap_or_else(PoisonError::into_inner).take_if(|(open, _)| open == id) {
            Some((_, waiting)) => {
                let _ = waiting.send(answer);
                StatusCode::ACCEPTED
            }
            None => StatusCode::BAD_REQUEST,
        }
    }
}

fn status(status: StatusCode) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}
