//! `GET /projects/{id}/files`: the files of a project, the newest first.

use access::teams::TeamRole;
use files::{FileOwner, FilePage};
use shared_utils::http::{Call, Error, Response};

use super::common::visible;
use crate::App;

pub(super) async fn handle(app: &App, call: Call) -> Result<Response, Error> {
    let caller = call.caller()?;
    let query = call.query(&["limit", "cursor"])?;
    let limit = query.limit()?;
    let (_, project) = visible(app, caller, call.params.id("id")?, TeamRole::Viewer).await?;
    let (user, id) = (caller.user.to_string(), project.project_id.to_string());
    let scope = [user.as_str(), "files", id.as_str()];
    let start = app.cursors.page_start(&scope, query.get("cursor")).await?;
    let start = start.map(|start| start.parse().map_err(|_| Error::InvalidCursor)).transpose()?;
    let (items, next) = app.files.list(FileOwner::Project(project.project_id), limit, start).await?;
    let next_cursor = app.cursors.next_page(&scope, next.map(|next| next.to_string())).await?;
    Response::json(200, &FilePage { items, next_cursor })
}
