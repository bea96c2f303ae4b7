//! `sendMessage {conversationId, text?, attachments?, optimisticId}`: same as `POST /messages/conversations/{id}/messages`.

use messaging::message::NewMessage;
use serde_json::Value;
use shared_utils::fields::{FieldLog, Fields};
use shared_utils::http::Error;
use shared_utils::ids::ConversationId;

use super::frame::{Named, SubjectKey};
use super::{Received, SocketAction};
use crate::App;
use crate::reply::Done;

pub(super) struct SendMessage {
    conversation: Named<ConversationId>,
    new: Result<NewMessage, Error>,
}

impl SocketAction for SendMessage {
    const IS_SEND: bool = true;

    fn read<L: FieldLog>(fields: &mut Fields<L>) -> Self {
        let conversation = Named::read(fields, "conversationId");
        let new = NewMessage::read(fields);
        if !fields.is_faulty() {
            new.require_content(fields);
            if new.optimistic_id.is_none() {
                fields.fault("optimisticId", "required", "This field is required.");
            }
        }
        Self { conversation, new: fields.end().map(|()| new).map_err(Error::from) }
    }

    fn subject(&self) -> SubjectKey {
        SubjectKey::Conversation(self.conversation)
    }

    async fn handle(self, app: &App, received: Received<'_>) -> Result<Value, Error> {
        let conversation = self.conversation.require(received.subject.conversation)?;
        let conversation = conversation.map(|conversation| conversation.for_participant(received.session.user)).transpose()?;
        let new = self.new?;
        // The connection's send rate was checked before. `send` checks the person's rate in this conversation, over all connections.
        let conversation = conversation.ok_or(Error::NotFound)?;
        let outcome = app.broadcaster.send(&received.session, conversation, new, app.rates.send).await?;
        Ok(received.echo.ack(Done { message: Some(outcome.message), ..Done::default() }))
    }
}
