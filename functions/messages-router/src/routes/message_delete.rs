//! `DELETE /messages/{id}`: its author, or an owner of the project, leaves a tombstone.

use messaging::frames;
use shared_utils::http::{Call, Error, Response};

use super::{check_version, find_message};
use crate::App;

pub(super) async fn handle(app: &App, call: Call) -> Result<Response, Error> {
    let caller = call.caller()?;
    let found = find_message(app, &caller, &call).await?;
    let changed = app.messaging.delete(&caller, found, |message| check_version(&call.request, message)).await?;
    if changed.written {
        app.broadcaster.announce_later(changed.conversation.participants(), frames::delete_message(&changed.conversation, &changed.message));
    }
    Ok(Response::empty(204))
}
