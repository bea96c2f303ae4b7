//! `GET /messages/conversations/{id}/files/{fileId}`: a URL to download a file of a conversation.

use files::FileOwner;
use shared_utils::http::{Call, Error, Response};

use super::common::find_conversation;
use crate::App;

pub(super) async fn handle(app: &App, call: Call) -> Result<Response, Error> {
    let variant = call.query(&["variant"])?.get("variant");
    let (_, conversation) = find_conversation(app, &call).await?;
    let download = app.files.download(FileOwner::Conversation(conversation.head.conversation_id), call.params.id("fileId")?, variant).await?;
    Response::link(&call.request, &download.url, &download)
}
