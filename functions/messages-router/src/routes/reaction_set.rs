//! `PUT · DELETE /messages/{id}/reactions/{emoji}`: the caller reacts, or takes it back. What is so already stays so.

use messaging::frames;
use messaging::message::Reaction;
use shared_utils::http::{Call, Error, Response};

use super::{check_version, find_message, message_answer};
use crate::App;

pub(super) async fn handle(app: &App, call: Call, on: bool) -> Result<Response, Error> {
    let caller = call.caller()?;
    let found = find_message(app, &caller, &call).await?.ok_or(Error::NotFound)?;
    found.require_participant(caller.user)?;
    check_version(&call.request, found.message())?;
    let reaction = Reaction::new(call.params.text(1), Some(on))?;
    let changed = app.messaging.react(caller.user, Some(found), &reaction, |message| check_version(&call.request, message)).await?;
    if changed.written {
        app.broadcaster.announce_later(changed.conversation.participants(), frames::toggle_reaction(&changed.conversation, &changed.message));
    }
    message_answer(200, &changed.message)
}
