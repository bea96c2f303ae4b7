//! The routes of `/messages`: access, maximum body size and handler. One file per route. `shared_utils::http::serve` defines the order of the checks.

mod common;
mod contract;
mod conversation_get;
mod conversation_read;
mod conversation_rename;
mod conversations_list;
mod conversations_open;
mod file_delete;
mod file_get;
mod files_complete;
mod files_create;
mod files_list;
mod message_delete;
mod message_edit;
mod message_get;
mod messages_list;
mod messages_send;
mod notifications_list;
mod notifications_read;
mod participant_add;
mod participant_remove;
mod reaction_set;
mod sync;

use http::Method;
use messaging::message::MAX_BODY;
use shared_utils::handler;
use shared_utils::http::routing::{Access, Body, Route};

use crate::App;

pub use contract::operations;

const BODY: usize = 64 * 1024;
const FILES: &str = "/messages/conversations/{id}/files";
const FILE: &str = "/messages/conversations/{id}/files/{fileId}";
const PARTICIPANT: &str = "/messages/conversations/{id}/participants/{userId}";

/// Every route of this function.
pub static ROUTES: &[Route<App>] = &[
    Route::new(Method::GET, "/messages/conversations", Access::Approved, Body::None, handler!(conversations_list::handle)),
    Route::new(Method::POST, "/messages/conversations", Access::Approved, Body::Json(BODY), handler!(conversations_open::handle)),
    Route::new(Method::GET, "/messages/conversations/{id}", Access::Approved, Body::None, handler!(conversation_get::handle)),
    Route::new(Method::PATCH, "/messages/conversations/{id}", Access::Approved, Body::Json(BODY), handler!(conversation_rename::handle)),
    Route::new(Method::PUT, "/messages/conversations/{id}/read", Access::Approved, Body::Json(BODY), handler!(conversation_read::handle)),
    Route::new(Method::PUT, PARTICIPANT, Access::Approved, Body::None, handler!(participant_add::handle)),
    Route::new(Method::DELETE, PARTICIPANT, Access::Approved, Body::None, handler!(participant_remove::handle)),
    Route::new(Method::GET, "/messages/conversations/{id}/messages", Access::Approved, Body::None, handler!(messages_list::handle)),
    Route::new(Method::POST, "/messages/conversations/{id}/messages", Access::Approved, Body::Json(MAX_BODY), handler!(messages_send::handle)),
    Route::new(Method::GET, FILES, Access::Approved, Body::None, handler!(files_list::handle)),
    Route::new(Method::POST, FILES, Access::Approved, Body::Json(BODY), handler!(files_create::handle)),
    Route::new(Method::POST, "/messages/conversations/{id}/files/{fileId}/complete", Access::Approved, Body::None, handler!(files_complete::handle)),
    Route::new(Method::GET, FILE, Access::Approved, Body::None, handler!(file_get::handle)),
    Route::new(Method::DELETE, FILE, Access::Approved, Body::None, handler!(file_delete::handle)),
    Route::new(Method::GET, "/messages/sync", Access::Approved, Body::None, handler!(sync::handle)),
    Route::new(Method::GET, "/messages/notifications", Access::Approved, Body::None, handler!(notifications_list::handle)),
    Route::new(Method::PUT, "/messages/notifications/read", Access::Approved, Body::Json(BODY), handler!(notifications_read::handle)),
    Route::new(Method::GET, "/messages/{id}", Access::Approved, Body::None, handler!(message_get::handle)),
    Route::new(Method::PATCH, "/messages/{id}", Access::Approved, Body::Json(MAX_BODY), handler!(message_edit::handle)),
    Route::new(Method::DELETE, "/messages/{id}", Access::Approved, Body::None, handler!(message_delete::handle)),
    Route::new(Method::PUT, "/messages/{id}/reactions/{emoji}", Access::Approved, Body::None, handler!(reaction_set::add)),
    Route::new(Method::DELETE, "/messages/{id}/reactions/{emoji}", Access::Approved, Body::None, handler!(reaction_set::remove)),
];
