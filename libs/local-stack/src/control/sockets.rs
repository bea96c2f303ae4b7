//! The open sockets: who has them, frames to and from them, their ends.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Control;

/// Every open connection: `{"items": [{"connectionId": "…", "userId": "…", "tabId": "…", "connectedAt": "…", …}]}`. What the gateway does not know comes from
/// the connection's item.
pub(super) async fn list(State(control): State<Control>) -> Result<Json<Value>, StatusCode> {
    let database = control.database()?;
    let table = control.declaration.table_name("connections");
    let mut items = Vec::new();
    for mut socket in control.sockets.list() {
        let id = socket["connectionId"].as_str().unwrap_or_default().to_owned();
        let found = database.partition(&table, &format!("CONNECTION#{id}")).unwrap_or_default();
        let item = found.into_iter().find(|item| item["sk"]["S"] == "CONNECTION").unwrap_or_default();
        for name in ["userId", "sessionId", "tabId", "tokenExpiresAt", "toldExpiredAt", "role"] {
            socket[name] = item[name]["S"].clone();
        }
        items.push(socket);
    }
    Ok(Json(json!({"items": items})))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct FrameRequest {
    /// `toClient` posts the frame to the client; `fromClient` handles it as if the client had sent it.
    direction: FrameDirection,
    text: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
enum FrameDirection {
    ToClient,
    FromClient,
}

fn found(is_found: bool) -> StatusCode {
    if is_found { StatusCode::NO_CONTENT } else { StatusCode::NOT_FOUND }
}

pub(super) async fn send(State(control): State<Control>, Path(id): Path<String>, Json(frame): Json<FrameRequest>) -> StatusCode {
    found(match frame.direction {
        FrameDirection::ToClient => control.sockets.send(&id, &frame.text),
        FrameDirection::FromClient => control.sockets.receive(&id, &frame.text),
    })
}

/// Closes a connection with a close frame, as a function does.
pub(super) async fn close(State(control): State<Control>, Path(id): Path<String>) -> StatusCode {
    found(control.sockets.close(&id))
}

/// Cuts a connection without a close frame, as a network does.
pub(super) async fn cut(State(control): State<Control>, Path(id): Path<String>) -> StatusCode {
    found(control.sockets.cut(&id))
}

/// Cuts every connection.
pub(super) async fn cut_all(State(control): State<Control>) -> StatusCode {
    control.sockets.cut_all();
    StatusCode::NO_CONTENT
}

/// Lets the token of a connection end now. The next frame to it, or from it, is refused because the token has expired.
pub(super) async fn expire(State(control): State<Control>, Path(id): Path<String>) -> Result<StatusCode, StatusCode> {
    let database = control.database()?;
    let table = control.declaration.table_name("connections");
    let partition = format!("CONNECTION#{id}");
    let items = database.partition(&table, &partition).unwrap_or_default();
    let user = items.iter().find_map(|item| item["userId"]["S"].as_str()).ok_or(StatusCode::NOT_FOUND)?;
    // Functions allow a minute for clocks that differ.
    let past = control.clock.now().plus_seconds(-600).to_string();
    let update = |key: Value, path: &str, name: Option<(&str, String)>| {
        let mut request = json!({
            "TableName": table,
            "Key": key,
            "UpdateExpression": format!("SET {path} = :past"),
            "ConditionExpression": "attribute_exists(pk)",
            "ExpressionAttributeValues": {":past": {"S": past}},
        });
        if let Some((placeholder, name)) = name {
            request["ExpressionAttributeNames"] = json!({placeholder: name});
        }
        database.update(request).map_err(|_| StatusCode::CONFLICT)
    };
    update(json!({"pk": {"S": partition}, "sk": {"S": "CONNECTION"}}), "tokenExpiresAt", None)?;
    // The person's list has a copy of each connection, which deliveries go by.
    let listed = json!({"pk": {"S": format!("USER#{user}")}, "sk": {"S": "CONNECTIONS"}});
    update(listed, "#connection.tokenExpiresAt", Some(("#connection", format!("connection:{id}"))))?;
    Ok(StatusCode::NO_CONTENT)
}
