//! `GET /messages/conversations/{id}`

use shared_utils::http::{Call, Error, Response};

use crate::App;

pub(super) async fn handle(app: &App, call: Call) -> Result<Response, Error> {
    let caller = call.caller()?;
    let conversation = app.messaging.conversation(caller.user, call.params.id("id")?).await?;
    Response::json(200, &conversation.view(caller.user))
}
