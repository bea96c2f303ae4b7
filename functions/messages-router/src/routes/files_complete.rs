//! `POST /messages/conversations/{id}/files/{fileId}/complete`: the upload has ended. The file counts if S3 has it as it was declared.

use files::FileOwner;
use shared_utils::http::{Call, Error, Response};

use super::common::find_conversation;
use crate::App;

pub(super) async fn handle(app: &App, call: Call) -> Result<Response, Error> {
    let (session, conversation) = find_conversation(app, &call).await?;
    let completed = app.files.complete(&session, FileOwner::Conversation(conversation.head.conversation_id), call.params.id("fileId")?).await?;
    Response::json(200, &completed.file.file())
}
