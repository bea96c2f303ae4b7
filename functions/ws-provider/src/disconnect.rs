//! `$disconnect`. AWS delivers it on a best-effort basis. A missed connection expires, or is removed when a post returns 410.

use aws_lambda_events::apigw::{ApiGatewayProxyResponse, ApiGatewayWebsocketProxyRequest};
use shared_utils::http::Error;

use crate::{App, reply};

pub(crate) async fn handle(app: &App, event: &ApiGatewayWebsocketProxyRequest) -> Result<ApiGatewayProxyResponse, Error> {
    let connection_id = event.request_context.connection_id.clone().unwrap_or_default();
    let connection = app.broadcaster.connections().remove(&connection_id).await?;
    if let Some(connection) = &connection {
        app.remember(connection);
    }
    app.broadcaster.disconnected_later(connection_id, connection);
    Ok(reply::status(200))
}
