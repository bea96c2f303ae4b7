//! Helpers that several routes share.

use std::time::Duration;

use access::session::Session;
use access::teams::{TeamRole, require_role};
use files::{FileOwner, StoredFile};
use futures_util::future::try_join;
use shared_utils::auth::Caller;
use shared_utils::dynamo::RetryPolicy;
use shared_utils::http::conditional::{check_if_match, etag};
use shared_utils::http::{Call, Error, Request, Response, idempotency};
use shared_utils::ids::{ProjectId, UserId};

use crate::App;
use crate::store::{Answer, Answered, KeyScope, Project, UsedKey};

/// How long a conflicting write to a shared item is retried. The limit respects the function's timeout and the client's.
pub(super) const RETRY: RetryPolicy = RetryPolicy::Within(Duration::from_secs(15));

/// The current project, deleted or not, with the session check.
pub(super) async fn find(app: &App, caller: Caller, id: ProjectId) -> Result<(Session, Option<Project>), Error> {
    Ok(app.revocations.with_session_check(caller, app.store.project(id)).await?)
}

/// A project that is not deleted and in which the caller has at least the role `least`, with the session check.
pub(super) async fn visible(app: &App, caller: Caller, id: ProjectId, least: TeamRole) -> Result<(Session, Project), Error> {
    let (session, project) = find(app, caller, id).await?;
    let project = project.filter(|project| project.deleted_at.is_none()).ok_or(Error::NotFound)?;
    require_role(&project.team, &session, least)?;
    Ok((session, project))
}

/// As [`visible`], with the file that the path names, completed or not.
pub(super) async fn visible_with_file(app: &App, call: &Call, least: TeamRole) -> Result<(Session, Project, Option<StoredFile>), Error> {
    let (id, file) = (call.params.id("id")?, call.params.id("fileId")?);
    let found = async { Ok(app.files.find(FileOwner::Project(id), file).await?) };
    let ((session, project), file) = try_join(visible(app, call.caller()?, id, least), found).await?;
    Ok((session, project, file))
}

/// The request's idempotency key, if it has one.
pub(super) fn used_key(call: &Call, user: UserId, scope: KeyScope) -> Result<Option<UsedKey>, Error> {
    Ok(idempotency::key_of(&call.request, &call.body)?.map(|key| UsedKey { user, scope, key }))
}

pub(super) fn project_etag(project: &Project) -> String {
    etag(project.version)
}

/// Checks the `If-Match` precondition of a write to a project.
pub(super) fn check_version(request: &Request, project: &Project) -> Result<(), Error> {
    check_if_match(request, &project_etag(project))
}

/// The parts of a response that are stored for a repeated request.
pub(super) fn kept(response: &Response) -> Answer {
    let etag = response.headers.get("etag").and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    Answer { etag, body: response.body.clone().unwrap_or_default() }
}

/// The stored response, marked `Idempotent-Replayed`.
pub(super) fn replayed(status: u16, answered: Answered) -> Response {
    Response::json_text(status, answered.body).with_header("etag", answered.etag).with_header("idempotent-replayed", "true")
}
