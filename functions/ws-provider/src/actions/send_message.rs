//! `sendMessage {conversationId, text?, attachments?, optimisticId}`: the same code as over HTTP.

use messaging::conversation::Conversation;
use messaging::frames;
use messaging::message::NewMessage;
use serde_json::{Value, json};
use shared_utils::http::Error;

use super::{Received, named_conversation};
use crate::App;

pub(super) async fn handle(app: &App, received: Received<'_>, conversation: Option<Conversation>) -> Result<Value, Error> {
    let user = received.connection.user_id;
    let mut fields = received.fields;
    let conversation = named_conversation(&mut fields, conversation, user)?;
    let new = NewMessage::read(&mut fields);
    if !fields.is_faulty() {
        new.require_content(&mut fields);
        if new.optimistic_id.is_none() {
            fields.fault("optimisticId", "required", "This field is required.");
        }
    }
    fields.finish()?;
    let conversation = conversation.ok_or(Error::NotFound)?;
    // The connection's own rate was asked already; this one is its person's, whatever they send through.
    let outcome = app.messaging.send(user, conversation, new, app.rates.send).await?;
    if !outcome.replayed {
        app.broadcaster.announce_later(outcome.conversation.participants(), frames::new_message(&outcome.conversation, &outcome.message));
    }
    Ok(received.echo.ack(json!({"message": outcome.message})))
}
