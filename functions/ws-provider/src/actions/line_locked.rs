//! `lineLocked {projectId, lineId, revision}`: a budget line is taken for editing, or held on to. For a minute, unless renewed.

use access::teams::Team;
use serde_json::{Value, json};
use shared_utils::http::Error;

use super::{Received, line_place};
use crate::App;

pub(super) async fn handle(app: &App, received: Received<'_>, team: Option<Team>) -> Result<Value, Error> {
    let (connection, echo) = (received.connection, received.echo);
    let (place, team) = line_place(received, team)?;
    let lock = app.broadcaster.locks().take(connection, place).await?;
    app.broadcaster.announce_budget_later(&team.team, lock.locked_frame());
    Ok(echo.ack(json!({"lock": lock.to_json()})))
}
