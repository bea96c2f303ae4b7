//! The routes of `/auth`.

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
use shared_utils::auth::Caller;
use shared_utils::http::routing::{Access, Body, Route, spelled};
use shared_utils::http::{Api, Call, Edge, Error, Response};

use crate::App;
use crate::store::PROFILE_LENGTH;

/// One value per route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// `POST /auth/login`
    Login,
    /// `POST /auth/refresh`
    Refresh,
    /// `POST /auth/logout`
    Logout,
    /// `GET /auth/me`
    GetMe,
    /// `PATCH /auth/me`
    PatchMe,
    /// `POST /auth/password`
    Password,
    /// `GET /auth/sessions`
    ListSessions,
    /// `DELETE /auth/sessions/{id}`
    DeleteSession,
    /// `GET /auth/users`
    ListUsers,
    /// `POST /auth/users`
    CreateUser,
    /// `PATCH /auth/users/{id}`
    PatchUser,
    /// `POST /auth/ws-ticket`
    WsTicket,
    /// `GET /auth/.well-known/jwks.json`
    Jwks,
}

/// Names of members, ids, roles and white space.
const BESIDE_TEXTS: usize = 4 * 1024;
/// Bodies without long texts.
const BODY: usize = BESIDE_TEXTS + spelled(600);
/// An address, two names and passwords of 512 characters, in their longest spelling.
const CREDENTIALS_BODY: usize = BESIDE_TEXTS + spelled(254) + spelled(200) + 2 * spelled(512);
/// Every field of a profile, in its longest spelling.
const PROFILE_BODY: usize = BESIDE_TEXTS + spelled(PROFILE_LENGTH);

/// Every route of this function.
pub static ROUTES: &[Route<Action>] = &[
    Route::new(Method::POST, "/auth/login", Access::Public, Body::Json(CREDENTIALS_BODY), Action::Login),
    Route::new(Method::POST, "/auth/refresh", Access::Public, Body::OptionalJson(BODY), Action::Refresh),
    Route::new(Method::POST, "/auth/logout", Access::Public, Body::OptionalJson(BODY), Action::Logout),
    Route::new(Method::GET, "/auth/me", Access::SignedIn, Body::None, Action::GetMe),
    Route::new(Method::PATCH, "/auth/me", Access::Approved, Body::Json(PROFILE_BODY), Action::PatchMe).admitting(),
    Route::new(Method::POST, "/auth/password", Access::Approved, Body::Json(CREDENTIALS_BODY), Action::Password).admitting(),
    Route::new(Method::GET, "/auth/sessions", Access::Approved, Body::None, Action::ListSessions),
    Route::new(Method::DELETE, "/auth/sessions/{id}", Access::Approved, Body::None, Action::DeleteSession).admitting(),
    Route::new(Method::GET, "/auth/users", Access::Approved, Body::None, Action::ListUsers),
    Route::new(Method::POST, "/auth/users", Access::Approved, Body::Json(CREDENTIALS_BODY), Action::CreateUser),
    Route::new(Method::PATCH, "/auth/users/{id}", Access::Approved, Body::Json(BODY), Action::PatchUser).admitting(),
    Route::new(Method::POST, "/auth/ws-ticket", Access::Approved, Body::OptionalJson(BODY), Action::WsTicket),
    Route::new(Method::GET, "/auth/.well-known/jwks.json", Access::Public, Body::None, Action::Jwks),
];

impl Api for App {
    type Action = Action;
    const DOMAIN: &'static str = "auth";

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
            Action::Login => login::handle(self, call).await,
            Action::Refresh => refresh::handle(self, call).await,
            Action::Logout => logout::handle(self, call).await,
            Action::GetMe => me_get::handle(self, call).await,
            Action::PatchMe => me_patch::handle(self, call).await,
            Action::Password => password::handle(self, call).await,
            Action::ListSessions => sessions_list::handle(self, call).await,
            Action::DeleteSession => session_delete::handle(self, call).await,
            Action::ListUsers => users_list::handle(self, call).await,
            Action::CreateUser => users_create::handle(self, call).await,
            Action::PatchUser => users_patch::handle(self, call).await,
            Action::WsTicket => ws_ticket::handle(self, call).await,
            Action::Jwks => jwks::handle(self),
        }
    }
}
