//! `PUT /messages/conversations/{id}/read`: the caller has read up to `seq`. A marker never moves back.

use messaging::frames;
use shared_utils::http::fields::Fields;
use shared_utils::http::{Call, Error, Response};

use super::find_conversation;
use crate::App;

pub(super) async fn handle(app: &App, call: Call) -> Result<Response, Error> {
    let caller = call.caller()?;
    let mut conversation = find_conversation(app, &caller, &call).await?;
    let mut fields = Fields::new(call.body);
    let seq = fields.integer("seq", 0..=u64::MAX);
    let seq = fields.require("seq", seq).unwrap_or_default();
    fields.finish()?;
    if app.messaging.mark_read(caller.user, &mut conversation, seq).await? {
        app.broadcaster.announce_later(conversation.participants(), frames::mark_read(conversation.head.conversation_id, caller.user, seq));
    }
    Ok(Response::empty(204))
}
