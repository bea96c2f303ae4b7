//! The routes of `/auth`: access, maximum body size and handler. One file per route. `shared_utils::http::serve` defines the order of the checks.

mod common;
mod contract;
mod contract_accounts;
mod email_change;
mod email_confirm;
mod invitation_send;
mod invitation_withdraw;
mod jwks;
mod login;
mod login_mfa;
mod login_mfa_enrol;
mod login_password;
mod logout;
mod me_get;
mod me_patch;
mod mfa_begin;
mod mfa_confirm;
mod mfa_disable;
mod mfa_get;
mod mfa_recovery_codes;
mod password;
mod password_forgot;
mod password_reset;
mod picture_complete;
mod picture_create;
mod picture_delete;
mod picture_get;
mod refresh;
mod session_delete;
mod sessions_list;
mod sign_up;
mod sign_up_confirm;
mod user_mfa_delete;
mod user_password_reset;
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
/// A file with all its variants.
const FILE_BODY: usize = 64 * 1024;
/// Every profile field in its longest JSON spelling. In bytes.
const PROFILE_BODY: usize = BESIDE_TEXTS + spelled(PROFILE_LENGTH);

/// Every route of this function.
pub static ROUTES: &[Route<App>] = &[
    Route::new(Method::POST, "/auth/login", Access::Public, Body::Json(CREDENTIALS_BODY), handler!(login::handle)),
    Route::new(Method::POST, "/auth/login/mfa", Access::Public, Body::Json(BODY), handler!(login_mfa::handle)),
    Route::new(Method::POST, "/auth/login/mfa/enrol", Access::Public, Body::Json(BODY), handler!(login_mfa_enrol::handle)),
    Route::new(Method::POST, "/auth/login/password", Access::Public, Body::Json(CREDENTIALS_BODY), handler!(login_password::handle)),
    Route::new(Method::POST, "/auth/refresh", Access::Public, Body::OptionalJson(BODY), handler!(refresh::handle)),
    Route::new(Method::POST, "/auth/logout", Access::Public, Body::OptionalJson(BODY), handler!(logout::handle)),
    Route::new(Method::GET, "/auth/me", Access::SignedIn, Body::None, handler!(me_get::handle)),
    Route::new(Method::PATCH, "/auth/me", Access::Approved, Body::Json(PROFILE_BODY), handler!(me_patch::handle)),
    Route::new(Method::POST, "/auth/me/thumbnail", Access::Approved, Body::Json(FILE_BODY), handler!(picture_create::handle)),
    Route::new(Method::DELETE, "/auth/me/thumbnail", Access::Approved, Body::None, handler!(picture_delete::handle)),
    Route::new(Method::POST, "/auth/me/thumbnail/{fileId}/complete", Access::Approved, Body::None, handler!(picture_complete::handle)),
    Route::new(Method::GET, "/auth/users/{id}/thumbnail", Access::Approved, Body::None, handler!(picture_get::handle)),
    Route::new(Method::POST, "/auth/password", Access::Approved, Body::Json(CREDENTIALS_BODY), handler!(password::handle)),
    Route::new(Method::POST, "/auth/password/forgot", Access::Public, Body::Json(CREDENTIALS_BODY), handler!(password_forgot::handle)),
    Route::new(Method::POST, "/auth/password/reset", Access::Public, Body::Json(CREDENTIALS_BODY), handler!(password_reset::handle)),
    Route::new(Method::POST, "/auth/me/email", Access::Approved, Body::Json(CREDENTIALS_BODY), handler!(email_change::handle)),
    Route::new(Method::POST, "/auth/email/confirm", Access::Public, Body::Json(BODY), handler!(email_confirm::handle)),
    Route::new(Method::POST, "/auth/sign-up", Access::Public, Body::Json(CREDENTIALS_BODY), handler!(sign_up::handle)),
    Route::new(Method::POST, "/auth/sign-up/confirm", Access::Public, Body::Json(CREDENTIALS_BODY), handler!(sign_up_confirm::handle)),
    Route::new(Method::GET, "/auth/mfa", Access::Approved, Body::None, handler!(mfa_get::handle)),
    Route::new(Method::POST, "/auth/mfa/totp", Access::Approved, Body::Json(CREDENTIALS_BODY), handler!(mfa_begin::handle)),
    Route::new(Method::POST, "/auth/mfa/totp/confirm", Access::Approved, Body::Json(BODY), handler!(mfa_confirm::handle)),
    Route::new(Method::POST, "/auth/mfa/recovery-codes", Access::Approved, Body::Json(BODY), handler!(mfa_recovery_codes::handle)),
    Route::new(Method::POST, "/auth/mfa/disable", Access::Approved, Body::Json(CREDENTIALS_BODY), handler!(mfa_disable::handle)),
    Route::new(Method::GET, "/auth/sessions", Access::Approved, Body::None, handler!(sessions_list::handle)),
    Route::new(Method::DELETE, "/auth/sessions/{id}", Access::Approved, Body::None, handler!(session_delete::handle)),
    Route::new(Method::GET, "/auth/users", Access::Approved, Body::None, handler!(users_list::handle)),
    Route::new(Method::POST, "/auth/users", Access::Approved, Body::Json(CREDENTIALS_BODY), handler!(users_create::handle)),
    Route::new(Method::PATCH, "/auth/users/{id}", Access::Approved, Body::Json(BODY), handler!(users_patch::handle)),
    Route::new(Method::POST, "/auth/users/{id}/invitation", Access::Approved, Body::None, handler!(invitation_send::handle)),
    Route::new(Method::DELETE, "/auth/users/{id}/invitation", Access::Approved, Body::None, handler!(invitation_withdraw::handle)),
    Route::new(Method::POST, "/auth/users/{id}/password-reset", Access::Approved, Body::None, handler!(user_password_reset::handle)),
    Route::new(Method::DELETE, "/auth/users/{id}/mfa", Access::Approved, Body::None, handler!(user_mfa_delete::handle)),
    Route::new(Method::POST, "/auth/ws-ticket", Access::Approved, Body::OptionalJson(BODY), handler!(ws_ticket::handle)),
    Route::new(Method::GET, "/auth/.well-known/jwks.json", Access::Public, Body::None, handler!(jwks::handle)),
];
