//! `POST /projects`: creates a project, its memberships, its budget and the first revision in one transaction.

use std::collections::BTreeMap;

use access::people::Person;
use access::teams::{MAX_NEW_TEAM, Member, TeamRole, require_role};
use shared_utils::auth::Caller;
use shared_utils::clock::Timestamp;
use shared_utils::fields::{FieldError, FieldErrors, FieldLog, FieldPath, Fields, Patch};
use shared_utils::http::{Call, Error, Response};
use shared_utils::ids::{ProjectId, UserId};

use super::common::{kept, project_etag, replayed, used_key};
use super::patch::check_size;
use crate::App;
use crate::project::{Changes, file_ids, read_changes};
use crate::store::{Answered, CreateOutcome, KeyScope, NewProject};
use budgets::{Scale, read_scaled};

pub(super) async fn handle(app: &App, call: Call) -> Result<Response, Error> {
    let session = app.revocations.check_session(call.caller()?).await?;
    let used = used_key(&call, session.user, KeyScope::Projects)?;
    let now = app.context.clock.now();
    let mut fields = Fields::new(call.body);
    let (changes, ball_park, named) = read(&mut fields, now);
    let team = named.iter().map(|(_, member)| 100 + member.title.as_ref().map_or(0, |title| 2 * title.len())).sum();
    check_size(&changes, None, team, &mut fields);
    fields.finish()?;
    if let Err(fault) = check_people(app, &named, session.user).await {
        // A stored response for this key is returned, even if the named people have changed since.
        let answered = match &used {
            Some(used) => app.store.answered(used).await?,
            None => None,
        };
        return replay(app, &session, answered.ok_or(fault)?).await;
    }
    let mut team: BTreeMap<UserId, Member> = named.into_iter().collect();
    let title = team.remove(&session.user).and_then(|member| member.title);
    team.insert(session.user, Member { role: TeamRole::Owner, title, joined_at: now });

    let project = app.store.new_project(&session, NewProject { fields: changes, team });
    let response = Response::json(201, &project.whole())?.with_header("etag", project_etag(&project));
    let answer = kept(&response);
    match app.store.create(&session, &project, ball_park, used.as_ref().map(|used| (used, &answer))).await? {
        CreateOutcome::Created => {
            app.broadcast_new_project(&project, &session);
            Ok(located(response, project.project_id))
        }
        CreateOutcome::Replayed(answered) => replay(app, &session, answered).await,
    }
}

/// A project's fields, the ball park of its budget and the people in its team, in the body's order.
pub(crate) fn read<L: FieldLog>(fields: &mut Fields<L>, now: Timestamp) -> (Changes, Option<i64>, Vec<(UserId, Member)>) {
    let title = fields.peek("title").is_some();
    let changes = read_changes(fields, &Changes::new());
    for (path, _) in file_ids(&changes) {
        fields.fault_at(&path, "invalid_value", "A new project has no files yet.");
    }
    if !title && !fields.is_faulty_at("title") {
        fields.fault("title", "required", "This field is required.");
    }
    let ball_park = fields.nested("budget", |budget| {
        budget.ignore(&["date"]);
        budget.read("total", || Scale::Money.schema(), |value| read_scaled(&value, Scale::Money)).value()
    });
    (changes, ball_park.value().flatten(), read_team(fields, now))
}

fn located(response: Response, id: ProjectId) -> Response {
    response.with_header("location", format!("/projects/{id}"))
}

/// Returns the stored response if the caller may still see the project. A deleted project is `NotFound`.
async fn replay(app: &App, caller: &Caller, answered: Answered) -> Result<Response, Error> {
    let id = answered.project_id;
    let project = app.store.project(id).await?.filter(|project| project.deleted_at.is_none()).ok_or(Error::NotFound)?;
    require_role(&project.team, caller, TeamRole::Viewer)?;
    Ok(located(replayed(201, answered), id))
}

/// The people named in `team`, in request order.
fn read_team<L: FieldLog>(fields: &mut Fields<L>, now: Timestamp) -> Vec<(UserId, Member)> {
    let entries = fields.objects("team", MAX_NEW_TEAM, |entry| {
        let user = entry.parsed::<UserId>("userId", "There is no such active person.");
        let user = entry.require("userId", user);
        let role = entry.parsed::<TeamRole>("role", "One of owner, editor, viewer.");
        let role = entry.require("role", role);
        let title = entry.string("title", 0..=200).value();
        Some((user?, Member { role: role?, title, joined_at: now }))
    });
    let mut named: Vec<(UserId, Member)> = Vec::new();
    if let Patch::Set(entries) = entries {
        for (index, (user, member)) in entries.into_iter().enumerate().filter_map(|(index, entry)| Some((index, entry?))) {
            if named.iter().any(|(other, _)| *other == user) {
                fields.add(vec![FieldError::new(FieldPath::from("team").join(index).join("userId"), "duplicate", "This person is named twice.")]);
            }
            named.push((user, member));
        }
    }
    named
}

/// Refuses people who do not exist or are not active. An empty team needs no read.
async fn check_people(app: &App, named: &[(UserId, Member)], caller: UserId) -> Result<(), Error> {
    let others: Vec<UserId> = named.iter().map(|(user, _)| *user).filter(|user| *user != caller).collect();
    let people = app.people.find(&others).await?;
    let unknown = |user: &UserId| *user != caller && !people.get(user).is_some_and(Person::is_active);
    let faults: Vec<FieldError> = named
        .iter()
        .enumerate()
        .filter(|(_, (user, _))| unknown(user))
        .map(|(index, _)| FieldError::new(FieldPath::from("team").join(index).join("userId"), "invalid_value", "There is no such active person."))
        .collect();
    Ok(FieldErrors::check(faults)?)
}
