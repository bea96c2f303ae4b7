//! `presenceLookup`: `presenceSnapshot` of those who are online among the people whom the caller shares something with.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use shared_utils::http::Error;
use shared_utils::ids::UserId;

use super::Received;
use crate::App;

/// As many ids as fit into a frame.
const MAX_LISTED: usize = 900;

pub(super) async fn handle(app: &App, received: Received<'_>, contacts: Option<BTreeSet<UserId>>) -> Result<Value, Error> {
    let user = received.connection.user_id;
    received.fields.finish()?;
    let at = app.edge.clock.now();
    let people: Vec<UserId> = match contacts {
        Some(people) => people.into_iter().collect(),
        None => app.messaging.contacts(user).await?.into_iter().collect(),
    };
    let online = app.broadcaster.connections().online(&people).await?;
    let truncated = online.len() >= MAX_LISTED;
    // Whoever asks is here.
    let online: Vec<UserId> = std::iter::once(user).chain(online.into_keys()).take(MAX_LISTED).collect();
    let mut snapshot = json!({"action": "presenceSnapshot", "ref": received.echo.reference, "userIds": online, "at": at});
    if truncated {
        snapshot["truncated"] = json!(true);
    }
    Ok(snapshot)
}
