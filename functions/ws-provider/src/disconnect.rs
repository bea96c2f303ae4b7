//! `$disconnect`. AWS sends it at best effort: a connection that is missed here expires, or a post finds it gone.

use aws_lambda_events::apigw::{ApiGatewayProxyResponse, ApiGatewayWebsocketProxyRequest};
use shared_utils::http::Error;

use crate::{App, reply};

pub(crate) async fn handle(app: &App, event: &ApiGatewayWebsocketProxyRequest) -> Result<ApiGatewayProxyResponse, Error> {
    let connection_id = event.request_context.connection_id.clone().unwrap_or_default();
    let connection = app.broadcaster.connections().remove(&connection_id).await?;
    app.broadcaster.disconnected_later(connection_id, connection);
    Ok(reply::status(200))
}
