//! Helpers that several routes share.

use access::session::Session;
use files::{FileOwner, StoredFile};
use futures_util::future::try_join;
use messaging::conversation::Conversation;
use messaging::edit::Found;
use messaging::frames;
use shared_utils::http::conditional::{check_if_match, etag};
use shared_utils::http::{Call, Error, Request, Response};
use shared_utils::ids::{ConversationId, MessageId, UserId};

use crate::App;

/// The message in the path, with the session check. Does not check whether the caller may see the message.
pub(super) async fn find_message(app: &App, call: &Call) -> Result<(Session, Option<Found>), Error> {
    let id: Option<MessageId> = call.params.id("id").ok();
    let found = async {
        match id {
            Some(id) => app.messaging.find_message(id).await,
            None => Ok(None),
        }
    };
    Ok(app.revocations.with_session_check(call.caller()?, found).await?)
}

/// The conversation in the path, with the session check. The caller must be a participant.
pub(super) async fn find_conversation(app: &App, call: &Call) -> Result<(Session, Conversation), Error> {
    let id: Option<ConversationId> = call.params.id("id").ok();
    let found = async {
        match id {
            Some(id) => app.messaging.find_conversation(id).await,
            None => Ok(None),
        }
    };
    let (session, found) = app.revocations.with_session_check(call.caller()?, found).await?;
    Ok((session, found.ok_or(Error::NotFound)?.for_participant(session.user)?))
}

/// As [`find_conversation`], with the file that the path names, completed or not.
pub(super) async fn find_with_file(app: &App, call: &Call) -> Result<(Session, Conversation, Option<StoredFile>), Error> {
    let (id, file) = (call.params.id("id")?, call.params.id("fileId")?);
    let found = async { Ok(app.files.find(FileOwner::Conversation(id), file).await?) };
    let ((session, conversation), file) = try_join(find_conversation(app, call), found).await?;
    Ok((session, conversation, file))
}

/// Sends `conversationUpdated` to every participant except `but`.
pub(super) fn broadcast_group(app: &App, conversation: &Conversation, but: Option<UserId>) {
    let people = conversation.participants().into_iter().filter(|person| Some(*person) != but);
    app.broadcaster.broadcast_each_later(people.map(|person| (person, frames::conversation_updated(conversation, person))).collect());
}

/// A response with one message and its entity tag.
pub(super) fn message_answer(status: u16, message: &messaging::message::Message) -> Result<Response, Error> {
    Ok(Response::json(status, message)?.with_header("etag", etag(message.version)))
}

/// Checks the `If-Match` precondition of a write to a message.
pub(super) fn check_version(request: &Request, message: &messaging::message::Message) -> Result<(), Error> {
    check_if_match(request, &etag(message.version))
}
