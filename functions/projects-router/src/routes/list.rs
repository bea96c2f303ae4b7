//! `GET /projects/list`: the caller's projects, latest activity first.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;
use shared_utils::http::{Call, Error, Response};
use shared_utils::text::folded;

use crate::App;
use crate::project::ProjectSummaryView;
use crate::store::Project;

/// A page of projects.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ProjectPage {
    /// Parts of projects, the latest change first.
    #[schemars(schema_with = "summaries_schema")]
    items: Vec<Box<RawValue>>,
    /// Where the next page begins; null at the end.
    next_cursor: Option<String>,
}

fn summaries_schema(generator: &mut SchemaGenerator) -> Schema {
    let summary = generator.subschema_for::<ProjectSummaryView>();
    json_schema!({"type": "array", "items": summary})
}

pub(super) async fn handle(app: &App, call: Call) -> Result<Response, Error> {
    let caller = call.caller()?;
    let query = call.query(&["limit", "cursor", "status", "q"])?;
    let limit = query.limit()?;
    let (status, text) = (query.get("status"), query.get("q").map(folded));
    let user = caller.user.to_string();
    // A cursor is valid only for the same filters.
    let scope = [user.as_str(), "projects", &format!("{status:?}"), &format!("{text:?}")];
    let start = app.cursors.page_start(&scope, query.get("cursor")).await?;
    let page = app.store.list(caller.user, start.as_deref(), limit).await?;
    let projects = page.projects;
    let wanted = |project: &Project| {
        status.is_none_or(|status| project.fields.get("status").and_then(Value::as_str) == Some(status))
            && text.as_ref().is_none_or(|text| folded(project.title()).contains(text))
            && project.team.contains_key(&caller.user)
    };
    // A deleted project that still has list rows was not purged completely. The purge continues here.
    let deleted = projects.iter().filter(|(project, _)| project.deleted_at.is_some()).map(|(project, _)| project.project_id);
    for id in deleted.chain(page.orphans) {
        super::delete::purge_later(app, id);
    }
    let shown = projects.into_iter().filter(|(project, _)| project.deleted_at.is_none() && wanted(project));
    let items = shown.map(|(_, summary)| summary).collect();
    let next_cursor = app.cursors.next_page(&scope, page.next).await?;
    Response::json(200, &ProjectPage { items, next_cursor })
}
