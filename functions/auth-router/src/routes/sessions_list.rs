//! `GET /auth/sessions`: the caller's sessions, most recently used first.

use schemars::JsonSchema;
use serde::Serialize;
use shared_utils::clock::Timestamp;
use shared_utils::http::{Call, Error, Response};
use shared_utils::ids::SessionId;

use crate::App;

/// A session of the caller.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Session {
    session_id: SessionId,
    created_at: Timestamp,
    last_used_at: Timestamp,
    user_agent: Option<String>,
    ip: String,
    /// Whether this is the caller's session.
    current: bool,
}

/// The sessions of the caller.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SessionList {
    items: Vec<Session>,
    /// Always null: a user's sessions fit on one page.
    next_cursor: Option<String>,
}

pub(super) async fn handle(app: &App, call: Call) -> Result<Response, Error> {
    let caller = call.caller()?;
    call.query(&[])?;
    let now = app.context.clock.now();
    let (_, families) = app.store.user_with_token_families(caller.user).await?;
    let mut items: Vec<_> = families
        .into_iter()
        .filter(|family| family.is_live(now))
        .map(|family| Session {
            current: family.session_id == caller.session,
            session_id: family.session_id,
            created_at: family.created_at,
            last_used_at: family.last_used_at,
            user_agent: Some(family.user_agent).filter(|agent| !agent.is_empty()),
            ip: family.ip,
        })
        .collect();
    items.sort_by_key(|session| std::cmp::Reverse((session.last_used_at, session.session_id)));
    Response::json(200, &SessionList { items, next_cursor: None })
}
