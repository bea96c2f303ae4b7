//! `typing {conversationId}`: told to the others in it, never stored, passed on once in three seconds.

use messaging::conversation::Conversation;
use messaging::frames;
use serde_json::{Value, json};
use shared_utils::http::Error;

use super::{Received, named_conversation};
use crate::App;

pub(super) async fn handle(app: &App, received: Received<'_>, conversation: Option<Conversation>) -> Result<Value, Error> {
    let connection = received.connection;
    let mut fields = received.fields;
    let conversation = named_conversation(&mut fields, conversation, connection.user_id)?;
    fields.finish()?;
    let conversation = conversation.ok_or(Error::NotFound)?;
    let id = conversation.head.conversation_id;
    if app.broadcaster.connections().types(connection.user_id, id).await? {
        let others = conversation.participants().into_iter().filter(|person| *person != connection.user_id).collect();
        app.broadcaster.announce_later(others, frames::typing(id, connection.user_id, app.edge.clock.now()));
    }
    Ok(received.echo.ack(json!({})))
}
