//! `GET /projects/{id}/files/{fileId}`: a URL to download a file of a project.

use access::teams::TeamRole;
use files::FileOwner;
use shared_utils::http::{Call, Error, Response};

use super::common::visible;
use crate::App;

pub(super) async fn handle(app: &App, call: Call) -> Result<Response, Error> {
    let variant = call.query(&["variant"])?.get("variant");
    let (_, project) = visible(app, call.caller()?, call.params.id("id")?, TeamRole::Viewer).await?;
    let download = app.files.download(FileOwner::Project(project.project_id), call.params.id("fileId")?, variant).await?;
    Response::link(&call.request, &download.url, &download)
}
