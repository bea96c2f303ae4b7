//! The routes of `/projects`: access, maximum body size and handler. One file per route. `shared_utils::http::serve` defines the order of the checks.

mod budget_get;
mod budget_patch;
mod common;
mod contract;
mod create;
mod delete;
mod file_delete;
mod file_get;
mod files_complete;
mod files_create;
mod files_list;
mod get;
mod list;
mod patch;
mod team_put;
mod team_remove;

use http::Method;
use shared_utils::handler;
use shared_utils::http::routing::{Access, Body, Route};

use crate::App;

use crate::store::MAX_BYTES;
pub use contract::operations;

/// The largest project in the longest JSON spelling: `\u0041` is 6 bytes for one stored byte. In bytes.
const BODY: usize = 6 * MAX_BYTES + 64 * 1024;
/// Limited by the size of a Lambda event, which contains the body as a JSON string. In bytes.
const BUDGET_BODY: usize = 4 * 1024 * 1024;
const TEAM_BODY: usize = 64 * 1024;
const FILE_BODY: usize = 64 * 1024;

/// Every route of this function.
pub static ROUTES: &[Route<App>] = &[
    Route::new(Method::GET, "/projects/list", Access::Approved, Body::None, handler!(list::handle)),
    Route::new(Method::POST, "/projects", Access::Approved, Body::Json(BODY), handler!(create::handle)),
    Route::new(Method::GET, "/projects/{id}", Access::Approved, Body::None, handler!(get::handle)),
    Route::new(Method::PATCH, "/projects/{id}", Access::Approved, Body::Json(BODY), handler!(patch::handle)),
    Route::new(Method::DELETE, "/projects/{id}", Access::Approved, Body::None, handler!(delete::handle)),
    Route::new(Method::PUT, "/projects/{id}/team/{userId}", Access::Approved, Body::Json(TEAM_BODY), handler!(team_put::handle)),
    Route::new(Method::DELETE, "/projects/{id}/team/{userId}", Access::Approved, Body::None, handler!(team_remove::handle)),
    Route::new(Method::GET, "/projects/{id}/budget", Access::Approved, Body::None, handler!(budget_get::handle)),
    Route::new(Method::PATCH, "/projects/{id}/budget", Access::Approved, Body::Json(BUDGET_BODY), handler!(budget_patch::handle)),
    Route::new(Method::GET, "/projects/{id}/files", Access::Approved, Body::None, handler!(files_list::handle)),
    Route::new(Method::POST, "/projects/{id}/files", Access::Approved, Body::Json(FILE_BODY), handler!(files_create::handle)),
    Route::new(Method::POST, "/projects/{id}/files/{fileId}/complete", Access::Approved, Body::None, handler!(files_complete::handle)),
    Route::new(Method::GET, "/projects/{id}/files/{fileId}", Access::Approved, Body::None, handler!(file_get::handle)),
    Route::new(Method::DELETE, "/projects/{id}/files/{fileId}", Access::Approved, Body::None, handler!(file_delete::handle)),
];
