//! `deleteMessage {messageId}`: same as `DELETE /messages/{id}`.

use serde_json::Value;
use shared_utils::fields::{FieldLog, Fields};
use shared_utils::http::Error;
use shared_utils::ids::MessageId;

use super::frame::{Named, SubjectKey};
use super::{Received, SocketAction};
use crate::App;
use crate::reply::Done;

pub(super) struct DeleteMessage {
    message: Named<MessageId>,
    read: Result<(), Error>,
}

impl SocketAction for DeleteMessage {
    const IGNORED: &[&str] = &["projectId", "conversationId"];

    fn read<L: FieldLog>(fields: &mut Fields<L>) -> Self {
        let message = Named::read(fields, "messageId");
        Self { message, read: fields.end().map_err(Error::from) }
    }

    fn subject(&self) -> SubjectKey {
        SubjectKey::Message(self.message)
    }

    async fn handle(self, app: &App, received: Received<'_>) -> Result<Value, Error> {
        let found = self.message.require(received.subject.message)?;
        found.as_ref().map(|found| found.require_participant(received.session.user)).transpose()?;
        self.read?;
        let message = app.broadcaster.delete(&received.session, found, |_| Ok::<_, Error>(())).await?;
        Ok(received.echo.ack(Done { message: Some(message), ..Done::default() }))
    }
}
