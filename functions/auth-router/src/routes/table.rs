//! The routes of `/auth`: access, maximum body size and handler. One file per route. `shared_utils::http::serve` defines the order of the checks.

mod contract;
mod jwks;
mod login;
mod logout;
mod me_get;
mod me_patch;
mod password;
mod refresh;
mod session_delete;
mod sessions_list;
mod users_create;
mod users_list;
mod users_patch;
mod ws_ticket;

use http::Method;
use shared_utils::fields::spelled;
use shared_utils::handler;
use shared_utils::http::routing::{Access, Body, Route};

use crate::App;

use crate::store::PROFILE_LENGTH;
pub use contract::operations;

/// Space for member names, ids, roles and white space, in bytes.
const BESIDE_TEXTS: usize = 4 * 1024;
/// Body limit of routes without long texts, in bytes.
const BODY: usize = BESIDE_TEXTS + spelled(600);
/// An address, two names and two passwords of 512 characters, in their longest JSON spelling. In bytes.
const CREDENTIALS_BODY: usize = BESIDE_TEXTS + spelled(254) + spelled(200) + 2 * spelled(512);
/// Every profile field in its longest JSON spelling. In bytes.
const PROFILE_BODY: usize = BESIDE_TEXTS + spelled(PROFILE_LENGTH);

/// Every route of this function.
pub static ROUTES: &[Route<App>] = &[
    Route::new(Method::POST, "/auth/login", Access::Public, Body::Json(CREDENTIALS_BODY), handler!(login::handle)),
    Route::new(Method::POST, "/auth/refresh", Access::Public, Body::OptionalJson(BODY), handler!(refresh::handle)),
    Route::new(Method::POST, "/auth/logout", Access::Public, Body::OptionalJson(BODY), handler!(logout::handle)),
    Route::new(Method::GET, "/auth/me", Access::SignedIn, Body::None, handler!(me_get::handle)),
    Route::new(Method::PATCH, "/auth/me", Access::Approved, Body::Json(PROFILE_BODY), handler!(me_patch::handle)),
    Route::new(Method::POST, "/auth/password", Access::Approved, Body::Json(CREDENTIALS_BODY), handler!(password::handle)),
    Route::new(Method::GET, "/auth/sessions", Access::Approved, Body::None, handler!(sessions_list::handle)),
    Route::new(Method::DELETE, "/auth/sessions/{id}", Access::Approved, Body::None, handler!(session_delete::handle)),
    Route::new(Method::GET, "/auth/users", Access::Approved, Body::None, handler!(users_list::handle)),
    Route::new(Method::POST, "/auth/users", Access::Approved, Body::Json(CREDENTIALS_BODY), handler!(users_create::handle)),
    Route::new(Method::PATCH, "/auth/users/{id}", Access::Approved, Body::Json(BODY), handler!(users_patch::handle)),
    Route::new(Method::POST, "/auth/ws-ticket", Access::Approved, Body::OptionalJson(BODY), handler!(ws_ticket::handle)),
    Route::new(Method::GET, "/auth/.well-known/jwks.json", Access::Public, Body::None, handler!(jwks::handle)),
];
