//! `typing {conversationId}`: sent to the other participants at most once every three seconds, if at most 50 others take part. Never stored.

use messaging::frames;
use realtime::Audience;
use serde_json::Value;
use shared_utils::fields::{FieldLog, Fields};
use shared_utils::http::Error;
use shared_utils::ids::ConversationId;

use super::frame::{Named, SubjectKey};
use super::{Received, SocketAction};
use crate::App;
use crate::reply::Done;

pub(super) struct Typing {
    conversation: Named<ConversationId>,
    read: Result<(), Error>,
}

impl SocketAction for Typing {
    fn read<L: FieldLog>(fields: &mut Fields<L>) -> Self {
        let conversation = Named::read(fields, "conversationId");
        Self { conversation, read: fields.end().map_err(Error::from) }
    }

    fn subject(&self) -> SubjectKey {
        SubjectKey::Conversation(self.conversation)
    }

    async fn handle(self, app: &App, received: Received<'_>) -> Result<Value, Error> {
        let user = received.session.user;
        let conversation = self.conversation.require(received.subject.conversation)?;
        let conversation = conversation.map(|conversation| conversation.for_participant(user)).transpose()?;
        self.read?;
        let conversation = conversation.ok_or(Error::NotFound)?;
        let id = conversation.head.conversation_id;
        if app.broadcaster.connections().should_broadcast_typing(user, id).await? {
            let others = conversation.participants().into_iter().filter(|person| *person != user).collect();
            app.broadcaster.broadcast_ephemeral_later(Audience::others(others), frames::typing(id, user, app.context.clock.now()));
        }
        Ok(received.echo.ack(Done::default()))
    }
}
