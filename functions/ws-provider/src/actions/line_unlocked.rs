//! `lineUnlocked {projectId, lineId, revision}`: a budget line is released.

use access::teams::Team;
use serde_json::{Value, json};
use shared_utils::http::Error;

use super::{Received, line_place};
use crate::App;

pub(super) async fn handle(app: &App, received: Received<'_>, team: Option<Team>) -> Result<Value, Error> {
    let (connection, echo) = (received.connection, received.echo);
    let (place, team) = line_place(received, team)?;
    if let Some(released) = app.broadcaster.locks().release(connection, &place).await? {
        app.broadcaster.announce_budget_later(&team.team, released.frame());
    }
    Ok(echo.ack(json!({})))
}
