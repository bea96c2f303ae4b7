//! `GET /projects/{id}`

use access::teams::TeamRole;
use shared_utils::http::conditional::is_not_modified;
use shared_utils::http::{Call, Error, Response};

use super::common::{project_etag, visible};
use crate::App;

pub(super) async fn handle(app: &App, call: Call) -> Result<Response, Error> {
    let (_, project) = visible(app, call.caller()?, call.params.id("id")?, TeamRole::Viewer).await?;
    let etag = project_etag(&project);
    if is_not_modified(&call.request, &etag) {
        return Ok(Response::empty(304).with_header("etag", etag));
    }
    Ok(Response::json(200, &project.whole())?.with_header("etag", etag))
}
