//! `whoAmI`: the id of the connection's person.

use serde_json::{Value, json};
use shared_utils::fields::Fields;
use shared_utils::http::Error;

use super::{Received, SocketAction};
use crate::App;

pub(super) struct WhoAmI(Result<(), Error>);

impl SocketAction for WhoAmI {
    fn read(fields: Fields) -> Self {
        Self(fields.finish().map_err(Error::from))
    }

    async fn handle(self, _: &App, received: Received<'_>) -> Result<Value, Error> {
        self.0?;
        Ok(received.echo.ack(json!({"userId": received.connection.user_id})))
    }
}
