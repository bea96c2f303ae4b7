//! `$connect`: the only gate. Nothing is posted here: the connection is not open until this has answered.

use aws_lambda_events::apigw::{ApiGatewayProxyResponse, ApiGatewayWebsocketProxyRequest};
use http::HeaderMap;
use realtime::{Connection, MAX_PER_USER};
use serde_json::{Value, json};
use shared_utils::auth::Caller;
use shared_utils::http::Error;

use crate::{App, reply};

/// The longest `tabId` that is kept.
const MAX_TAB_ID: usize = 64;

pub(crate) async fn handle(app: &App, event: &ApiGatewayWebsocketProxyRequest) -> Result<ApiGatewayProxyResponse, Error> {
    // A page of another site could open a socket with what it stole; its browser says where it comes from.
    if let Some(origin) = header(&event.headers, "origin")
        && !app.edge.cors.allows(origin)
    {
        return Err(Error::Forbidden);
    }
    let query = &event.query_string_parameters;
    let token = query.first("token").ok_or(Error::MissingToken)?;
    // Two credentials are none.
    if event.multi_value_query_string_parameters.all("token").is_some_and(|tokens| tokens.len() > 1) {
        return Err(Error::InvalidToken);
    }
    let now = app.edge.clock.now();
    let caller = app.edge.verifier.verify(token, now)?;
    app.revocations.admit(&caller).await?;
    if caller.pending {
        return Err(Error::AccountPending);
    }
    let tab_id = query.first("tabId").filter(|tab| (1..=MAX_TAB_ID).contains(&tab.len())).map(str::to_owned);
    let connection = connection(app, event, &caller, tab_id)?;
    let all = app.connections.add(&connection).await?;
    end_surplus(app, all, &connection);
    Ok(reply::status(200))
}

fn connection(app: &App, event: &ApiGatewayWebsocketProxyRequest, caller: &Caller, tab_id: Option<String>) -> Result<Connection, Error> {
    let now = app.edge.clock.now();
    let connection_id = event.request_context.connection_id.clone().ok_or_else(|| Error::internal("a connect event without a connection id"))?;
    Ok(Connection {
        connection_id,
        user_id: caller.user,
        session_id: caller.session,
        role: caller.role,
        version: caller.version,
        token_expires_at: caller.expires_at,
        connected_at: now,
        expires_at: Connection::expiry(now),
        tab_id,
        strikes: 0,
    })
}

/// After the answer: the old connection of the same tab goes, then the oldest ones over the limit.
fn end_surplus(app: &App, all: Vec<Connection>, new: &Connection) {
    let now = app.edge.clock.now();
    // What a missed `$disconnect` left on the person's list would stay there for good.
    for dead in all.iter().filter(|other| other.expires_at <= now) {
        let (connections, user, id) = (app.connections.clone(), dead.user_id, dead.connection_id.clone());
        app.after.push(async move {
            let _ = connections.unlist(user, &id).await;
        });
    }
    let (replaced, kept): (Vec<_>, Vec<_>) = all
        .into_iter()
        .filter(|other| other.connection_id != new.connection_id && other.expires_at > now)
        .partition(|other| other.tab_id.is_some() && other.tab_id == new.tab_id);
    let surplus = (kept.len() + 1).saturating_sub(MAX_PER_USER);
    let ended =
        replaced.into_iter().map(|other| (other, "replaced")).chain(kept.into_iter().take(surplus).map(|other| (other, "too_many_connections")));
    for (connection, reason) in ended {
        let announcer = app.announcer.clone();
        let frame: Value = json!({"action": "closing", "reason": reason, "reconnect": false});
        app.after.push(async move { announcer.end(&connection, &frame).await });
    }
}

/// A header of a WebSocket event: names come as the client spelled them, and the map looks them up in any case.
fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}
