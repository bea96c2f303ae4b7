//! `POST /auth/ws-ticket`: issues a ticket with which a browser opens a socket.

use serde::Serialize;
use shared_utils::http::{Call, Error, Response};

use crate::App;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    ticket: String,
    /// In seconds.
    expires_in: i64,
}

pub(super) async fn handle(app: &App, call: Call) -> Result<Response, Error> {
    let session = app.revocations.check_session(call.caller()?).await?;
    shared_utils::fields::Fields::new(call.body).finish()?;
    let expires_in = app.tokens.lifetimes.ticket;
    let ticket = app.tickets.issue(&session, expires_in, app.rates.ticket).await?;
    Response::json(200, &Answer { ticket, expires_in })
}
