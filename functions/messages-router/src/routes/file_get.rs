//! `GET /messages/conversations/{id}/files/{fileId}`: a URL to download a file of a conversation.

use shared_utils::http::{Call, Error, Response};

use super::common::find_with_file;
use crate::App;

pub(super) async fn handle(app: &App, call: Call) -> Result<Response, Error> {
    let variant = call.query(&["variant"])?.get("variant");
    let (_, _, file) = find_with_file(app, &call).await?;
    let download = app.files.download(file, variant).await?;
    Response::link(&call.request, &download.url, &download)
}
