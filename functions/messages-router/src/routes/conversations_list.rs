//! `GET /messages/conversations`: the caller's conversations, latest activity first.

use messaging::conversation::{Conversation, ConversationView};
use schemars::JsonSchema;
use serde::Serialize;
use shared_utils::http::{Call, Error, Response};
use shared_utils::ids::ConversationId;

use crate::App;

/// A page of conversations.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ConversationPage {
    items: Vec<ConversationView>,
    next_cursor: Option<String>,
}

pub(super) async fn handle(app: &App, call: Call) -> Result<Response, Error> {
    let caller = call.caller()?;
    let query = call.query(&["limit", "cursor"])?;
    let limit = query.limit()?;
    let user = caller.user.to_string();
    let scope = [user.as_str(), "conversations"];
    let start = app.cursors.page_start(&scope, query.get("cursor")).await?;
    let before = start.as_deref().map(sort_key).transpose()?;
    let conversations = app.messaging.conversations(caller.user).await?;
    let mut rest = conversations.iter().filter(|conversation| before.is_none_or(|before| conversation.head.sort_key() < before));
    let page: Vec<&Conversation> = rest.by_ref().take(limit).collect();
    let next = page.last().filter(|_| rest.next().is_some()).map(|last| {
        let (at, id) = last.head.sort_key();
        format!("{at} {id}")
    });
    let next_cursor = app.cursors.next_page(&scope, next).await?;
    let items = page.into_iter().map(|conversation| conversation.view(caller.user)).collect();
    Response::json(200, &ConversationPage { items, next_cursor })
}

/// Parses a page cursor: the last conversation's activity time and its id.
fn sort_key(text: &str) -> Result<(i64, ConversationId), Error> {
    let read = |text: &str| {
        let (at, id) = text.split_once(' ')?;
        Some((at.parse().ok()?, id.parse().ok()?))
    };
    read(text).ok_or(Error::InvalidCursor)
}
