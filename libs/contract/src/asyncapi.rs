//! The socket as an `AsyncAPI` 3.0 document.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::codes;
use crate::examples;
use crate::fields::describe;
use crate::schemas::{Schemas, close};

/// What each action does.
const ACTIONS: &[(&str, &str)] = &[
    ("auth", "Renews the connection with a fresh token of the same person."),
    ("deleteMessage", "Deletes a message, as `DELETE /messages/{id}` does."),
    ("editMessage", "Edits a message, as `PATCH /messages/{id}` does."),
    ("lineLocked", "Locks a line of a budget for a minute, or renews the lock."),
    ("lineUnlocked", "Releases a lock."),
    ("markRead", "Moves the read marker, as `PUT /messages/conversations/{id}/read` does."),
    ("ping", "Keeps the connection open. The reply has the server's time."),
    ("presenceLookup", "Asks who is online."),
    ("sendMessage", "Sends a message, as `POST /messages/conversations/{id}/messages` does."),
    ("toggleReaction", "Sets or takes back a reaction; without `on` whichever of the two changes something."),
    ("typing", "Says that the sender is writing. The others are told at most once in three seconds."),
];

/// The schema of each frame that a client may send, by its action.
///
/// # Panics
/// When an action is not described.
pub fn client_frames() -> BTreeMap<String, Value> {
    let reference = json!({"anyOf": [{"type": "string", "maxLength": 64}, {"type": "number"}]});
    let mut frames = BTreeMap::new();
    for (name, mut schema, ignored) in ws_provider::frame_schemas() {
        let (_, text) = ACTIONS.iter().find(|(action, _)| *action == name).unwrap_or_else(|| panic!("{name} is not described"));
        if name == "sendMessage" {
            messaging::message::allow_attachments_alone(&mut schema);
            require(&mut schema, "optimisticId");
        }
        if name == "editMessage" {
            messaging::message::allow_no_text(&mut schema);
        }
        require(&mut schema, "action");
        schema["description"] = json!(text);
        schema["properties"]["action"] = json!({"const": name});
        schema["properties"]["ref"] = reference.clone();
        for ignored in ignored {
            if schema["properties"].get(ignored).is_none() {
                schema["properties"][ignored] = json!({"deprecated": true, "description": "Ignored."});
            }
        }
        describe(&mut schema, "");
        frames.insert(name.to_owned(), schema);
    }
    for name in ws_provider::ACKNOWLEDGED {
        let schema = json!({
            "type": "object",
            "deprecated": true,
            "description": "Acknowledged and ignored: the server broadcasts such changes by itself.",
            "required": ["action"],
            "properties": {"action": {"const": name}, "ref": reference},
            "additionalProperties": true,
        });
        frames.insert((*name).to_owned(), schema);
    }
    frames
}

fn require(schema: &mut Value, name: &str) {
    match schema["required"].as_array_mut() {
        Some(required) => {
            if !required.iter().any(|known| known == name) {
                required.push(json!(name));
            }
        }
        None => schema["required"] = json!([name]),
    }
}

/// The schema of each frame that the server sends, by its action.
pub(crate) fn server_frames(schemas: &mut Schemas) -> BTreeMap<String, Value> {
    let mut frames = BTreeMap::new();
    for all in [
        schemas.of::<messaging::frames::Frame>(),
        schemas.of::<realtime::LockFrame>(),
        schemas.of::<projects_router::ProjectFrame<'static>>(),
        schemas.of::<ws_provider::Reply<'static>>(),
    ] {
        let name = all["$ref"].as_str().and_then(|path| path.rsplit('/').next()).unwrap_or_default().to_owned();
        let variants = schemas.generator().definitions().get(&name).and_then(|union| union["oneOf"].as_array().cloned()).unwrap_or_default();
        for mut variant in variants {
            let action = variant["properties"]["action"]["const"].as_str().unwrap_or_default().to_owned();
            allow_truncation(&mut variant, schemas);
            frames.insert(action, variant);
        }
    }
    schemas.of::<realtime::CloseFrame>();
    let close = schemas.generator().definitions()["CloseFrame"].clone();
    for (action, reasons) in realtime::CloseReason::by_action() {
        let mut frame = close.clone();
        frame["properties"]["action"] = json!({"const": action});
        frame["properties"]["reason"]["enum"] = json!(reasons);
        frames.insert(action.to_owned(), frame);
    }
    frames
}

/// A frame over 32 KB comes without what makes it large, and says so.
fn allow_truncation(frame: &mut Value, schemas: &mut Schemas) {
    if let Some(message) = frame["properties"].get_mut("message") {
        let mut short = schemas.generator().definitions()["Message"].clone();
        short["properties"]["reactions"] = json!({"type": "null", "description": "Null where the frame was truncated."});
        *message = json!({"anyOf": [message.take(), short]});
    }
    if frame["properties"].get("truncated").is_none() {
        frame["properties"]["truncated"] =
            json!({"const": true, "description": "The frame was over 32 KB: parts of it are null or empty. Fetch the resource."});
    }
    for part in ["reactions", "fields"] {
        if let Some(schema) = frame["properties"].get_mut(part) {
            *schema = json!({"anyOf": [schema.take(), {"type": "null"}]});
        }
    }
}

fn message(prefix: &str, name: &str, schema: &Value) -> Value {
    let mut payload = schema.clone();
    close(&mut payload);
    let mut message = json!({"name": name, "title": name, "summary": schema["description"], "contentType": "application/json", "payload": payload});
    if let Some(example) = examples::of(&format!("frame {prefix}.{name}")) {
        message["examples"] = json!([{"payload": example}]);
    }
    message
}

/// The document.
pub fn document() -> Value {
    let mut schemas = Schemas::new();
    let server = server_frames(&mut schemas);
    let client = client_frames();
    let messages = |prefix: &str, frames: &BTreeMap<String, Value>| -> BTreeMap<String, Value> {
        frames.iter().map(|(name, schema)| (format!("{prefix}.{name}"), message(prefix, name, schema))).collect()
    };
    let (sent, received) = (messages("client", &client), messages("server", &server));
    let all: BTreeMap<&String, Value> =
        sent.keys().chain(received.keys()).map(|name| (name, json!({"$ref": format!("#/components/messages/{name}")}))).collect();
    let on_channel = |names: &BTreeMap<String, Value>| -> Vec<Value> {
        names.keys().map(|name| json!({"$ref": format!("#/channels/socket/messages/{name}")})).collect()
    };
    let operations = json!({
        "receive": {
            "action": "receive",
            "channel": {"$ref": "#/channels/socket"},
            "summary": "Frames that a client sends.",
            "description": "Each frame has one reply: `ack`, `error`, `pong` or `presenceSnapshot`, with the `ref` of the frame.",
            "messages": on_channel(&sent),
        },
        "send": {
            "action": "send",
            "channel": {"$ref": "#/channels/socket"},
            "summary": "Frames that the server sends.",
            "description": "Replies to frames, and what happens in the receiver's conversations and projects.",
            "messages": on_channel(&received),
        },
    });
    let mut components = schemas.into_components();
    components.values_mut().for_each(close);
    json!({
        "asyncapi": "3.0.0",
        "info": {
            "title": "MYLG socket",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "docs/realtime.md has what a schema cannot say: how to connect, what is promised, how to catch up.",
            "license": {"name": "MIT"},
            "contact": {"name": "The MYLG team", "url": "https://mylg.studio", "email": "api@mylg.studio"},
            "tags": [{"name": "messages"}, {"name": "projects"}],
        },
        "defaultContentType": "application/json",
        "servers": {"local": {"host": "localhost:3001", "protocol": "ws", "description": "The local stack."}},
        "channels": {"socket": {
            "address": "/",
            "description": "One connection of a person: `?ticket=` with a ticket of `POST /auth/ws-ticket`, or `?token=` with an access token; or the subprotocols `mylg.v1, ticket.<ticket>`. The handshake is refused with 401 (no good credential), 403 (a foreign origin, an account that waits for approval) or 429 (too many connects).",
            "messages": all,
            "bindings": {"ws": {"query": {
                "type": "object",
                "properties": {
                    "ticket": {"type": "string", "description": "A ticket."},
                    "token": {"type": "string", "description": "An access token."},
                    "tabId": {"type": "string", "minLength": 1, "maxLength": 64, "description": "Names the tab: a later connection of the same tab replaces the earlier one."},
                },
            }}},
        }},
        "operations": operations,
        "components": {
            "schemas": components,
            "messages": sent.into_iter().chain(received).collect::<BTreeMap<_, _>>(),
        },
        "x-error-codes": codes::CODES.iter().map(|code| json!({"code": code.code, "when": code.when, "then": code.then})).collect::<Vec<_>>(),
    })
}
