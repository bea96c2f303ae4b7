//! `GET /projects/{id}/budget`: one revision with its lines, and what there is beside it.

use std::collections::BTreeMap;

use access::teams::TeamRole;
use serde_json::{Value, json};
use shared_utils::dynamo::backoff;
use shared_utils::http::conditional::{etag, is_not_modified};
use shared_utils::http::{Call, Error, Internal, Response};
use shared_utils::ids::{LineId, ProjectId};

use super::{TRIES, visible};
use crate::App;
use crate::budget::{Line, line_json};
use crate::store::BudgetRead;

pub(super) async fn handle(app: &App, call: Call) -> Result<Response, Error> {
    let caller = call.caller()?;
    let id: ProjectId = call.params.id(0)?;
    let wanted = call.query(&["revision"]).and_then(|query| query.number("revision"));
    for attempt in 0..TRIES {
        let project = visible(app, &caller, id, TeamRole::Editor);
        let budget = async { Ok(app.store.budget(id).await?) };
        let (_, budget) = futures_util::future::try_join(project, budget).await?;
        let read = budget.ok_or(Error::NotFound)?;
        let number = match &wanted {
            Ok(wanted) => wanted.or_else(|| read.shown()).ok_or(Error::NotFound)?,
            Err(error) => return Err(Error::parameter(error.to_string())),
        };
        let revision = read.revisions.get(&number).ok_or(Error::NotFound)?;
        let etag = etag(read.budget.version);
        if is_not_modified(&call.request, &etag) {
            return Ok(Response::empty(304).with_header("etag", etag));
        }
        let lines = app.store.lines(revision.generation).await?;
        // A write between the two reads shows in the lines: then both are read again.
        if revision.describes(&lines) {
            return answer(&read, number, &lines);
        }
        backoff(attempt).await;
    }
    Err(Error::Unavailable(Internal::new("a budget kept changing while it was read")))
}

/// The largest answer, in bytes: Lambda gives back 6 MB, and a body travels as a JSON text in it.
const MAX_ANSWER: usize = 5 * 1024 * 1024;

/// A budget as the API gives it, showing one revision.
pub(super) fn answer(read: &BudgetRead, number: u64, lines: &BTreeMap<LineId, Line>) -> Result<Response, Error> {
    let revision = read.revisions.get(&number).ok_or_else(|| Error::internal("a shown revision that is not there"))?;
    let budget = &read.budget;
    let body = json!({
        "projectId": budget.project_id,
        "budgetId": budget.budget_id,
        "currency": budget.currency,
        "revision": number,
        "clientRevision": budget.client_revision,
        "version": budget.version,
        "header": revision.header_json(),
        "lines": lines_json(read, number, lines.values()),
        "totals": revision.totals.to_json(),
        "revisions": read.revisions.values().map(crate::budget::Revision::summary_json).collect::<Vec<_>>(),
    });
    let body = body.to_string();
    // Quotes and backslashes are escaped once more on the way.
    let escapes = body.bytes().filter(|byte| matches!(byte, b'"' | b'\\')).count();
    if body.len() + escapes > MAX_ANSWER {
        return Err(Error::fault("/lines", "too_large", "The revision is too large to be shown: fewer lines, or shorter texts."));
    }
    Ok(Response::json_text(200, body).with_header("etag", etag(budget.version)))
}

/// Lines in order of creation.
pub(super) fn lines_json<'a>(read: &BudgetRead, number: u64, lines: impl Iterator<Item = &'a Line>) -> Vec<Value> {
    let mut lines: Vec<&Line> = lines.collect();
    lines.sort_by_key(|line| line.sequence);
    lines.into_iter().map(|line| line_json(line, read.budget.project_id, read.budget.budget_id, number)).collect()
}
