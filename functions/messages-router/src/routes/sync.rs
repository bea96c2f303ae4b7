//! `GET /messages/sync`: what has changed in the caller's conversations since a cursor; without one, the cursor of this moment.

use messaging::sync::{Change, Page, Place};
use serde::Serialize;
use shared_utils::http::{Call, Error, Response};

use crate::App;

#[derive(Serialize)]
struct Answer {
    changes: Vec<Change>,
    cursor: String,
    more: bool,
}

pub(super) async fn handle(app: &App, call: Call) -> Result<Response, Error> {
    let caller = call.caller()?;
    let query = call.query(&["since", "limit"])?;
    let limit = query.limit()?;
    let user = caller.user.to_string();
    let scope = [user.as_str(), "sync"];
    let page = match query.get("since") {
        Some(cursor) => {
            let bytes = app.cursors.open_bytes(&scope, cursor).await?;
            if Place::is_outdated(&bytes) {
                return Err(Error::CursorExpired);
            }
            let since = Place::from_bytes(&bytes).ok_or(Error::InvalidCursor)?;
            app.messaging.sync(caller.user, since, limit).await?
        }
        None => Page { changes: Vec::new(), place: app.messaging.sync_from_now(caller.user).await?, more: false },
    };
    let cursor = app.cursors.seal(&scope, page.place.to_bytes()).await?;
    Response::json(200, &Answer { changes: page.changes, cursor, more: page.more })
}
