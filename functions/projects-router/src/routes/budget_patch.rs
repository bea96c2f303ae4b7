//! `PATCH /projects/{id}/budget`: an atomic change of a budget. [`budgets::plan`] computes the new state.

use std::collections::BTreeMap;

use access::session::Session;

use access::teams::TeamRole;
use budgets::{BudgetPatch, BudgetRead, Lines, Plan, Planned, TotalsView, plan, read_patch, slug};
use realtime::LineLock;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use shared_utils::auth::Caller;
use shared_utils::dynamo::{Attempt, retry_on_conflict};
use shared_utils::fields::FieldErrors;
use shared_utils::http::conditional::check_if_match_with;
use shared_utils::http::{Call, Error, Request, Response};
use shared_utils::ids::{GenerationId, ProjectId};

use super::budget_get::{answer, budget_etag, held_locks, is_of_version, lines_json, lines_schema};
use super::common::{self, RETRY, kept, used_key, visible};
use crate::App;
use crate::store::{KeyScope, Project, UsedKey};

/// A request to change a budget.
struct Wanted {
    id: ProjectId,
    caller: Caller,
    request: Request,
    used: Option<UsedKey>,
    /// Field errors are returned only after the access check.
    patch: Result<BudgetPatch, FieldErrors>,
}

pub(super) async fn handle(app: &App, call: Call) -> Result<Response, Error> {
    let caller = call.caller()?;
    let id: ProjectId = call.params.id("id")?;
    let used = used_key(&call, caller.user, KeyScope::Budget(id))?;
    let wanted = Wanted { id, caller, request: call.request, used, patch: read_patch(call.body) };
    retry_on_conflict(RETRY, (), |()| async {
        let project = visible(app, wanted.caller, id, TeamRole::Editor);
        let budget = async { Ok(app.store.budget(id).await?) };
        // The error is kept until the access check has passed: only an authorized caller may learn whether the key was used.
        let answered = async { Ok(replayed(app, &wanted).await) };
        let ((session, project), budget, locks, answered) = futures_util::future::try_join4(project, budget, held_locks(app, id), answered).await?;
        if let Some(response) = answered? {
            return Ok(Attempt::Done(response));
        }
        let before = budget.ok_or(Error::NotFound)?;
        // Boxed: the future of `change` is too large for the stack.
        match Box::pin(change(app, &wanted, &session, &project, &before, &locks)).await {
            Ok(Some(response)) => Ok(Attempt::Done(response)),
            Ok(None) => Ok(Attempt::Stale(())),
            // A concurrent request with the same key may have succeeded. Then its stored response is returned instead of this error.
            Err(error) if error.status() < 500 => replayed(app, &wanted).await?.map(Attempt::Done).ok_or(error),
            Err(error) => Err(error),
        }
    })
    .await
}

/// The stored response of an earlier request with the same key.
async fn replayed(app: &App, wanted: &Wanted) -> Result<Option<Response>, Error> {
    let Some(used) = &wanted.used else { return Ok(None) };
    Ok(app.store.answered(used).await?.map(|answered| common::replayed(200, answered)))
}

/// Applies the change. Returns `None` if the budget changed since `before` was read.
async fn change(
    app: &App,
    wanted: &Wanted,
    session: &Session,
    project: &Project,
    before: &BudgetRead,
    locks: &[LineLock],
) -> Result<Option<Response>, Error> {
    let current = budget_etag(before.budget.version, locks);
    check_if_match_with(&wanted.request, &current, |tag| is_of_version(tag, before.budget.version))?;
    let patch = wanted.patch.as_ref().map_err(Clone::clone)?;
    let Some(plan) = make_plan(app, project, before, patch).await? else { return Ok(None) };
    if let Some((number, lines)) = &plan.also_written {
        // The response shows another revision, but this one must also fit into a response.
        answer(&plan.next, *number, lines, &[])?;
    }
    // The response is built before the write: a response that is too large must prevent the write.
    let response = respond(&plan, locks, is_minimal(&wanted.request))?;
    if patch.is_empty() && wanted.used.is_none() {
        return Ok(Some(response));
    }
    let kept = kept(&response);
    let answer = wanted.used.as_ref().map(|used| (used, &kept));
    let begun = plan.write.new_generations();
    let written_revisions: Vec<u64> = plan.write.revisions.iter().copied().collect();
    let write = app.store.write_budget(session, project, &before.budget, &plan.next, plan.write, answer);
    // The project's position in lists is updated concurrently, so it costs no extra round trip.
    let moved = async { if patch.is_empty() { Ok(()) } else { app.store.touch(session, project).await } };
    let (written, moved) = futures_util::future::join(write, moved).await;
    if let Err(error) = moved {
        tracing::warn!(cause = error.cause(), "a project could not be moved in lists");
    }
    tidy_later(app, wanted.id, before.budget.expired_generations(app.context.clock.now()));
    if !written? {
        // The write failed, so the new generations will never be shown.
        tidy_later(app, wanted.id, begun);
        return Ok(None);
    }
    if !patch.is_empty() {
        broadcast(app, project, (before, &plan.next), plan.shown, &written_revisions, patch, session);
    }
    Ok(Some(response))
}

/// Whether the client asks for a minimal response (`Prefer: return=minimal`).
fn is_minimal(request: &Request) -> bool {
    let preferences = request.headers.get_all("prefer").iter().filter_map(|prefer| prefer.to_str().ok());
    preferences.flat_map(|prefer| prefer.split([',', ';'])).any(|preference| preference.trim().eq_ignore_ascii_case("return=minimal"))
}

/// What a PATCH has written, for `Prefer: return=minimal`.
#[derive(Serialize, JsonSchema)]
pub(crate) struct BudgetChange {
    /// The version of the budget now.
    version: u64,
    /// The revision that was written.
    revision: u64,
    /// Its totals.
    totals: TotalsView,
    /// The lines that were written, in order of creation.
    #[schemars(schema_with = "lines_schema")]
    lines: Vec<Value>,
}

/// The response to a PATCH with this plan.
fn respond(plan: &Plan, locks: &[LineLock], minimal: bool) -> Result<Response, Error> {
    // Built for a minimal response too: a revision that is too large for a response must not be written.
    let whole = answer(&plan.next, plan.shown, &plan.lines, locks)?;
    if !minimal {
        return Ok(whole);
    }
    let revision = plan.next.revisions.get(&plan.shown).ok_or_else(|| Error::internal("a shown revision that is not there"))?;
    let written = plan.written.iter().filter_map(|line| plan.lines.get(line));
    let body = BudgetChange {
        version: plan.next.budget.version,
        revision: plan.shown,
        totals: revision.totals.view(),
        lines: lines_json(&plan.next, plan.shown, written),
    };
    let response = Response::json(200, &body)?.with_header("etag", budget_etag(plan.next.budget.version, locks));
    Ok(response.with_header("preference-applied", "return=minimal"))
}

/// Computes the next state. Reads only the lines of the revisions that it depends on. Returns `None` if the lines do not match their revision,
/// because a write happened between the two reads.
async fn make_plan(app: &App, project: &Project, before: &BudgetRead, patch: &BudgetPatch) -> Result<Option<Plan>, Error> {
    let (now, slug) = (app.context.clock.now(), slug(project.title()));
    let mut lines: BTreeMap<u64, Lines> = BTreeMap::new();
    loop {
        let number = match plan(before, patch, &lines, &slug, now)? {
            Planned::Plan(plan) => return Ok(Some(*plan)),
            Planned::NeedsLines(number) => number,
        };
        let revision = before.revisions.get(&number).ok_or(Error::NotFound)?;
        let read = app.store.lines(revision.generation).await?;
        if !revision.describes(&read) {
            return Ok(None);
        }
        lines.insert(number, read);
    }
}

/// Sends `budgetUpdated` for every written revision. The revision in the response comes last.
fn broadcast(
    app: &App,
    project: &Project,
    (before, next): (&BudgetRead, &BudgetRead),
    shown: u64,
    written: &[u64],
    patch: &BudgetPatch,
    session: &Session,
) {
    for number in written.iter().copied().filter(|number| *number != shown).chain([shown]) {
        if let Some(revision) = next.revisions.get(&number) {
            app.broadcast_budget(&project.team, project.project_id, (number, next.budget.version), revision.totals.view(), session.user);
        }
    }
    if patch.client_revision.is_present() {
        let revisions = (before.budget.client_revision, next.budget.client_revision, next.budget.version);
        app.broadcast_client_revision(&project.team, project.project_id, revisions, session);
    }
}

/// Deletes generations that no revision shows and no request can still read. Runs after the response.
fn tidy_later(app: &App, project: ProjectId, generations: Vec<GenerationId>) {
    if generations.is_empty() {
        return;
    }
    let store = app.store.clone();
    app.broadcaster.background_tasks().push(async move {
        if let Err(error) = store.forget_generations(project, &generations).await {
            tracing::warn!(cause = error.cause(), "lines that nothing shows could not be deleted");
        }
    });
}
