//! What is stored: items of the tables, mails, objects.

use std::collections::BTreeMap;

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Control;
use super::item_types::{ITEM_TYPES, ItemType, type_of};

/// The items that a page of a scan reads at most.
const PAGE: usize = 1_000;
/// The matches that are enough for one answer.
const WANTED: usize = 1_000;
/// The pages that are read at most for one answer.
const PAGES: usize = 100;
/// The items that are counted at most, in each table.
const COUNTED: usize = 100_000;

/// The tables, and how many items of each type they have: `{"items": [{"table": "auth", "types": [{"type": "user", "count": 4}]}], "unlocked": false}`.
pub(super) async fn tables(State(control): State<Control>) -> Result<Json<Value>, StatusCode> {
    let database = control.database()?;
    let mut items = Vec::new();
    for table in control.declaration.tables.keys() {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        let (mut start, mut counted) = (Value::Null, 0);
        while counted < COUNTED {
            let mut request = json!({"TableName": control.declaration.table_name(table), "ProjectionExpression": "pk, sk", "Limit": PAGE});
            if !start.is_null() {
                request["ExclusiveStartKey"] = start;
            }
            let (found, last) = database.scan(request).map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
            counted += found.len();
            for item in &found {
                *counts.entry(type_name(table, item)).or_default() += 1;
            }
            start = last;
            if start.is_null() {
                break;
            }
        }
        let types: Vec<Value> = counts.into_iter().map(|(name, count)| json!({"type": name, "count": count})).collect();
        items.push(json!({"table": table, "types": types, "isComplete": start.is_null()}));
    }
    Ok(Json(json!({"items": items, "unlocked": control.is_unlocked()})))
}

fn type_name(table: &str, item: &Value) -> &'static str {
    let text = |name: &str| item[name]["S"].as_str().unwrap_or_default();
    type_of(table, text("pk"), text("sk")).map_or("other", |item_type| item_type.name)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ItemsQuery {
    /// A name of [`ITEM_TYPES`].
    r#type: Option<String>,
    /// A whole partition key.
    pk: Option<String>,
    /// The `next` of the page before.
    start: Option<String>,
}

impl ItemsQuery {
    /// The request for a page of a table.
    fn scan(&self, table: &str) -> Value {
        let mut request = json!({"TableName": table, "Limit": PAGE});
        if let Some(ItemType { pk, sk, .. }) = self.r#type.as_ref().and_then(|wanted| ITEM_TYPES.iter().find(|one| one.name == wanted)) {
            request["FilterExpression"] = json!("begins_with(pk, :pk) AND begins_with(sk, :sk)");
            request["ExpressionAttributeValues"] = json!({":pk": {"S": pk}, ":sk": {"S": sk}});
        }
        if let Some(start) = self.start.as_deref().and_then(|start| serde_json::from_str::<Value>(start).ok()) {
            request["ExclusiveStartKey"] = start;
        }
        request
    }
}

/// Items of a table in `DynamoDB`'s JSON, of one type or of one partition: `{"items": [{"type": "user", "item": {…}}], "next": "…"}`.
pub(super) async fn items(
    State(control): State<Control>,
    Path(table): Path<String>,
    Query(query): Query<ItemsQuery>,
) -> Result<Json<Value>, StatusCode> {
    let name = control.table(&table)?;
    let database = control.database()?;
    let failed = |_| StatusCode::INTERNAL_SERVER_ERROR;
    let (found, last) = if let Some(partition) = &query.pk {
        (database.partition(&name, partition).map_err(failed)?, Value::Null)
    } else {
        let mut request = query.scan(&name);
        let (mut found, mut last) = database.scan(request.clone()).map_err(failed)?;
        // A page of a scan is counted before its filter: it may have no match, though later ones do.
        for _ in 1..PAGES {
            if last.is_null() || found.len() >= WANTED {
                break;
            }
            request["ExclusiveStartKey"] = last;
            let (more, next) = database.scan(request.clone()).map_err(failed)?;
            found.extend(more);
            last = next;
        }
        (found, last)
    };
    let typed: Vec<Value> = found
        .into_iter()
        .map(|item| json!({"type": type_name(&table, &item), "item": item}))
        .filter(|one| query.r#type.as_ref().is_none_or(|wanted| one["type"] == wanted.as_str()))
        .collect();
    let next = if last.is_null() { Value::Null } else { json!(last.to_string()) };
    Ok(Json(json!({"items": typed, "next": next})))
}

/// Writes an item, in `DynamoDB`'s JSON. Only while the data is unlocked.
pub(super) async fn put_item(
    State(control): State<Control>,
    Path(table): Path<String>,
    Json(item): Json<Value>,
) -> Result<StatusCode, (StatusCode, String)> {
    let refused = |status: StatusCode| (status, String::new());
    control.require_unlocked().map_err(refused)?;
    let name = control.table(&table).map_err(refused)?;
    let database = control.database().map_err(refused)?;
    database.put(&name, item).map_err(|error| (StatusCode::BAD_REQUEST, error))?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize)]
pub(super) struct ItemKey {
    pk: String,
    sk: String,
}

/// Deletes an item. Only while the data is unlocked.
pub(super) async fn delete_item(
    State(control): State<Control>,
    Path(table): Path<String>,
    Query(key): Query<ItemKey>,
) -> Result<StatusCode, StatusCode> {
    control.require_unlocked()?;
    let name = control.table(&table)?;
    control.database()?.delete(&name, &key.pk, &key.sk).map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Unlock {
    unlocked: bool,
}

/// Allows or forbids writes to the tables.
pub(super) async fn unlock(State(control): State<Control>, Json(Unlock { unlocked }): Json<Unlock>) -> StatusCode {
    control.set_unlocked(unlocked);
    StatusCode::NO_CONTENT
}

/// The mails, the newest first.
pub(super) async fn mails(State(control): State<Control>) -> Json<Value> {
    Json(json!({"items": control.mails.mails(None)}))
}

/// The objects of all buckets: `{"items": [{"bucket": "files", "key": "…", "size": 1, "contentType": "…", "modified": 0, "tags": {}}]}`.
pub(super) async fn objects(State(control): State<Control>) -> Json<Value> {
    Json(json!({"items": control.objects.describe()}))
}

#[derive(Deserialize)]
pub(super) struct ObjectName {
    bucket: String,
    key: String,
}

/// The content of an object. Never as a page of this origin.
pub(super) async fn object(State(control): State<Control>, Query(name): Query<ObjectName>) -> Result<Response, StatusCode> {
    let (content_type, content) = control.objects.content(&name.bucket, &name.key).await.ok_or(StatusCode::NOT_FOUND)?;
    let headers = [(CONTENT_TYPE.as_str(), content_type.as_str()), ("content-security-policy", "sandbox"), ("x-content-type-options", "nosniff")];
    Ok((headers, Body::from_stream(content)).into_response())
}
