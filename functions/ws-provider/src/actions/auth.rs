//! `auth {token}`: renews the connection with a fresh token of the same person.

use realtime::{CloseReason, Connection};
use serde_json::Value;
use shared_utils::fields::{FieldLog, Fields};
use shared_utils::http::Error;

use super::{Received, SocketAction};
use crate::App;
use crate::reply::Done;

pub(super) struct Auth(Result<String, Error>);

impl SocketAction for Auth {
    const RENEWS: bool = true;

    fn read<L: FieldLog>(fields: &mut Fields<L>) -> Self {
        let token = fields.string("token", 0..=8192);
        let token = fields.require("token", token).unwrap_or_default();
        Self(fields.end().map(|()| token).map_err(Error::from))
    }

    async fn handle(self, app: &App, received: Received<'_>) -> Result<Value, Error> {
        let caller = app.context.verifier.verify(&self.0?, app.context.clock.now())?;
        if caller.user != received.connection.user_id {
            // Two people may share a browser. Neither may receive the other's frames.
            app.broadcaster.close_later(received.connection.clone(), CloseReason::AnotherPerson);
            return Err(Error::Forbidden);
        }
        app.revocations.check_session(caller).await?;
        let renewed = Connection {
            session_id: caller.session,
            role: caller.role,
            version: caller.version,
            token_expires_at: caller.expires_at,
            told_expired_at: None,
            ..received.connection.clone()
        };
        // `false`: the connection was closed meanwhile, so nobody receives this reply.
        if !app.broadcaster.connections().renew(&renewed).await? {
            return Err(Error::InvalidToken);
        }
        if !received.connection.is_live(app.context.clock.now()) {
            // Other people may have seen this person as offline.
            app.broadcaster.came_back_later(caller.user);
        }
        Ok(received.echo.ack(Done { expires_at: Some(caller.expires_at), ..Done::default() }))
    }
}
