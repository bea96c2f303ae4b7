//! `markRead {conversationId, seq}`: same as `PUT /messages/conversations/{id}/read`.

use serde_json::Value;
use shared_utils::fields::{FieldLog, Fields};
use shared_utils::http::Error;
use shared_utils::ids::ConversationId;

use super::frame::{Named, SubjectKey};
use super::{Received, SocketAction};
use crate::App;
use crate::reply::Done;

pub(super) struct MarkRead {
    conversation: Named<ConversationId>,
    seq: Result<u64, Error>,
}

impl SocketAction for MarkRead {
    fn read<L: FieldLog>(fields: &mut Fields<L>) -> Self {
        let conversation = Named::read(fields, "conversationId");
        let seq = fields.integer("seq", 0..=u64::MAX);
        let seq = fields.require("seq", seq).unwrap_or_default();
        Self { conversation, seq: fields.end().map(|()| seq).map_err(Error::from) }
    }

    fn subject(&self) -> SubjectKey {
        SubjectKey::Conversation(self.conversation)
    }

    async fn handle(self, app: &App, received: Received<'_>) -> Result<Value, Error> {
        let user = received.session.user;
        let conversation = self.conversation.require(received.subject.conversation)?;
        let conversation = conversation.map(|conversation| conversation.for_participant(user)).transpose()?;
        let seq = self.seq?;
        let mut conversation = conversation.ok_or(Error::NotFound)?;
        app.broadcaster.mark_read(&received.session, &mut conversation, seq).await?;
        Ok(received.echo.ack(Done { read_seq: Some(conversation.read_seq(user)), ..Done::default() }))
    }
}
