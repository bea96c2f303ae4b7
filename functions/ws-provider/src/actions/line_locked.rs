//! `lineLocked {projectId, lineId, revision}`: a budget line is taken for editing, or held on to. For a minute, unless renewed.

use access::teams::{Team, TeamRole, at_least};
use serde_json::{Value, json};
use shared_utils::http::Error;

use super::{Received, line_place};
use crate::App;

pub(super) async fn handle(app: &App, received: Received<'_>, team: Option<Team>) -> Result<Value, Error> {
    let (connection, echo) = (received.connection, received.echo);
    let (place, team) = line_place(received, team)?;
    let lock = app.locks.take(connection, place).await?;
    app.announce_later(at_least(&team.team, TeamRole::Editor), lock.locked_frame());
    Ok(echo.ack(json!({"lock": lock.to_json()})))
}
