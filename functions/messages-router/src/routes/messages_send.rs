//! `POST /messages/conversations/{id}/messages`: the answer means that the message is durable; delivery follows it.

use messaging::frames;
use messaging::message::NewMessage;
use shared_utils::http::fields::Fields;
use shared_utils::http::{Call, Error, Response};

use super::{find_conversation, message_answer};
use crate::App;

pub(super) async fn handle(app: &App, call: Call) -> Result<Response, Error> {
    let caller = call.caller()?;
    let conversation = find_conversation(app, &caller, &call).await?;
    let mut fields = Fields::new(call.body);
    let new = NewMessage::read(&mut fields);
    if !fields.is_faulty() {
        new.require_content(&mut fields);
    }
    fields.finish()?;
    let outcome = app.messaging.send(caller.user, conversation, new, app.send_rate).await?;
    if outcome.replayed {
        return Ok(message_answer(200, &outcome.message)?.with_header("idempotent-replayed", "true"));
    }
    app.broadcaster.announce_later(outcome.conversation.participants(), frames::new_message(&outcome.conversation, &outcome.message));
    Ok(message_answer(201, &outcome.message)?.with_header("location", format!("/messages/{}", outcome.message.message_id)))
}
