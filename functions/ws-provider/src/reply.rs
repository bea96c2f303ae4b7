//! The reply to a sender: an `ack` or `error` frame, sent as the response of the route.

use aws_lambda_events::apigw::ApiGatewayProxyResponse;
use aws_lambda_events::encodings::Body;
use http::HeaderValue;
use messaging::message::Message;
use realtime::{LineLockView, frame_text};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Serialize;
use serde_json::{Value, json};
use shared_utils::clock::Timestamp;
use shared_utils::http::{Error, Fault};
use shared_utils::ids::UserId;

/// The values of a frame that its reply repeats.
#[derive(Debug, Clone, Default, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Echo {
    /// The frame's `action`.
    pub(crate) of: Option<String>,
    /// The frame's `ref`: a short text or a number.
    #[serde(rename = "ref")]
    #[schemars(schema_with = "reference_schema")]
    pub(crate) reference: Option<Value>,
    /// The client's own id for its message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) optimistic_id: Option<String>,
}

fn reference_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": ["string", "number", "null"]})
}

/// What an action came to.
#[derive(Default, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Done {
    /// The message that was sent or changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) message: Option<Message>,
    /// The lock that was taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) lock: Option<LineLockView>,
    /// The sender's read marker.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) read_seq: Option<u64>,
    /// When the connection's token expires.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) expires_at: Option<Timestamp>,
}

/// A reply to a frame.
#[derive(Serialize, JsonSchema)]
#[serde(tag = "action", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Reply<'a> {
    /// The action was done.
    Ack {
        #[serde(flatten)]
        echo: Echo,
        #[serde(flatten)]
        done: Box<Done>,
    },
    /// The action was refused.
    Error {
        #[serde(flatten)]
        echo: Echo,
        /// The stable code of the error.
        code: &'static str,
        /// For people.
        detail: String,
        /// Every value that is not valid.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        errors: Vec<Fault<'a>>,
        /// How long to wait before the next try, in milliseconds.
        #[serde(skip_serializing_if = "Option::is_none")]
        retry_after_ms: Option<u64>,
    },
    /// The reply to `ping`.
    Pong {
        /// The frame's `ref`.
        #[serde(rename = "ref")]
        #[schemars(schema_with = "reference_schema")]
        reference: Option<Value>,
        /// The server's time.
        at: Timestamp,
    },
    /// The reply to `presenceLookup`.
    PresenceSnapshot {
        /// The frame's `ref`.
        #[serde(rename = "ref")]
        #[schemars(schema_with = "reference_schema")]
        reference: Option<Value>,
        /// The sender, and who is online of the people that the sender shares something with.
        user_ids: Vec<UserId>,
        /// When that was so.
        at: Timestamp,
        /// Present where the list was cut at 900 people.
        #[serde(skip_serializing_if = "Option::is_none")]
        truncated: Option<bool>,
    },
}

impl Echo {
    /// An `ack`.
    pub(crate) fn ack(&self, done: Done) -> Value {
        json!(Reply::Ack { echo: self.clone(), done: Box::new(done) })
    }

    /// An `error` with the code and detail of the HTTP contract.
    pub(crate) fn error(&self, error: &Error) -> Value {
        let retry_after_ms = match error {
            Error::TooManyRequests { retry_after_ms } => Some(*retry_after_ms),
            _ => None,
        };
        json!(Reply::Error { echo: self.clone(), code: error.code(), detail: error.to_string(), errors: error.faults(), retry_after_ms })
    }
}

/// A response to the gateway without a frame.
pub(crate) fn status(status: u16) -> ApiGatewayProxyResponse {
    let mut response = ApiGatewayProxyResponse::default();
    response.status_code = i64::from(status);
    response
}

/// The error response to an event that is not a frame, with the error's headers.
pub(crate) fn refusal(error: &Error) -> ApiGatewayProxyResponse {
    let mut response = status(error.status());
    for (name, value) in error.headers() {
        if let Ok(value) = HeaderValue::from_str(&value) {
            response.headers.insert(name, value);
        }
    }
    response
}

/// A response whose body is sent to the client as a frame.
pub(crate) fn frame(frame: &Value) -> ApiGatewayProxyResponse {
    let mut response = status(200);
    response.body = Some(Body::Text(frame_text(frame)));
    response
}
