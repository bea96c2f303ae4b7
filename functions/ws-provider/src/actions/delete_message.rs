//! `deleteMessage {messageId}`: as `DELETE /messages/{id}`.

use messaging::change::Found;
use messaging::frames;
use serde_json::{Value, json};
use shared_utils::http::Error;

use super::{Received, named_message};
use crate::App;

pub(super) async fn handle(app: &App, received: Received<'_>, found: Option<Found>) -> Result<Value, Error> {
    let user = received.connection.user_id;
    let mut fields = received.fields;
    let found = named_message(&mut fields, found, user)?;
    fields.finish()?;
    let changed = app.messaging.delete(&received.connection.caller(), found, |_| Ok(())).await?;
    if changed.written {
        app.broadcaster.announce_later(changed.conversation.participants(), frames::delete_message(&changed.conversation, &changed.message));
    }
    Ok(received.echo.ack(json!({"message": changed.message})))
}
