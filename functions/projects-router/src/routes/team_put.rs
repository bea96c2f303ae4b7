//! `PUT /projects/{id}/team/{userId}`: an owner adds a member or changes a member's role or title.

use access::people::Person;
use access::teams::{Member, TeamRole};
use shared_utils::dynamo::{Attempt, retry_on_conflict};
use shared_utils::fields::{FieldLog, Fields};
use shared_utils::http::{Call, Error, Response};
use shared_utils::ids::{ProjectId, UserId};

use super::common::{RETRY, check_version, project_etag, visible};
use crate::App;
use crate::project::TeamEntry;
use crate::store::TeamChange;

/// Role and title.
pub(crate) fn read<L: FieldLog>(fields: &mut Fields<L>) -> (Option<TeamRole>, Option<String>) {
    let role = fields.parsed("role", "One of owner, editor, viewer.");
    (fields.require("role", role), fields.string("title", 0..=200).value())
}

pub(super) async fn handle(app: &App, call: Call) -> Result<Response, Error> {
    let caller = call.caller()?;
    let id: ProjectId = call.params.id("id")?;
    let user: Result<UserId, Error> = call.params.id("userId");
    let body = call.body;
    retry_on_conflict(RETRY, (), |()| async {
        let project = visible(app, caller, id, TeamRole::Owner);
        let person = async { Ok(app.people.find(user.as_ref().map_or(&[], std::slice::from_ref)).await?) };
        let ((session, project), people) = futures_util::future::try_join(project, person).await?;
        check_version(&call.request, &project)?;
        let user = *user.as_ref().map_err(|_| Error::NotFound)?;
        people.get(&user).filter(|person| Person::is_active(person)).ok_or(Error::NotFound)?;
        let mut fields = Fields::new(body.clone());
        let (role, title) = read(&mut fields);
        fields.finish()?;
        let role = role.ok_or_else(|| Error::internal("a role without faults and without a value"))?;
        let joined_at = project.team.get(&user).map_or(app.context.clock.now(), |member| member.joined_at);
        let member = Member { role, title, joined_at };
        let title = member.title.clone();
        let entry = TeamEntry { user_id: user, role: member.role, title: title.as_deref() };
        if project.team.get(&user) == Some(&member) {
            return Ok(Attempt::Done(Response::json(200, &entry)?.with_header("etag", project_etag(&project))));
        }
        let next = app.store.with_team(&project, user, &TeamChange::Set(member))?;
        if app.store.change_team(&session, &project, &next, user).await? {
            app.broadcast_team(&project, &next, user, &session);
            return Ok(Attempt::Done(Response::json(200, &entry)?.with_header("etag", project_etag(&next))));
        }
        Ok(Attempt::Stale(()))
    })
    .await
}
