//! The reply to a sender: an `ack` or `error` frame, sent as the response of the route.

use aws_lambda_events::apigw::ApiGatewayProxyResponse;
use aws_lambda_events::encodings::Body;
use http::HeaderValue;
use realtime::frame_text;
use serde_json::{Map, Value, json};
use shared_utils::http::Error;

/// The values of a frame that its reply repeats.
#[derive(Debug, Clone, Default)]
pub(crate) struct Echo {
    /// The frame's `action`.
    pub(crate) of: Option<String>,
    /// The frame's `ref`: a short text or a number.
    pub(crate) reference: Option<Value>,
    /// The client's own id for its message.
    pub(crate) optimistic_id: Option<String>,
}

impl Echo {
    fn frame(&self, action: &str) -> Map<String, Value> {
        let mut frame = Map::new();
        frame.insert("action".to_owned(), json!(action));
        frame.insert("of".to_owned(), json!(self.of));
        frame.insert("ref".to_owned(), json!(self.reference));
        if let Some(id) = &self.optimistic_id {
            frame.insert("optimisticId".to_owned(), json!(id));
        }
        frame
    }

    /// An `ack` with these additional fields.
    pub(crate) fn ack(&self, fields: Value) -> Value {
        let mut frame = self.frame("ack");
        if let Value::Object(fields) = fields {
            frame.extend(fields);
        }
        Value::Object(frame)
    }

    /// An `error` with the code and detail of the HTTP contract.
    pub(crate) fn error(&self, error: &Error) -> Value {
        let mut frame = self.frame("error");
        frame.insert("code".to_owned(), json!(error.code()));
        frame.insert("detail".to_owned(), json!(error.to_string()));
        if !error.faults().is_empty() {
            frame.insert("errors".to_owned(), json!(error.faults()));
        }
        if let Error::TooManyRequests { retry_after_ms } = error {
            frame.insert("retryAfterMs".to_owned(), json!(retry_after_ms));
        }
        Value::Object(frame)
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
