//! `POST /projects/{id}/files/{fileId}/complete`: the upload has ended. The file counts if S3 has it as it was declared.

use access::teams::TeamRole;
use files::{CompletedFile, FileOwner};
use messaging::notification::Notification;
use shared_utils::http::{Call, Error, Response};

use super::common::visible_with_file;
use crate::App;

pub(super) async fn handle(app: &App, call: Call) -> Result<Response, Error> {
    let (session, project, found) = visible_with_file(app, &call, TeamRole::Editor).await?;
    let CompletedFile { file, is_new } = app.files.complete(&session, FileOwner::Project(project.project_id), found).await?;
    if is_new {
        let added = Notification::file_added(&session, (Some(project.project_id), None), file.file_id, app.context.clock.now());
        app.broadcaster.notify_later(project.team.keys().copied().collect(), added);
    }
    Response::json(200, &file.file())
}
