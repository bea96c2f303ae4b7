//! `DELETE /messages/{id}`: the author, or an owner of the project, replaces the message by a tombstone.

use shared_utils::http::{Call, Error, Response};

use super::common::{check_version, find_message};
use crate::App;

pub(super) async fn handle(app: &App, call: Call) -> Result<Response, Error> {
    let (session, found) = find_message(app, &call).await?;
    app.broadcaster.delete(&session, found, |message| check_version(&call.request, message)).await?;
    Ok(Response::empty(204))
}
