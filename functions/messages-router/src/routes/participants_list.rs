//! `GET /messages/conversations/{id}/participants`

use serde_json::json;
use shared_utils::http::{Call, Error, Response};

use crate::App;

pub(super) async fn handle(app: &App, call: Call) -> Result<Response, Error> {
    let conversation = app.messaging.conversation(call.caller()?.user, call.params.id("id")?).await?;
    Response::json(200, &json!({"items": conversation.participants()}))
}
