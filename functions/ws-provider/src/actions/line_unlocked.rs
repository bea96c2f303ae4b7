//! `lineUnlocked {projectId, lineId, revision}`: a budget line is given back.

use access::teams::{Team, TeamRole, at_least};
use serde_json::{Value, json};
use shared_utils::http::Error;

use super::{Received, line_place};
use crate::App;

pub(super) async fn handle(app: &App, received: Received<'_>, team: Option<Team>) -> Result<Value, Error> {
    let (connection, echo) = (received.connection, received.echo);
    let (place, team) = line_place(received, team)?;
    app.locks.give_back(&connection.connection_id, &place).await?;
    app.announce_later(at_least(&team.team, TeamRole::Editor), place.unlocked_frame(connection.user_id));
    Ok(echo.ack(json!({})))
}
