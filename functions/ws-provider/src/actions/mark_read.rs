//! `markRead {conversationId, seq}`: as `PUT /messages/conversations/{id}/read`.

use messaging::conversation::Conversation;
use messaging::frames;
use serde_json::{Value, json};
use shared_utils::http::Error;

use super::{Received, named_conversation};
use crate::App;

pub(super) async fn handle(app: &App, received: Received<'_>, conversation: Option<Conversation>) -> Result<Value, Error> {
    let user = received.connection.user_id;
    let mut fields = received.fields;
    let conversation = named_conversation(&mut fields, conversation, user)?;
    let seq = fields.integer("seq", 0..=u64::MAX);
    let seq = fields.require("seq", seq).unwrap_or_default();
    fields.finish()?;
    let mut conversation = conversation.ok_or(Error::NotFound)?;
    if app.messaging.mark_read(user, &mut conversation, seq).await? {
        app.broadcaster.announce_later(conversation.participants(), frames::mark_read(conversation.head.conversation_id, user, seq));
    }
    Ok(received.echo.ack(json!({"readSeq": conversation.read_seq(user)})))
}
