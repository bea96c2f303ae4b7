//! `ping`: `pong` with the server's time.

use serde_json::{Value, json};
use shared_utils::http::Error;

use super::Received;
use crate::App;

pub(super) fn handle(app: &App, received: Received<'_>) -> Result<Value, Error> {
    received.fields.finish()?;
    Ok(json!({"action": "pong", "ref": received.echo.reference, "at": app.edge.clock.now()}))
}
