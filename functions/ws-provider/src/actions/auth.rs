//! `auth {token}`: the connection goes on with a fresh token of the same person.

use realtime::{Connection, Ending};
use serde_json::{Value, json};
use shared_utils::http::Error;

use super::Received;
use crate::App;

pub(super) async fn handle(app: &App, received: Received<'_>) -> Result<Value, Error> {
    let mut fields = received.fields;
    let token = fields.string("token", 0..=8192);
    let token = fields.require("token", token).unwrap_or_default();
    fields.finish()?;
    let caller = app.edge.verifier.verify(&token, app.edge.clock.now())?;
    if caller.user != received.connection.user_id {
        // Whoever shares a browser must not take over what the other is told.
        app.broadcaster.end_later(received.connection.clone(), Ending::AnotherPerson);
        return Err(Error::Forbidden);
    }
    app.revocations.admit(&caller).await?;
    if caller.pending {
        return Err(Error::AccountPending);
    }
    let renewed = Connection {
        session_id: caller.session,
        role: caller.role,
        version: caller.version,
        token_expires_at: caller.expires_at,
        told_expired_at: None,
        ..received.connection.clone()
    };
    // It was closed meanwhile, and nobody is left to read this.
    if !app.broadcaster.connections().renew(&renewed).await? {
        return Err(Error::InvalidToken);
    }
    if !received.connection.is_live(app.edge.clock.now()) {
        // For everyone else this person may have been gone.
        app.broadcaster.came_back_later(caller.user);
    }
    Ok(received.echo.ack(json!({"expiresAt": caller.expires_at})))
}
