//! The routes of `/messages`.

mod conversation_get;
mod conversations_list;
mod conversations_open;
mod message_delete;
mod message_edit;
mod message_get;
mod messages_list;
mod messages_send;

use http::Method;
use shared_utils::auth::Caller;
use shared_utils::http::conditional::{check_if_match, etag};
use shared_utils::http::routing::{Access, Body, Route};
use shared_utils::http::{Api, Call, Edge, Error, Request, Response};

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
    /// `GET /messages/conversations/{id}/messages`
    ListMessages,
    /// `POST /messages/conversations/{id}/messages`
    SendMessage,
    /// `GET /messages/{id}`
    GetMessage,
    /// `PATCH /messages/{id}`
    EditMessage,
    /// `DELETE /messages/{id}`
    DeleteMessage,
}

const BODY: usize = 64 * 1024;

/// Every route of this function.
pub static ROUTES: &[Route<Action>] = &[
    Route::new(Method::GET, "/messages/conversations", Access::Approved, Body::None, Action::ListConversations),
    Route::new(Method::POST, "/messages/conversations", Access::Approved, Body::Json(BODY), Action::OpenConversation).admitting(),
    Route::new(Method::GET, "/messages/conversations/{id}", Access::Approved, Body::None, Action::GetConversation),
    Route::new(Method::GET, "/messages/conversations/{id}/messages", Access::Approved, Body::None, Action::ListMessages),
    Route::new(Method::POST, "/messages/conversations/{id}/messages", Access::Approved, Body::Json(BODY), Action::SendMessage).admitting(),
    Route::new(Method::GET, "/messages/{id}", Access::Approved, Body::None, Action::GetMessage),
    Route::new(Method::PATCH, "/messages/{id}", Access::Approved, Body::Json(BODY), Action::EditMessage),
    Route::new(Method::DELETE, "/messages/{id}", Access::Approved, Body::None, Action::DeleteMessage),
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

    async fn act(&self, action: Action, call: Call) -> Result<Response, Error> {
        match action {
            Action::ListConversations => conversations_list::handle(self, call).await,
            Action::OpenConversation => conversations_open::handle(self, call).await,
            Action::GetConversation => conversation_get::handle(self, call).await,
            Action::ListMessages => messages_list::handle(self, call).await,
            Action::SendMessage => messages_send::handle(self, call).await,
            Action::GetMessage => message_get::handle(self, call).await,
            Action::EditMessage => message_edit::handle(self, call).await,
            Action::DeleteMessage => message_delete::handle(self, call).await,
        }
    }
}

/// An answer with one message and its entity tag.
fn message_answer(status: u16, message: &messaging::message::Message) -> Result<Response, Error> {
    Ok(Response::json(status, message)?.with_header("etag", etag(message.version)))
}

/// The precondition of a write on a message.
fn check_version(request: &Request, message: &messaging::message::Message) -> Result<(), Error> {
    check_if_match(request, &etag(message.version))
}
