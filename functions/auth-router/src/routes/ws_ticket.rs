//! `POST /auth/ws-ticket`: issues a ticket with which a browser opens a socket.

use schemars::JsonSchema;
use serde::Serialize;
use shared_utils::http::{Call, Error, Response};

use crate::App;

/// A ticket for one socket.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TicketResponse {
    ticket: String,
    /// In seconds.
    expires_in: i64,
}

pub(super) async fn handle(app: &App, call: Call) -> Result<Response, Error> {
    let session = app.revocations.check_session(call.caller()?).await?;
    shared_utils::fields::Fields::new(call.body).finish()?;
    let expires_in = app.tokens.lifetimes.ticket;
    let ticket = app.tickets.issue(&session, expires_in, app.rates.ticket).await?;
    Response::json(200, &TicketResponse { ticket, expires_in })
}
