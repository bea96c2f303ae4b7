//! `$disconnect`: best effort by nature; whoever is missed here expires by itself, or is found gone by a post.

use aws_lambda_events::apigw::{ApiGatewayProxyResponse, ApiGatewayWebsocketProxyRequest};
use shared_utils::http::Error;

use crate::{App, reply};

pub(crate) async fn handle(app: &App, event: &ApiGatewayWebsocketProxyRequest) -> Result<ApiGatewayProxyResponse, Error> {
    let connection_id = event.request_context.connection_id.as_deref().unwrap_or_default();
    if let Some(connection) = app.connections.take(connection_id).await? {
        let connections = app.connections.clone();
        app.after.push(async move {
            if let Err(error) = connections.unlist(connection.user_id, &connection.connection_id).await {
                tracing::warn!(cause = Error::from(error).cause(), "a closed connection could not be taken off its user's list");
            }
        });
    }
    Ok(reply::status(200))
}
