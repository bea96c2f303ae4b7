//! `PUT /messages/conversations/{id}/participants/{userId}`: adds a participant to a group.

use messaging::frames;
use messaging::group::{Candidate, GroupChange};
use messaging::notification::Notification;
use shared_utils::http::{Call, Error, Response};
use shared_utils::ids::UserId;

use super::common::{broadcast_group, find_conversation};
use crate::App;

pub(super) async fn handle(app: &App, call: Call) -> Result<Response, Error> {
    let user: Option<UserId> = call.params.id("userId").ok();
    let candidate = async {
        match user {
            Some(user) => Ok(app.messaging.candidate(user).await?),
            None => Ok(Candidate::Unknown),
        }
    };
    let ((session, mut conversation), candidate) = futures_util::future::try_join(find_conversation(app, &call), candidate).await?;
    conversation.require_can_manage(session.user)?;
    let user = user.filter(|_| candidate != Candidate::Unknown).ok_or(Error::NotFound)?;
    if candidate == Candidate::Full && !conversation.includes(user) {
        return Err(Error::Conflict("This person takes part in too many conversations.".into()));
    }
    if app.messaging.change_group(&session, &mut conversation, &GroupChange::Add(user)).await? {
        app.broadcaster.broadcast_later(vec![user], frames::conversation_added(&conversation, user));
        broadcast_group(app, &conversation, Some(user));
        app.broadcaster.introduce_later(vec![user], conversation.participants());
        let added = Notification::conversation_added(&session, conversation.head.conversation_id, app.context.clock.now());
        app.broadcaster.notify_later(vec![user], added);
    }
    Ok(Response::empty(204))
}
