//! `editMessage {messageId, text}`: same as `PATCH /messages/{id}`.

use messaging::message::read_new_text;
use serde_json::Value;
use shared_utils::fields::{FieldLog, Fields};
use shared_utils::http::Error;
use shared_utils::ids::MessageId;

use super::frame::{Named, SubjectKey};
use super::{Received, SocketAction};
use crate::App;
use crate::reply::Done;

pub(super) struct EditMessage {
    message: Named<MessageId>,
    text: Result<Option<String>, Error>,
}

impl SocketAction for EditMessage {
    const IGNORED: &[&str] = &["projectId", "conversationId"];

    fn read<L: FieldLog>(fields: &mut Fields<L>) -> Self {
        let message = Named::read(fields, "messageId");
        let text = read_new_text(fields);
        Self { message, text: fields.end().map(|()| text).map_err(Error::from) }
    }

    fn subject(&self) -> SubjectKey {
        SubjectKey::Message(self.message)
    }

    async fn handle(self, app: &App, received: Received<'_>) -> Result<Value, Error> {
        let found = self.message.require(received.subject.message)?;
        found.as_ref().map(|found| found.require_author(received.session.user)).transpose()?;
        let text = self.text?;
        let message = app.broadcaster.edit(&received.session, found, text.as_deref(), |_| Ok::<_, Error>(())).await?;
        Ok(received.echo.ack(Done { message: Some(message), ..Done::default() }))
    }
}
