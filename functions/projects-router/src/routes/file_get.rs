//! `GET /projects/{id}/files/{fileId}`: a URL to download a file of a project.

use access::teams::TeamRole;
use shared_utils::http::{Call, Error, Response};

use super::common::visible_with_file;
use crate::App;

pub(super) async fn handle(app: &App, call: Call) -> Result<Response, Error> {
    let variant = call.query(&["variant"])?.get("variant");
    let (_, _, file) = visible_with_file(app, &call, TeamRole::Viewer).await?;
    let download = app.files.download(file, variant).await?;
    Response::link(&call.request, &download.url, &download)
}
