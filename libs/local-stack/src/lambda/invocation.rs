//! One event: its request id, its result, and its line on the terminal.

use serde_json::Value;

use crate::records::{EventRecord, round_trips};

/// Why there is no response.
#[derive(Debug, Clone, thiserror::Error)]
pub enum InvokeError {
    /// The function reported an error, or its process ended.
    #[error("the function failed: {0}")]
    Failed(String),
    /// The function took longer than its time-out.
    #[error("the function timed out")]
    TimedOut,
}

impl InvokeError {
    /// The HTTP API's own answer: the status and the message.
    pub(crate) const fn answer(&self) -> (u16, &'static str) {
        match self {
            Self::Failed(_) => (500, "Internal Server Error"),
            Self::TimedOut => (504, "Endpoint request timed out"),
        }
    }
}

/// The result of an event.
#[derive(Debug)]
pub struct Invocation {
    /// The function's response, as JSON.
    pub response: Value,
}

/// The status of an event: that of the response, or that of the gateway's own answer.
pub(super) fn status_of(outcome: &Result<Value, InvokeError>) -> u16 {
    let response = match outcome {
        Ok(response) => response,
        Err(error) => return error.answer().0,
    };
    response.get("statusCode").and_then(Value::as_u64).and_then(|status| u16::try_from(status).ok()).unwrap_or(500)
}

/// A request id in the form of Lambda's.
pub(crate) fn request_id() -> String {
    let bytes = shared_utils::random::bytes::<16>().map(|byte| format!("{byte:02x}")).concat();
    format!("{}-{}-{}-{}-{}", &bytes[..8], &bytes[8..12], &bytes[12..16], &bytes[16..20], &bytes[20..])
}

/// One line with the cost of an event.
pub(crate) fn line(record: &EventRecord) -> String {
    let temperature = if record.cold { "cold" } else { "warm" };
    let millis = record.duration.as_secs_f64() * 1000.0;
    format!(
        "{} {} → {} in {millis:.1} ms, {temperature}, {} calls of AWS in {} round trips",
        record.function,
        record.label,
        record.status,
        record.calls.len(),
        round_trips(&record.calls)
    )
}
