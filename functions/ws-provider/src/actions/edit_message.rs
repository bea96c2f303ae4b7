//! `editMessage {messageId, text}`: as `PATCH /messages/{id}`.

use messaging::frames;
use messaging::message::read_text;
use serde_json::{Value, json};
use shared_utils::http::Error;

use super::{Received, message_id};
use crate::App;

pub(super) async fn handle(app: &App, received: Received<'_>) -> Result<Value, Error> {
    let mut fields = received.fields;
    fields.ignore(&["conversationId"]);
    let id = message_id(&mut fields)?;
    let text = read_text(&mut fields);
    let text = fields.require("text", text).unwrap_or_default();
    fields.finish()?;
    let changed = app.messaging.edit(received.connection.user_id, id.ok_or(Error::NotFound)?, &text, |_| Ok(())).await?;
    app.announce_later(changed.conversation.participants(), frames::edit_message(&changed.conversation, &changed.message));
    Ok(received.echo.ack(json!({"message": changed.message})))
}
