//! `POST /projects/{id}/files/{fileId}/complete`: the upload has ended. The file counts if S3 has it as it was declared.

use access::teams::TeamRole;
use files::FileOwner;
use shared_utils::http::{Call, Error, Response};

use super::common::visible;
use crate::App;

pub(super) async fn handle(app: &App, call: Call) -> Result<Response, Error> {
    let (session, project) = visible(app, call.caller()?, call.params.id("id")?, TeamRole::Editor).await?;
    let file = app.files.complete(&session, FileOwner::Project(project.project_id), call.params.id("fileId")?).await?;
    Response::json(200, &file.file())
}
