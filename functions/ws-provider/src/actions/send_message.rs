//! `sendMessage {conversationId, text?, attachments?, optimisticId}`: the same code as over HTTP.

use messaging::conversation::Conversation;
use messaging::frames;
use messaging::message::NewMessage;
use serde_json::{Value, json};
use shared_utils::http::Error;
use shared_utils::pace::Rate;

use super::Received;
use crate::App;

pub(super) async fn handle(app: &App, received: Received<'_>, conversation: Option<Conversation>) -> Result<Value, Error> {
    let user = received.connection.user_id;
    let conversation = conversation.map(|conversation| conversation.for_participant(user)).transpose()?;
    let mut fields = received.fields;
    let id = fields.raw("conversationId");
    let new = NewMessage::read(&mut fields);
    if fields.require("conversationId", id).is_some() && conversation.is_none() {
        return Err(Error::NotFound);
    }
    if !fields.is_faulty() {
        new.require_content(&mut fields);
        if new.optimistic_id.is_none() {
            fields.fault("optimisticId", "required", "This field is required.");
        }
    }
    fields.finish()?;
    let conversation = conversation.ok_or(Error::NotFound)?;
    // The connection's own rate was asked already.
    let outcome = app.messaging.send(user, conversation, new, Rate::OFF).await?;
    if !outcome.replayed {
        app.announce_later(outcome.conversation.participants(), frames::new_message(&outcome.conversation, &outcome.message));
    }
    Ok(received.echo.ack(json!({"message": outcome.message})))
}
