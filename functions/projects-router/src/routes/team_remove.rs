//! `DELETE /projects/{id}/team/{userId}`: an owner removes a member, or a member leaves.

use access::teams::{TeamRole, require_role};
use shared_utils::dynamo::{Attempt, retry_on_conflict};
use shared_utils::http::{Call, Error, Response};
use shared_utils::ids::{ProjectId, UserId};

use super::common::{RETRY, check_version, visible};
use crate::App;
use crate::store::TeamChange;

pub(super) async fn handle(app: &App, call: Call) -> Result<Response, Error> {
    let caller = call.caller()?;
    let id: ProjectId = call.params.id("id")?;
    let user: Option<UserId> = call.params.id("userId").ok();
    retry_on_conflict(RETRY, (), |()| async {
        let (session, project) = visible(app, caller, id, TeamRole::Viewer).await?;
        if user != Some(caller.user) {
            require_role(&project.team, &session, TeamRole::Owner)?;
        }
        check_version(&call.request, &project)?;
        let Some(user) = user.filter(|user| project.team.contains_key(user)) else { return Ok(Attempt::Done(Response::empty(204))) };
        let next = app.store.with_team(&project, user, &TeamChange::Remove)?;
        if app.store.change_team(&session, &project, &next, user).await? {
            app.broadcast_team(&project, &next, user, &session);
            return Ok(Attempt::Done(Response::empty(204)));
        }
        Ok(Attempt::Stale(()))
    })
    .await
}
