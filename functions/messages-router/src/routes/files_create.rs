//! `POST /messages/conversations/{id}/files`: declares a file of a conversation, and gives the forms that upload it.

use files::{FileForm, FileOwner};
use shared_utils::http::{Call, Error, Response};

use super::common::find_conversation;
use crate::App;

pub(super) async fn handle(app: &App, mut call: Call) -> Result<Response, Error> {
    let (session, conversation) = find_conversation(app, &call).await?;
    let form = call.read_body(|fields| FileForm::read(fields, app.files.limits().file))?;
    let guard = app.messaging.participation_check(&conversation, session.user);
    let new = app.files.declare(&session, FileOwner::Conversation(conversation.head.conversation_id), form, Some(guard)).await?;
    app.files.process_removals_later(app.broadcaster.background_tasks());
    Response::json(201, &new)
}
