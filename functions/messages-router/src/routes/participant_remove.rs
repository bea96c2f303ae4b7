//! `DELETE /messages/conversations/{id}/participants/{userId}`: removes a participant from a group. Anyone may leave.

use messaging::frames;
use messaging::group::GroupChange;
use shared_utils::http::{Call, Error, Response};
use shared_utils::ids::UserId;

use super::common::{broadcast_group, find_conversation};
use crate::App;

pub(super) async fn handle(app: &App, call: Call) -> Result<Response, Error> {
    let (session, mut conversation) = find_conversation(app, &call).await?;
    let user: Option<UserId> = call.params.id("userId").ok();
    if user != Some(session.user) {
        conversation.require_can_manage(session.user)?;
    }
    // Removing an unknown person or a non-participant succeeds.
    let Some(user) = user else { return Ok(Response::empty(204)) };
    if app.messaging.change_group(&session, &mut conversation, &GroupChange::Remove(user)).await? {
        app.broadcaster.broadcast_later(vec![user], frames::conversation_removed(&conversation));
        broadcast_group(app, &conversation, None);
    }
    Ok(Response::empty(204))
}
