//! `POST /messages/conversations`: opens a new conversation or returns the existing one.

use std::collections::BTreeSet;

use messaging::conversation::ConversationKind;
use messaging::frames;
use messaging::group::MAX_GROUP;
use messaging::notification::Notification;
use messaging::open::NewConversation;
use serde_json::{Value, json};
use shared_utils::fields::{FieldError, FieldLog, FieldPath, Fields, TextSchema};
use shared_utils::http::idempotency;
use shared_utils::http::{Call, Error, Response};
use shared_utils::ids::{ProjectId, UserId};

use crate::App;

pub(super) async fn handle(app: &App, call: Call) -> Result<Response, Error> {
    let caller = call.caller()?;
    let key = idempotency::key_of(&call.request, &call.body)?;
    let mut fields = Fields::new(call.body);
    let read = read(&mut fields, caller.user);
    fields.finish()?;
    let (new, named) = read?.ok_or_else(|| Error::internal("a conversation without faults and without a value"))?;
    let outcome = app.messaging.open(caller.user, new, &named, key, app.revocations.check_session(caller)).await?;
    let view = outcome.conversation.view(caller.user);
    if let Some(session) = &outcome.opener {
        let people = outcome.conversation.participants();
        let frames = people.iter().map(|person| (*person, frames::conversation_added(&outcome.conversation, *person)));
        app.broadcaster.broadcast_each_later(frames.collect());
        app.broadcaster.introduce_later(people.clone(), Vec::new());
        let head = &outcome.conversation.head;
        app.broadcaster.notify_later(people, Notification::conversation_added(session, head.conversation_id, head.created_at));
    }
    let response = Response::json(if outcome.created { 201 } else { 200 }, &view)?;
    let response =
        if outcome.created { response.with_header("location", format!("/messages/conversations/{}", view.conversation_id)) } else { response };
    Ok(if outcome.replayed { response.with_header("idempotent-replayed", "true") } else { response })
}

/// What the body asks for, and the people it names, in its order. `None` where that cannot be told.
pub(crate) fn read<L: FieldLog>(fields: &mut Fields<L>, caller: UserId) -> Result<Option<(NewConversation, Vec<UserId>)>, Error> {
    let kind = fields.parsed::<ConversationKind>("type", "One of direct, group, project.");
    let kind = fields.require("type", kind);
    let named = match kind {
        Some(ConversationKind::Direct | ConversationKind::Group) => read_participants(fields),
        _ => Vec::new(),
    };
    let others: BTreeSet<UserId> = named.iter().copied().filter(|user| *user != caller).collect();
    let new = match kind {
        Some(ConversationKind::Direct) => match others.iter().next() {
            Some(other) if others.len() == 1 => Some(NewConversation::Direct(*other)),
            _ => {
                let alone = others.is_empty() && !named.is_empty();
                let path = if alone { FieldPath::from(["participants", "0"]) } else { "participants".into() };
                fields.fault_at(&path, "invalid_value", "A direct conversation is with one other person.");
                None
            }
        },
        Some(ConversationKind::Group) => {
            if others.is_empty() || others.len() >= MAX_GROUP {
                fields.fault("participants", "out_of_range", "A group has 2 to 50 people.");
            }
            Some(NewConversation::Group { title: fields.required_string("title", 1..=120), others: others.into_iter().collect() })
        }
        Some(ConversationKind::Project) => {
            let project = fields.raw("projectId", || json!({"type": "string"}));
            match fields.require("projectId", project) {
                // No project has a malformed id.
                Some(Value::String(id)) => Some(NewConversation::Project(id.parse::<ProjectId>().map_err(|_| Error::NotFound)?)),
                Some(_) => {
                    fields.fault("projectId", "wrong_type", "This must be a text.");
                    None
                }
                None => None,
            }
        }
        None => {
            fields.ignore(&["participants", "title", "projectId"]);
            None
        }
    };
    Ok(new.map(|new| (new, named)))
}

/// The people named. A malformed id is an error at its index.
fn read_participants<L: FieldLog>(fields: &mut Fields<L>) -> Vec<UserId> {
    let entries = fields.array("participants", MAX_GROUP, UserId::text_schema);
    let Some(entries) = fields.require("participants", entries) else { return Vec::new() };
    let mut faults = Vec::new();
    let mut named = Vec::with_capacity(entries.len());
    for (path, entry) in entries {
        match entry.as_str().map(str::parse) {
            Some(Ok(user)) => named.push(user),
            Some(Err(_)) => faults.push(FieldError::new(path, "invalid_value", "There is no such active person.")),
            None => faults.push(FieldError::new(path, "wrong_type", "This must be a user id.")),
        }
    }
    fields.add(faults);
    named
}
