//! `$disconnect`: best effort by nature; whoever is missed here expires by itself, or is found gone by a post.

use std::collections::HashMap;

use access::teams::{TeamRole, Teams, at_least};
use aws_lambda_events::apigw::{ApiGatewayProxyResponse, ApiGatewayWebsocketProxyRequest};
use messaging::presence::Presence;
use realtime::Locks;
use shared_utils::after_answer::AfterAnswer;
use shared_utils::http::Error;
use shared_utils::ids::ProjectId;

use crate::{App, reply};

pub(crate) async fn handle(app: &App, event: &ApiGatewayWebsocketProxyRequest) -> Result<ApiGatewayProxyResponse, Error> {
    let connection_id = event.request_context.connection_id.clone().unwrap_or_default();
    if let Some(connection) = app.connections.take(&connection_id).await? {
        let (connections, presence, last) = (app.connections.clone(), app.presence.clone(), app.after.clone());
        app.after.push(async move {
            match connections.leave(connection.user_id, &connection.connection_id).await {
                // It takes its time, and comes after all else.
                Ok(departure) => presence.went_later(&last, departure.into_iter().collect()),
                Err(error) => tracing::warn!(cause = Error::from(error).cause(), "a closed connection could not be taken off its user's list"),
            }
        });
    }
    // Also of a connection that another function has ended, and whose item is gone.
    let (locks, teams, presence, after) = (app.locks.clone(), app.teams.clone(), app.presence.clone(), app.after.clone());
    app.after.push(async move {
        if let Err(error) = give_locks_back(&locks, &teams, &presence, &after, &connection_id).await {
            tracing::warn!(cause = error.cause(), "the locks of a closed connection could not be given back; they expire by themselves");
        }
    });
    Ok(reply::status(200))
}

/// Gives back what a connection had locked, and tells those who may see the budgets.
async fn give_locks_back(locks: &Locks, teams: &Teams, presence: &Presence, after: &AfterAnswer, connection_id: &str) -> Result<(), Error> {
    let given_back = locks.give_all_back(connection_id).await?;
    let projects: Vec<ProjectId> = given_back.iter().map(|lock| lock.place.project_id).collect();
    let teams: HashMap<ProjectId, _> = teams.find_many(&projects).await?.into_iter().map(|team| (team.project_id, team.team)).collect();
    for lock in given_back {
        if let Some(team) = teams.get(&lock.place.project_id) {
            presence.announce_later(after, at_least(team, TeamRole::Editor), lock.place.unlocked_frame(lock.user_id));
        }
    }
    Ok(())
}
