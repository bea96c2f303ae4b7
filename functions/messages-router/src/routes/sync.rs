//! `GET /messages/sync`: changes in the caller's conversations since a cursor. Without a cursor, returns the current cursor.

use messaging::inbox::UnreadNotifications;
use messaging::sync::{Change, SyncCursor};
use schemars::JsonSchema;
use serde::Serialize;
use shared_utils::http::{Call, Error, Response};
use shared_utils::ids::ConversationId;

use crate::App;

/// What has changed since a cursor.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SyncPage {
    changes: Vec<Change>,
    cursor: String,
    more: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    conversation_ids: Option<Vec<ConversationId>>,
    notifications: UnreadNotifications,
}

pub(super) async fn handle(app: &App, call: Call) -> Result<Response, Error> {
    let caller = call.caller()?;
    let query = call.query(&["since", "limit"])?;
    let limit = query.limit()?;
    let user = caller.user.to_string();
    let scope = [user.as_str(), "sync"];
    let page = match query.get("since") {
        Some(cursor) => {
            let bytes = app.cursors.open_bytes(&scope, cursor).await?;
            if SyncCursor::is_outdated(&bytes) {
                return Err(Error::CursorExpired);
            }
            let since = SyncCursor::from_bytes(&bytes).ok_or(Error::InvalidCursor)?;
            app.messaging.sync(caller.user, since, limit).await?
        }
        None => app.messaging.sync_from_now(caller.user).await?,
    };
    let cursor = app.cursors.seal(&scope, page.cursor.to_bytes()).await?;
    let (changes, conversation_ids, notifications) = (page.changes, page.conversation_ids, page.notifications);
    Response::json(200, &SyncPage { changes, cursor, more: page.more, conversation_ids, notifications })
}
