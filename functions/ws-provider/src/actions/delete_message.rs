//! `deleteMessage {messageId}`: as `DELETE /messages/{id}`.

use messaging::frames;
use serde_json::{Value, json};
use shared_utils::http::Error;

use super::{Received, message_id};
use crate::App;

pub(super) async fn handle(app: &App, received: Received<'_>) -> Result<Value, Error> {
    let mut fields = received.fields;
    fields.ignore(&["conversationId"]);
    let id = message_id(&mut fields)?;
    fields.finish()?;
    let changed = app.messaging.delete(received.connection.user_id, id.ok_or(Error::NotFound)?, |_| Ok(())).await?;
    if changed.written {
        app.announce_later(changed.conversation.participants(), frames::delete_message(&changed.conversation, &changed.message));
    }
    Ok(received.echo.ack(json!({"message": changed.message})))
}
