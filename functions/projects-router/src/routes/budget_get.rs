//! `GET /projects/{id}/budget`: one revision with its lines, the locks, and a summary of every revision.

use std::collections::BTreeMap;

use access::teams::TeamRole;
use budgets::{BudgetRead, HeaderView, Line, LineView, RevisionSummary, TotalsView, line_json};
use realtime::{LineLock, LineLockView};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Serialize;
use serde_json::{Value, json};
use shared_utils::aws_limits::{MAX_ANSWER, bytes_in_answer};
use shared_utils::dynamo::{Attempt, retry_on_conflict};
use shared_utils::http::conditional::{etag, is_not_modified};
use shared_utils::http::{Call, Error, Response};
use shared_utils::ids::{BudgetId, LineId, ProjectId};
use shared_utils::random::sha256;

use super::common::{RETRY, visible};
use crate::App;

pub(super) async fn handle(app: &App, call: Call) -> Result<Response, Error> {
    let caller = call.caller()?;
    let id: ProjectId = call.params.id("id")?;
    let wanted = call.query(&["revision"]).and_then(|query| query.number("revision"));
    retry_on_conflict(RETRY, (), |()| async {
        let project = visible(app, caller, id, TeamRole::Editor);
        let budget = async { Ok(app.store.budget(id).await?) };
        let (_, budget, locks) = futures_util::future::try_join3(project, budget, held_locks(app, id)).await?;
        let read = budget.ok_or(Error::NotFound)?;
        let number = match &wanted {
            Ok(wanted) => wanted.or_else(|| read.shown()).ok_or(Error::NotFound)?,
            Err(error) => return Err(Error::parameter(error.to_string())),
        };
        let revision = read.revisions.get(&number).ok_or(Error::NotFound)?;
        let etag = budget_etag(read.budget.version, &locks);
        if is_not_modified(&call.request, &etag) {
            return Ok(Attempt::Done(Response::empty(304).with_header("etag", etag)));
        }
        let lines = app.store.lines(revision.generation).await?;
        // A write between the two reads makes the lines differ from the revision. Then both are read again.
        if revision.describes(&lines) {
            return answer(&read, number, &lines, &locks).map(Attempt::Done);
        }
        Ok(Attempt::Stale(()))
    })
    .await
}

/// The locks of a budget's lines. Locks are advisory, so a read error returns no locks instead of failing the request.
pub(super) async fn held_locks(app: &App, project: ProjectId) -> Result<Vec<LineLock>, Error> {
    Ok(app.broadcaster.locks().of_project(project).await.unwrap_or_else(|error| {
        tracing::warn!(cause = error.for_log(), "the locks of a budget could not be read");
        Vec::new()
    }))
}

/// A budget's entity tag: its version, plus a hash of the locks if there are any.
pub(super) fn budget_etag(version: u64, locks: &[LineLock]) -> String {
    if locks.is_empty() {
        return etag(version);
    }
    etag(format!("{version}-{}", &sha256(locks_json(locks).to_string().as_bytes())[..16]))
}

/// Whether an entity tag has this budget version. The locks are ignored: taking a lock does not change the budget.
pub(super) fn is_of_version(tag: &str, version: u64) -> bool {
    let inside = tag.strip_prefix('"').and_then(|tag| tag.strip_suffix('"'));
    inside.is_some_and(|tag| tag.split_once('-').map_or(tag, |(version, _)| version) == version.to_string())
}

fn locks_json(locks: &[LineLock]) -> Value {
    json!(locks.iter().map(LineLock::view).collect::<Vec<_>>())
}

/// A budget, showing one revision.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Budget")]
pub(crate) struct BudgetResponse {
    /// The budget's project.
    project_id: ProjectId,
    /// The budget.
    budget_id: BudgetId,
    /// ISO 4217 code of the currency of all amounts.
    currency: String,
    /// The number of the revision that is shown.
    revision: u64,
    /// The revision that the client sees, if one was chosen.
    client_revision: Option<u64>,
    /// Raised by every change of the budget.
    version: u64,
    /// The header of the revision.
    header: HeaderView,
    /// The lines of the revision, in order of creation.
    #[schemars(schema_with = "lines_schema")]
    lines: Vec<Value>,
    /// The totals of the revision.
    totals: TotalsView,
    /// The locks of the budget's lines that are held now.
    locks: Vec<LineLockView>,
    /// Every revision, by its number.
    revisions: Vec<RevisionSummary>,
}

/// An array of budget lines.
pub(super) fn lines_schema(generator: &mut SchemaGenerator) -> Schema {
    let line = generator.subschema_for::<LineView>();
    json_schema!({"type": "array", "items": line})
}

/// The response with a budget that shows one revision.
pub(super) fn answer(read: &BudgetRead, number: u64, lines: &BTreeMap<LineId, Line>, locks: &[LineLock]) -> Result<Response, Error> {
    let revision = read.revisions.get(&number).ok_or_else(|| Error::internal("a shown revision that is not there"))?;
    let budget = &read.budget;
    let body = json!(BudgetResponse {
        project_id: budget.project_id,
        budget_id: budget.budget_id,
        currency: budget.currency.clone(),
        revision: number,
        client_revision: budget.client_revision,
        version: budget.version,
        header: revision.header(),
        lines: lines_json(read, number, lines.values()),
        totals: revision.totals.view(),
        locks: locks.iter().map(LineLock::view).collect(),
        revisions: read.revisions.values().map(budgets::Revision::summary).collect(),
    });
    let body = body.to_string();
    if bytes_in_answer(&body) > MAX_ANSWER {
        return Err(Error::field("lines", "too_large", "The revision is too large to be shown: fewer lines, or shorter texts."));
    }
    Ok(Response::json_text(200, body).with_header("etag", budget_etag(budget.version, locks)))
}

/// The lines as JSON, in order of creation.
pub(super) fn lines_json<'a>(read: &BudgetRead, number: u64, lines: impl Iterator<Item = &'a Line>) -> Vec<Value> {
    let mut lines: Vec<&Line> = lines.collect();
    lines.sort_by_key(|line| line.sequence);
    lines.into_iter().map(|line| line_json(line, read.budget.project_id, read.budget.budget_id, number)).collect()
}
