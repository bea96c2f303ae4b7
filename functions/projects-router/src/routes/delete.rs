//! `DELETE /projects/{id}`: one write makes the project unreachable. Its items are deleted after the response.

use access::teams::{TeamRole, require_role};
use files::FileOwner;
use shared_utils::dynamo::{Attempt, retry_on_conflict};
use shared_utils::http::{Call, Error, Response};
use shared_utils::ids::ProjectId;

use super::common::{RETRY, check_version, find};
use crate::App;

pub(super) async fn handle(app: &App, call: Call) -> Result<Response, Error> {
    let caller = call.caller()?;
    let id: ProjectId = call.params.id("id")?;
    retry_on_conflict(RETRY, (), |()| async {
        let (session, project) = find(app, caller, id).await?;
        let project = project.ok_or(Error::NotFound)?;
        if project.deleted_at.is_some() {
            // Only the owner may repeat the DELETE. For others, the project does not exist.
            require_role(&project.team, &session, TeamRole::Owner).map_err(|_| Error::NotFound)?;
            purge_later(app, id);
            return Ok(Attempt::Done(Response::empty(204)));
        }
        require_role(&project.team, &session, TeamRole::Owner)?;
        check_version(&call.request, &project)?;
        if app.store.delete(&session, &project).await? {
            app.broadcast_removal(&project);
            purge_later(app, id);
            return Ok(Attempt::Done(Response::empty(204)));
        }
        Ok(Attempt::Stale(()))
    })
    .await
}

/// Deletes the remaining items of a deleted project, after the response.
pub(super) fn purge_later(app: &App, id: ProjectId) {
    let (store, files) = (app.store.clone(), app.files.clone());
    app.broadcaster.background_tasks().push(async move {
        // The project's own items go last: while they are there, the next listing finds what is left.
        let purged = match files.delete_all(FileOwner::Project(id)).await {
            Ok(()) => store.purge(id).await,
            Err(error) => Err(error),
        };
        if let Err(error) = purged {
            tracing::warn!(cause = error.for_log(), "a deleted project could not be purged; the next listing goes on with it");
        }
        files.process_removals().await;
    });
}
