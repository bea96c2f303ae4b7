//! `DELETE /projects/{id}/files/{fileId}`: deletes a file of a project. Its objects are deleted after the response.

use access::teams::TeamRole;
use files::FileOwner;
use shared_utils::http::{Call, Error, Response};

use super::common::visible_with_file;
use crate::App;

pub(super) async fn handle(app: &App, call: Call) -> Result<Response, Error> {
    let (session, project, file) = visible_with_file(app, &call, TeamRole::Editor).await?;
    app.files.delete(&session, FileOwner::Project(project.project_id), file, |_| Ok(())).await?;
    app.files.process_removals_later(app.broadcaster.background_tasks());
    Ok(Response::empty(204))
}
