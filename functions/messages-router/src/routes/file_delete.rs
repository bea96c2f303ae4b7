//! `DELETE /messages/conversations/{id}/files/{fileId}`: deletes a file of a conversation. Its objects are deleted after the response.

use files::FileOwner;
use shared_utils::http::{Call, Error, Response};

use super::common::find_with_file;
use crate::App;

pub(super) async fn handle(app: &App, call: Call) -> Result<Response, Error> {
    let (session, conversation, file) = find_with_file(app, &call).await?;
    app.files
        .delete(&session, FileOwner::Conversation(conversation.head.conversation_id), file, |file| {
            if file.uploaded_by == session.user || conversation.is_owned_by(&session) { Ok(()) } else { Err(files::Error::NotAllowed) }
        })
        .await?;
    app.files.process_removals_later(app.broadcaster.background_tasks());
    Ok(Response::empty(204))
}
