//! `POST /messages/conversations/{id}/files/{fileId}/complete`: the upload has ended. The file counts if S3 has it as it was declared.

use files::FileOwner;
use shared_utils::http::{Call, Error, Response};

use super::common::find_with_file;
use crate::App;

pub(super) async fn handle(app: &App, call: Call) -> Result<Response, Error> {
    let (session, conversation, found) = find_with_file(app, &call).await?;
    let completed = app.files.complete(&session, FileOwner::Conversation(conversation.head.conversation_id), found).await?;
    Response::json(200, &completed.file.file())
}
