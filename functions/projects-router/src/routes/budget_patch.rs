//! `PATCH /projects/{id}/budget`: all of it happens or none. The order is header, lines, deleted lines, new revision, deleted
//! revision, client revision.

use access::session::Session;
use std::collections::BTreeMap;

use access::teams::TeamRole;
use realtime::LineLock;
use serde_json::json;
use shared_utils::auth::Caller;
use shared_utils::clock::Timestamp;
use shared_utils::dynamo::{Attempt, retry_on_conflict};
use shared_utils::fields::{FieldErrors, Patch};
use shared_utils::http::conditional::check_if_match_with;
use shared_utils::http::{Call, Error, Request, Response};
use shared_utils::ids::{GenerationId, LineId, ProjectId};

use super::budget_get::{answer, budget_etag, held_locks, is_of_version, lines_json};
use super::common::{self, RETRY, kept, used_key, visible};
use crate::App;
use crate::budget::{BudgetPatch, CreateRevision, Line, Revision, apply_lines, read_patch, slug};
use crate::store::{BudgetRead, BudgetWrite, KeyScope, Project, UsedKey};

/// The next state of a budget, and what has to be written to get there.
struct Plan {
    next: BudgetRead,
    write: BudgetWrite,
    /// The revision that the answer shows, with its lines.
    shown: u64,
    lines: BTreeMap<LineId, Line>,
    written: Vec<LineId>,
}

/// A request to change a budget.
struct Wanted {
    id: ProjectId,
    caller: Caller,
    request: Request,
    used: Option<UsedKey>,
    /// Read, and refused only once it is known that the caller may ask at all.
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
        // Whether the key was used before is nothing to tell to someone who may not ask.
        let answered = async { Ok(replayed(app, &wanted).await) };
        let ((session, project), budget, locks, answered) = futures_util::future::try_join4(project, budget, held_locks(app, id), answered).await?;
        if let Some(response) = answered? {
            return Ok(Attempt::Done(response));
        }
        let before = budget.ok_or(Error::NotFound)?;
        // On the heap: the future of a whole change is too much for one stack together with everything that waits for it.
        match Box::pin(change(app, &wanted, &session, &project, &before, &locks)).await {
            Ok(Some(response)) => Ok(Attempt::Done(response)),
            Ok(None) => Ok(Attempt::Stale(())),
            // The same request may have been done under the same key meanwhile: then nothing is wrong with this one.
            Err(error) if error.status() < 500 => replayed(app, &wanted).await?.map(Attempt::Done).ok_or(error),
            Err(error) => Err(error),
        }
    })
    .await
}

/// What was answered to this request before.
async fn replayed(app: &App, wanted: &Wanted) -> Result<Option<Response>, Error> {
    let Some(used) = &wanted.used else { return Ok(None) };
    Ok(app.store.answered(used).await?.map(|answered| common::replayed(200, answered)))
}

/// Makes the change. `None` when the budget changed since `before` was read.
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
    let Some(plan) = plan(app, project, before, patch).await? else { return Ok(None) };
    // Made before anything is written: an answer that cannot be given must not follow a write.
    let response = respond(&plan, locks, is_minimal(&wanted.request))?;
    if patch.is_empty() && wanted.used.is_none() {
        return Ok(Some(response));
    }
    let kept = kept(&response);
    let answer = wanted.used.as_ref().map(|used| (used, &kept));
    let begun: Vec<GenerationId> = plan.write.generations.iter().filter(|(_, lines)| !lines.is_empty()).map(|(id, _)| *id).collect();
    let written_revisions: Vec<u64> = plan.write.revisions.iter().copied().collect();
    let write = app.store.write_budget(session, project, &before.budget, &plan.next, plan.write, answer);
    // The project's place in lists is written beside, not after: it costs no further round trip.
    let moved = async { if patch.is_empty() { Ok(()) } else { app.store.touch(session, project).await } };
    let (written, moved) = futures_util::future::join(write, moved).await;
    if let Err(error) = moved {
        tracing::warn!(cause = error.cause(), "a project could not be moved in lists");
    }
    tidy_later(app, wanted.id, app.store.given_up(&before.budget));
    if !written? {
        // Nobody has seen what was written ahead, and nobody will.
        tidy_later(app, wanted.id, begun);
        return Ok(None);
    }
    if !patch.is_empty() {
        announce(app, project, &plan.next, plan.shown, &written_revisions, patch, &wanted.caller);
    }
    Ok(Some(response))
}

/// Whether the client wants no more than what was written.
fn is_minimal(request: &Request) -> bool {
    let preferences = request.headers.get_all("prefer").iter().filter_map(|prefer| prefer.to_str().ok());
    preferences.flat_map(|prefer| prefer.split([',', ';'])).any(|preference| preference.trim().eq_ignore_ascii_case("return=minimal"))
}

/// The answer to a PATCH that leads there.
fn respond(plan: &Plan, locks: &[LineLock], minimal: bool) -> Result<Response, Error> {
    // Also where it is not asked for: a revision that cannot be shown must not be written.
    let whole = answer(&plan.next, plan.shown, &plan.lines, locks)?;
    if !minimal {
        return Ok(whole);
    }
    let revision = plan.next.revisions.get(&plan.shown).ok_or_else(|| Error::internal("a shown revision that is not there"))?;
    let written = plan.written.iter().filter_map(|line| plan.lines.get(line));
    let body = json!({
        "version": plan.next.budget.version, "revision": plan.shown, "totals": revision.totals.to_json(),
        "lines": lines_json(&plan.next, plan.shown, written),
    });
    let response = Response::json(200, &body)?.with_header("etag", budget_etag(plan.next.budget.version, locks));
    Ok(response.with_header("preference-applied", "return=minimal"))
}

/// Works out the next state. Reads the lines of the revision that is written or copied, and nothing else. `None` when these are not the
/// lines that the revision was read with: a write came between the two reads.
async fn plan(app: &App, project: &Project, before: &BudgetRead, patch: &BudgetPatch) -> Result<Option<Plan>, Error> {
    let now = app.edge.clock.now();
    let mut next = before.clone();
    next.budget.version += 1;
    let number = match patch.revision {
        Some(number) if before.revisions.contains_key(&number) => number,
        Some(_) => return Err(Error::field("revision", "invalid_value", "There is no such revision.")),
        None => before.shown().ok_or(Error::NotFound)?,
    };
    let mut revision = next.revisions.get(&number).cloned().ok_or(Error::NotFound)?;
    let mut lines = app.store.lines(revision.generation).await?;
    if !revision.describes(&lines) {
        return Ok(None);
    }
    let mut plan = Plan { next, write: BudgetWrite::default(), shown: number, lines: BTreeMap::new(), written: Vec::new() };
    if patch.writes_revision() {
        set_currency(&mut plan.next, patch)?;
        let outcome = apply_lines(patch, &mut revision, &mut lines, &slug(project.title()), now)?;
        write_lines(&mut plan, &mut revision, &lines, &outcome.written, &outcome.deleted, now);
        plan.written = outcome.written;
        plan.next.revisions.insert(number, revision.clone());
        plan.write.revisions.insert(number);
    }
    if let Some(create) = &patch.create_revision {
        if patch.writes_revision() {
            // It is not the one that the answer shows, and has to be one that can be shown all the same.
            answer(&plan.next, number, &lines, &[])?;
        }
        match create_revision(app, &mut plan, create, (number, lines), now).await? {
            Some(copied) => lines = copied,
            None => return Ok(None),
        }
    }
    delete_revision(&mut plan, patch)?;
    set_client_revision(&mut plan, patch)?;
    if !plan.next.revisions.contains_key(&plan.shown) {
        // The answer would show the revision that was just deleted: it shows what GET shows.
        plan.shown = plan.next.shown().ok_or_else(|| Error::internal("a budget without revisions"))?;
        let revision = &plan.next.revisions[&plan.shown];
        lines = app.store.lines(revision.generation).await?;
        if !revision.describes(&lines) {
            return Ok(None);
        }
    }
    if patch.is_empty() {
        plan.next.budget.version = before.budget.version;
    }
    plan.lines = lines;
    Ok(Some(plan))
}

/// A currency is chosen before there are lines.
fn set_currency(next: &mut BudgetRead, patch: &BudgetPatch) -> Result<(), Error> {
    let Some(currency) = patch.header.as_ref().and_then(|header| header.currency.clone()) else { return Ok(()) };
    if currency != next.budget.currency && next.revisions.values().any(|revision| revision.line_count > 0) {
        return Err(Error::field(["header", "currency"], "read_only", "The currency is fixed once there are lines."));
    }
    next.budget.currency = currency;
    Ok(())
}

/// Few changed lines go into the transaction; many go into a new generation that replaces the shown one.
fn write_lines(plan: &mut Plan, revision: &mut Revision, lines: &BTreeMap<LineId, Line>, written: &[LineId], deleted: &[LineId], now: Timestamp) {
    let generation = revision.generation;
    plan.write.put_lines = written.iter().filter_map(|line| lines.get(line)).map(|line| (generation, line.clone())).collect();
    plan.write.delete_lines = deleted.iter().map(|line| (generation, *line)).collect();
    if !plan.write.fits() {
        plan.write.put_lines.clear();
        plan.write.delete_lines.clear();
        revision.generation = GenerationId::generate(now);
        plan.write.generations.push((revision.generation, lines.values().cloned().collect()));
        plan.write.replaced.push(generation);
    }
}

/// Adds a revision, empty or with the lines of another; gives its lines. `None` when those are not the ones that it was read with.
async fn create_revision(
    app: &App,
    plan: &mut Plan,
    create: &CreateRevision,
    (read, lines): (u64, BTreeMap<LineId, Line>),
    now: Timestamp,
) -> Result<Option<BTreeMap<LineId, Line>>, Error> {
    let number = plan.next.budget.highest_revision + 1;
    let (mut revision, lines) = match create.duplicate_of {
        None => (Revision::empty(number, None, now), BTreeMap::new()),
        Some(original) => {
            let source = plan.next.revisions.get(&original);
            let source = source.ok_or_else(|| Error::field(["createRevision", "duplicateOf"], "invalid_value", "There is no such revision."))?;
            let lines = if original == read { lines } else { app.store.lines(source.generation).await? };
            if !source.describes(&lines) {
                return Ok(None);
            }
            let copy = Revision { revision: number, generation: GenerationId::generate(now), created_at: now, updated_at: now, ..source.clone() };
            (copy, lines)
        }
    };
    if let Some(title) = &create.title {
        revision.title = Some(title.clone());
    }
    plan.write.generations.push((revision.generation, lines.values().cloned().collect()));
    plan.write.revisions.insert(number);
    plan.next.revisions.insert(number, revision);
    plan.next.budget.highest_revision = number;
    plan.shown = number;
    Ok(Some(lines))
}

fn delete_revision(plan: &mut Plan, patch: &BudgetPatch) -> Result<(), Error> {
    let Some(number) = patch.delete_revision else { return Ok(()) };
    if !plan.next.revisions.contains_key(&number) {
        return Err(Error::field("deleteRevision", "invalid_value", "There is no such revision."));
    }
    if plan.next.revisions.len() == 1 {
        return Err(Error::Conflict("A budget keeps one revision.".into()));
    }
    if plan.next.budget.client_revision == Some(number) {
        return Err(Error::Conflict("This revision is the client's.".into()));
    }
    plan.write.revisions.remove(&number);
    plan.write.delete_revisions.push(number);
    if let Some(gone) = plan.next.revisions.remove(&number).map(|revision| revision.generation) {
        // What the same request wrote into the revision need not be written.
        plan.write.put_lines.retain(|(generation, _)| *generation != gone);
        plan.write.delete_lines.retain(|(generation, _)| *generation != gone);
        plan.write.generations.retain(|(generation, _)| *generation != gone);
        plan.write.replaced.push(gone);
    }
    Ok(())
}

fn set_client_revision(plan: &mut Plan, patch: &BudgetPatch) -> Result<(), Error> {
    match patch.client_revision {
        Patch::Absent => {}
        Patch::Clear => plan.next.budget.client_revision = None,
        Patch::Set(number) if plan.next.revisions.contains_key(&number) => plan.next.budget.client_revision = Some(number),
        Patch::Set(_) => return Err(Error::field("clientRevision", "invalid_value", "There is no such revision.")),
    }
    Ok(())
}

/// Tells of every revision that was written, the one that the answer shows last.
fn announce(app: &App, project: &Project, next: &BudgetRead, shown: u64, written: &[u64], patch: &BudgetPatch, caller: &Caller) {
    for number in written.iter().copied().filter(|number| *number != shown).chain([shown]) {
        if let Some(revision) = next.revisions.get(&number) {
            app.announce_budget(&project.team, project.project_id, (number, next.budget.version), &revision.totals.to_json(), caller.user);
        }
    }
    if patch.client_revision.is_present() {
        app.announce_client_revision(&project.team, project.project_id, (next.budget.client_revision, next.budget.version), caller.user);
    }
}

/// Deletes generations that nothing shows and nobody can be at any more, after the answer.
fn tidy_later(app: &App, project: ProjectId, generations: Vec<GenerationId>) {
    if generations.is_empty() {
        return;
    }
    let store = app.store.clone();
    app.broadcaster.after_answer().push(async move {
        if let Err(error) = store.forget_generations(project, &generations).await {
            tracing::warn!(cause = error.cause(), "lines that nothing shows could not be deleted");
        }
    });
}
