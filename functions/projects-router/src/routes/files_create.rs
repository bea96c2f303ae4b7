//! `POST /projects/{id}/files`: declares a file of a project, and gives the forms that upload it.

use access::teams::{TeamRole, header_key, is_unchanged};
use files::{FileForm, FileOwner};
use shared_utils::dynamo::check;
use shared_utils::http::{Call, Error, Response};

use super::common::visible;
use crate::App;

pub(super) async fn handle(app: &App, mut call: Call) -> Result<Response, Error> {
    let (session, project) = visible(app, call.caller()?, call.params.id("id")?, TeamRole::Editor).await?;
    let form = call.read_body(|fields| FileForm::read(fields, app.files.limits().file))?;
    let id = project.project_id;
    let guard = check(&app.broadcaster.tables().projects, header_key(id), is_unchanged(project.team_version));
    let new = app.files.declare(&session, FileOwner::Project(id), form, Some(guard)).await?;
    app.files.process_removals_later(app.broadcaster.background_tasks());
    Response::json(201, &new)
}
