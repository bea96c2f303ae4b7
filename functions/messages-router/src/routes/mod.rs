//! The routes of `/messages`.

mod conversation_get;
mod conversation_read;
mod conversation_rename;
mod conversations_list;
mod conversations_open;
mod message_delete;
mod message_edit;
mod message_get;
mod messages_list;
mod messages_send;
mod participant_add;
mod participant_remove;
mod reaction_set;
mod sync;

use http::Method;
use messaging::change::Found;
use messaging::conversation::Conversation;
use messaging::frames;
use messaging::message::MAX_BODY;
use shared_utils::auth::Caller;
use shared_utils::http::conditional::{check_if_match, etag};
use shared_utils::http::routing::{Access, Body, Route};
use shared_utils::http::{Api, Call, Edge, Error, Request, Response};
use shared_utils::ids::{ConversationId, MessageId, UserId};

use crate::App;

/// One value per route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// `GET /messages/conversations`
    ListConversations,
    /// `POST /messages/conversations`
    OpenConversation,
    /// `GET /messages/conversations/{id}`
    GetConversation,
    /// `PATCH /messages/conversations/{id}`
    RenameConversation,
    /// `PUT /messages/conversations/{id}/read`
    ReadConversation,
    /// `PUT /messages/conversations/{id}/participants/{userId}`
    AddParticipant,
    /// `DELETE /messages/conversations/{id}/participants/{userId}`
    RemoveParticipant,
    /// `GET /messages/conversations/{id}/messages`
    ListMessages,
    /// `POST /messages/conversations/{id}/messages`
    SendMessage,
    /// `GET /messages/sync`
    Sync,
    /// `GET /messages/{id}`
    GetMessage,
    /// `PATCH /messages/{id}`
    EditMessage,
    /// `DELETE /messages/{id}`
    DeleteMessage,
    /// `PUT /messages/{id}/reactions/{emoji}`
    React,
    /// `DELETE /messages/{id}/reactions/{emoji}`
    Unreact,
}

const BODY: usize = 64 * 1024;
const PARTICIPANT: &str = "/messages/conversations/{id}/participants/{userId}";

/// Every route of this function.
pub static ROUTES: &[Route<Action>] = &[
    Route::new(Method::GET, "/messages/conversations", Access::Approved, Body::None, Action::ListConversations),
    Route::new(Method::POST, "/messages/conversations", Access::Approved, Body::Json(BODY), Action::OpenConversation).admitting(),
    Route::new(Method::GET, "/messages/conversations/{id}", Access::Approved, Body::None, Action::GetConversation),
    Route::new(Method::PATCH, "/messages/conversations/{id}", Access::Approved, Body::Json(BODY), Action::RenameConversation).admitting(),
    Route::new(Method::PUT, "/messages/conversations/{id}/read", Access::Approved, Body::Json(BODY), Action::ReadConversation).admitting(),
    Route::new(Method::PUT, PARTICIPANT, Access::Approved, Body::None, Action::AddParticipant).admitting(),
    Route::new(Method::DELETE, PARTICIPANT, Access::Approved, Body::None, Action::RemoveParticipant).admitting(),
    Route::new(Method::GET, "/messages/conversations/{id}/messages", Access::Approved, Body::None, Action::ListMessages),
    Route::new(Method::POST, "/messages/conversations/{id}/messages", Access::Approved, Body::Json(MAX_BODY), Action::SendMessage).admitting(),
    Route::new(Method::GET, "/messages/sync", Access::Approved, Body::None, Action::Sync),
    Route::new(Method::GET, "/messages/{id}", Access::Approved, Body::None, Action::GetMessage),
    Route::new(Method::PATCH, "/messages/{id}", Access::Approved, Body::Json(MAX_BODY), Action::EditMessage).admitting(),
    Route::new(Method::DELETE, "/messages/{id}", Access::Approved, Body::None, Action::DeleteMessage).admitting(),
    Route::new(Method::PUT, "/messages/{id}/reactions/{emoji}", Access::Approved, Body::None, Action::React).admitting(),
    Route::new(Method::DELETE, "/messages/{id}/reactions/{emoji}", Access::Approved, Body::None, Action::Unreact).admitting(),
];

impl Api for App {
    type Action = Action;
    const DOMAIN: &'static str = "messages";

    fn routes() -> &'static [Route<Action>] {
        ROUTES
    }

    fn edge(&self) -> &Edge {
        &self.edge
    }

    async fn admit(&self, caller: &Caller) -> Result<(), Error> {
        self.revocations.admit(caller).await
    }

    fn answered(&self) {
        for conversation in self.messaging.take_abandoned() {
            let messaging = self.messaging.clone();
            self.broadcaster.after_answer().push(async move { messaging.purge(conversation).await });
        }
    }

    async fn act(&self, action: Action, call: Call) -> Result<Response, Error> {
        match action {
            Action::ListConversations => conversations_list::handle(self, call).await,
            Action::OpenConversation => conversations_open::handle(self, call).await,
            Action::GetConversation => conversation_get::handle(self, call).await,
            Action::ListMessages => messages_list::handle(self, call).await,
            Action::SendMessage => messages_send::handle(self, call).await,
            Action::RenameConversation => conversation_rename::handle(self, call).await,
            Action::ReadConversation => conversation_read::handle(self, call).await,
            Action::AddParticipant => participant_add::handle(self, call).await,
            Action::RemoveParticipant => participant_remove::handle(self, call).await,
            Action::Sync => sync::handle(self, call).await,
            Action::React => reaction_set::handle(self, call, true).await,
            Action::Unreact => reaction_set::handle(self, call, false).await,
            Action::GetMessage => message_get::handle(self, call).await,
            Action::EditMessage => message_edit::handle(self, call).await,
            Action::DeleteMessage => message_delete::handle(self, call).await,
        }
    }
}

/// The message that a path names, whoever may see it, with the check of the caller's login beside the read.
async fn find_message(app: &App, caller: &Caller, call: &Call) -> Result<Option<Found>, Error> {
    let id: Option<MessageId> = call.params.id(0).ok();
    let found = async {
        match id {
            Some(id) => app.messaging.find_message(id).await,
            None => Ok(None),
        }
    };
    let ((), found) = futures_util::future::try_join(app.revocations.admit(caller), found).await?;
    Ok(found)
}

/// The conversation that a path names, for someone who takes part, with the check of the caller's login beside the read.
async fn find_conversation(app: &App, caller: &Caller, call: &Call) -> Result<Conversation, Error> {
    let id: Result<ConversationId, Error> = call.params.id(0);
    let found = async {
        match id {
            Ok(id) => app.messaging.find_conversation(id).await,
            Err(_) => Ok(None),
        }
    };
    let ((), found) = futures_util::future::try_join(app.revocations.admit(caller), found).await?;
    found.ok_or(Error::NotFound)?.for_participant(caller.user)
}

/// Tells everyone in a group but `but` what it is now.
fn announce_group(app: &App, conversation: &Conversation, but: Option<UserId>) {
    let people = conversation.participants().into_iter().filter(|person| Some(*person) != but);
    app.broadcaster.announce_each_later(people.map(|person| (person, frames::conversation_updated(conversation, person))).collect());
}

/// An answer with one message and its entity tag.
fn message_answer(status: u16, message: &messaging::message::Message) -> Result<Response, Error> {
    Ok(Response::json(status, message)?.with_header("etag", etag(message.version)))
}

/// The precondition of a write on a message.
fn check_version(request: &Request, message: &messaging::message::Message) -> Result<(), Error> {
    check_if_match(request, &etag(message.version))
}
