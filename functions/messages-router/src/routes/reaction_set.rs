//! `PUT · DELETE /messages/{id}/reactions/{emoji}`: adds or removes the caller's reaction. Both are idempotent.

use messaging::message::Reaction;
use shared_utils::http::{Call, Error, Response};

use super::common::{check_version, find_message, message_answer};
use crate::App;

pub(super) async fn add(app: &App, call: Call) -> Result<Response, Error> {
    set(app, call, true).await
}

pub(super) async fn remove(app: &App, call: Call) -> Result<Response, Error> {
    set(app, call, false).await
}

async fn set(app: &App, call: Call, on: bool) -> Result<Response, Error> {
    let (session, found) = find_message(app, &call).await?;
    let found = found.ok_or(Error::NotFound)?;
    found.require_participant(session.user)?;
    check_version(&call.request, found.message())?;
    let reaction = Reaction::new(call.params.text("emoji"), Some(on))?;
    let message = app.broadcaster.react(&session, Some(found), &reaction, |message| check_version(&call.request, message)).await?;
    message_answer(200, &message)
}
