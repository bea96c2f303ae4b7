//! `GET /messages/conversations/{id}/messages`: a page of messages, newest first; with `afterSeq`, oldest first.

use messaging::message::Message;
use messaging::read::Window;
use schemars::JsonSchema;
use serde::Serialize;
use shared_utils::http::{Call, Error, Response};
use shared_utils::ids::ConversationId;

use crate::App;

/// A page of messages.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct MessagePage {
    items: Vec<Message>,
    next_cursor: Option<String>,
    last_seq: u64,
}

pub(super) async fn handle(app: &App, call: Call) -> Result<Response, Error> {
    let caller = call.caller()?;
    let id: ConversationId = call.params.id("id")?;
    let conversation = app.messaging.conversation(caller.user, id).await?;
    let query = call.query(&["limit", "cursor", "beforeSeq", "afterSeq"])?;
    let limit = query.limit()?;
    let (user, name) = (caller.user.to_string(), id.to_string());
    let scope = [user.as_str(), "messages", name.as_str()];
    let window = match (query.get("cursor"), query.number("beforeSeq")?, query.number("afterSeq")?) {
        (None, None, None) => Window::Before(u64::MAX),
        (None, Some(seq), None) => Window::Before(seq),
        (None, None, Some(seq)) => Window::After(seq),
        (Some(cursor), None, None) => window(&app.cursors.open(&scope, cursor).await?)?,
        _ => return Err(Error::parameter("Only one of cursor, beforeSeq and afterSeq.")),
    };
    let items = app.messaging.messages(id, window, limit).await?;
    let last_seq = conversation.head.last_seq;
    let next = match (items.last(), window) {
        (Some(last), Window::Before(_)) if last.seq > 1 => Some(format!("before {}", last.seq)),
        (Some(last), Window::After(_)) if last.seq < last_seq => Some(format!("after {}", last.seq)),
        _ => None,
    };
    let next_cursor = app.cursors.next_page(&scope, next).await?;
    Response::json(200, &MessagePage { items, next_cursor, last_seq })
}

/// Parses the window of messages from an opened cursor.
fn window(place: &str) -> Result<Window, Error> {
    let read = |place: &str| {
        let (direction, seq) = place.split_once(' ')?;
        let seq = seq.parse().ok()?;
        match direction {
            "before" => Some(Window::Before(seq)),
            "after" => Some(Window::After(seq)),
            _ => None,
        }
    };
    read(place).ok_or(Error::InvalidCursor)
}
