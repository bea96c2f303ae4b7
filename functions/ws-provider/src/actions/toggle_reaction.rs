//! `toggleReaction {messageId, emoji, on?}`: same as `PUT` or `DELETE /messages/{id}/reactions/{emoji}`. Without `on`, toggles the reaction.

use messaging::message::Reaction;
use serde_json::Value;
use shared_utils::fields::{FieldLog, Fields};
use shared_utils::http::Error;
use shared_utils::ids::MessageId;

use super::frame::{Named, SubjectKey};
use super::{Received, SocketAction};
use crate::App;
use crate::reply::Done;

pub(super) struct ToggleReaction {
    message: Named<MessageId>,
    reaction: Result<Reaction, Error>,
}

impl SocketAction for ToggleReaction {
    const IGNORED: &[&str] = &["projectId", "conversationId"];

    fn read<L: FieldLog>(fields: &mut Fields<L>) -> Self {
        let message = Named::read(fields, "messageId");
        let emoji = fields.string("emoji", 0..=64);
        let emoji = fields.require("emoji", emoji).unwrap_or_default();
        let on = fields.boolean("on").value();
        Self { message, reaction: fields.end().map_err(Error::from).and_then(|()| Ok(Reaction::new(&emoji, on)?)) }
    }

    fn subject(&self) -> SubjectKey {
        SubjectKey::Message(self.message)
    }

    async fn handle(self, app: &App, received: Received<'_>) -> Result<Value, Error> {
        let found = self.message.require(received.subject.message)?;
        found.as_ref().map(|found| found.require_participant(received.session.user)).transpose()?;
        let message = app.broadcaster.react(&received.session, found, &self.reaction?, |_| Ok::<_, Error>(())).await?;
        Ok(received.echo.ack(Done { message: Some(message), ..Done::default() }))
    }
}
