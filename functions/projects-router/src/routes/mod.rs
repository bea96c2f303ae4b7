//! The routes of `/projects`.

mod budget_get;
mod budget_patch;
mod create;
mod delete;
mod get;
mod list;
mod patch;
mod team_put;
mod team_remove;

use std::time::Duration;

use access::teams::{TeamRole, require_role};
use http::Method;
use shared_utils::auth::Caller;
use shared_utils::dynamo::RetryPolicy;
use shared_utils::http::conditional::{check_if_match, etag};
use shared_utils::http::routing::{Access, Body, Route};
use shared_utils::http::{Api, Call, Edge, Error, Request, Response, idempotency};
use shared_utils::ids::{ProjectId, UserId};

use crate::App;
use crate::store::{KeyScope, MAX_BYTES, Project, UsedKey};

/// One value per route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// `GET /projects/list`
    List,
    /// `POST /projects`
    Create,
    /// `GET /projects/{id}`
    Get,
    /// `PATCH /projects/{id}`
    Patch,
    /// `DELETE /projects/{id}`
    Delete,
    /// `PUT /projects/{id}/team/{userId}`
    PutMember,
    /// `DELETE /projects/{id}/team/{userId}`
    RemoveMember,
    /// `GET /projects/{id}/budget`
    GetBudget,
    /// `PATCH /projects/{id}/budget`
    PatchBudget,
}

/// The largest project in its longest spelling: `\u0041` is one byte of it.
const BODY: usize = 6 * MAX_BYTES + 64 * 1024;
/// As much as an event of a Lambda function holds, which has its body as a JSON string.
const BUDGET_BODY: usize = 4 * 1024 * 1024;
const TEAM_BODY: usize = 64 * 1024;

/// Every route of this function.
pub static ROUTES: &[Route<Action>] = &[
    Route::new(Method::GET, "/projects/list", Access::Approved, Body::None, Action::List),
    Route::new(Method::POST, "/projects", Access::Approved, Body::Json(BODY), Action::Create),
    Route::new(Method::GET, "/projects/{id}", Access::Approved, Body::None, Action::Get),
    Route::new(Method::PATCH, "/projects/{id}", Access::Approved, Body::Json(BODY), Action::Patch).admitting(),
    Route::new(Method::DELETE, "/projects/{id}", Access::Approved, Body::None, Action::Delete).admitting(),
    Route::new(Method::PUT, "/projects/{id}/team/{userId}", Access::Approved, Body::Json(TEAM_BODY), Action::PutMember).admitting(),
    Route::new(Method::DELETE, "/projects/{id}/team/{userId}", Access::Approved, Body::None, Action::RemoveMember).admitting(),
    Route::new(Method::GET, "/projects/{id}/budget", Access::Approved, Body::None, Action::GetBudget),
    Route::new(Method::PATCH, "/projects/{id}/budget", Access::Approved, Body::Json(BUDGET_BODY), Action::PatchBudget).admitting(),
];

impl Api for App {
    type Action = Action;
    const DOMAIN: &'static str = "projects";

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
            Action::List => list::handle(self, call).await,
            Action::Create => create::handle(self, call).await,
            Action::Get => get::handle(self, call).await,
            Action::Patch => patch::handle(self, call).await,
            Action::Delete => delete::handle(self, call).await,
            Action::PutMember => team_put::handle(self, call).await,
            Action::RemoveMember => team_remove::handle(self, call).await,
            Action::GetBudget => budget_get::handle(self, call).await,
            Action::PatchBudget => budget_patch::handle(self, call).await,
        }
    }
}

/// How long a write to what many people write to at once is tried again: the function's time is finite, and the client's too.
const RETRY: RetryPolicy = RetryPolicy::Within(Duration::from_secs(15));

/// A project as it stands, deleted or not, for a caller whose login still counts: both are asked at once.
async fn admitted(app: &App, caller: &Caller, id: ProjectId) -> Result<Option<Project>, Error> {
    let project = async { Ok(app.store.project(id).await?) };
    let ((), project) = futures_util::future::try_join(app.revocations.admit(caller), project).await?;
    Ok(project)
}

/// A project that the caller may see, and that was not deleted.
async fn visible(app: &App, caller: &Caller, id: ProjectId, least: TeamRole) -> Result<Project, Error> {
    let project = admitted(app, caller, id).await?.filter(|project| project.deleted_at.is_none()).ok_or(Error::NotFound)?;
    require_role(&project.team, caller, least)?;
    Ok(project)
}

/// The request's idempotency key, where it has one.
fn used_key(call: &Call, user: UserId, scope: KeyScope) -> Result<Option<UsedKey>, Error> {
    let key = idempotency::key(&call.request)?;
    Ok(key.map(|key| UsedKey { user, scope, key, digest: idempotency::digest(&call.body) }))
}

fn project_etag(project: &Project) -> String {
    etag(project.version)
}

/// The precondition of a write on a project.
fn check_version(request: &Request, project: &Project) -> Result<(), Error> {
    check_if_match(request, &project_etag(project))
}
