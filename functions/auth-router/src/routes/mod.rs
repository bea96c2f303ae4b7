//! The routes of `/auth`.

mod jwks;
mod login;
mod logout;
mod me;
mod refresh;

use http::Method;
use shared_utils::auth::Caller;
use shared_utils::http::routing::{Access, Body, Route};
use shared_utils::http::{Api, Call, Edge, Error, Response};

use crate::App;

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
    Me,
    /// `GET /auth/.well-known/jwks.json`
    Jwks,
}

const BODY: usize = 4 * 1024;

/// Every route of this function.
pub static ROUTES: &[Route<Action>] = &[
    Route::new(Method::POST, "/auth/login", Access::Public, Body::Json(BODY), Action::Login),
    Route::new(Method::POST, "/auth/refresh", Access::Public, Body::Json(BODY), Action::Refresh),
    Route::new(Method::POST, "/auth/logout", Access::Public, Body::OptionalJson(BODY), Action::Logout),
    Route::new(Method::GET, "/auth/me", Access::SignedIn, Body::None, Action::Me),
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
            Action::Me => me::handle(self, call).await,
            Action::Jwks => jwks::handle(self),
        }
    }
}
