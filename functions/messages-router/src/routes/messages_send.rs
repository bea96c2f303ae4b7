//! `POST /messages/conversations/{id}/messages`: a successful response means that the message is durable. Delivery runs afterwards.

use messaging::message::NewMessage;
use shared_utils::fields::{FieldLog, Fields};
use shared_utils::http::{Call, Error, Response};

use super::common::{find_conversation, message_answer};
use crate::App;

pub(crate) fn read<L: FieldLog>(fields: &mut Fields<L>) -> NewMessage {
    let new = NewMessage::read(fields);
    if !fields.is_faulty() {
        new.require_content(fields);
    }
    new
}

pub(super) async fn handle(app: &App, call: Call) -> Result<Response, Error> {
    let (session, conversation) = find_conversation(app, &call).await?;
    let mut fields = Fields::new(call.body);
    let new = read(&mut fields);
    fields.finish()?;
    let outcome = app.broadcaster.send(&session, conversation, new, app.send_rate).await?;
    if outcome.replayed {
        return Ok(message_answer(200, &outcome.message)?.with_header("idempotent-replayed", "true"));
    }
    Ok(message_answer(201, &outcome.message)?.with_header("location", format!("/messages/{}", outcome.message.message_id)))
}
