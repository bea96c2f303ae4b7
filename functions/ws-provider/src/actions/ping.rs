//! `ping`: replies `pong` with the server's time.

use serde_json::{Value, json};
use shared_utils::fields::{FieldLog, Fields};
use shared_utils::http::Error;

use super::{Received, SocketAction};
use crate::App;
use crate::reply::Reply;

pub(super) struct Ping(Result<(), Error>);

impl SocketAction for Ping {
    fn read<L: FieldLog>(fields: &mut Fields<L>) -> Self {
        Self(fields.end().map_err(Error::from))
    }

    async fn handle(self, app: &App, received: Received<'_>) -> Result<Value, Error> {
        self.0?;
        Ok(json!(Reply::Pong { reference: received.echo.reference.clone(), at: app.context.clock.now() }))
    }
}
