//! `GET /messages/notifications`: the caller's notifications, the latest first.

use messaging::notification::Notification;
use schemars::JsonSchema;
use serde::Serialize;
use shared_utils::http::{Call, Error, Response};

use crate::App;

/// A page of notifications.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct NotificationPage {
    items: Vec<Notification>,
    next_cursor: Option<String>,
    /// Number of unread notifications, on all pages. 100 means 100 or more.
    unread: usize,
}

pub(super) async fn handle(app: &App, call: Call) -> Result<Response, Error> {
    let caller = call.caller()?;
    let query = call.query(&["limit", "cursor", "unread"])?;
    let limit = query.limit()?;
    let (only_unread, filter) = match query.get("unread") {
        None | Some("false") => (false, "all"),
        Some("true") => (true, "unread"),
        Some(_) => return Err(Error::parameter("unread must be true or false.")),
    };
    let user = caller.user.to_string();
    let scope = [user.as_str(), "notifications", filter];
    let start = app.cursors.page_start(&scope, query.get("cursor")).await?;
    let before = start.map(|start| start.parse().map_err(|_| Error::InvalidCursor)).transpose()?;
    let page = app.messaging.notifications(caller.user, before, only_unread, limit).await?;
    let next = page.items.last().filter(|_| page.more).map(|last| last.notification_id.to_string());
    let next_cursor = app.cursors.next_page(&scope, next).await?;
    Response::json(200, &NotificationPage { items: page.items, next_cursor, unread: page.unread })
}
