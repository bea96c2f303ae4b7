//! `$connect`: decides who may open a socket. No frames are sent here: the connection opens only after this response.

use aws_lambda_events::apigw::{ApiGatewayProxyResponse, ApiGatewayWebsocketProxyRequest};
use http::header::{HeaderValue, SEC_WEBSOCKET_PROTOCOL};
use realtime::{Connection, MAX_PER_USER};
use shared_utils::auth::Caller;
use shared_utils::clock::Timestamp;
use shared_utils::http::Error;

use crate::{App, reply};

/// The longest accepted `tabId`, in bytes. A longer one is ignored.
const MAX_TAB_ID: usize = 64;
/// Our subprotocol. The response selects it if the client offers it.
const PROTOCOL: &str = "mylg.v1";
/// Prefix of a subprotocol that carries a ticket, for clients that cannot set a query.
const TICKET_PROTOCOL: &str = "ticket.";

/// The credential that opens a socket.
enum Credential<'a> {
    Token(&'a str),
    Ticket(&'a str),
}

pub(crate) async fn handle(app: &App, event: &ApiGatewayWebsocketProxyRequest) -> Result<ApiGatewayProxyResponse, Error> {
    // Another site's page could open a socket with a stolen credential. The browser sends that page's `Origin`.
    if event.headers.get("origin").is_some_and(|origin| !app.context.cors.allows(origin)) {
        return Err(Error::Forbidden);
    }
    let protocols = offered(event);
    let caller = match credential(event, &protocols)? {
        Credential::Token(token) => app.context.verifier.verify(token, app.context.clock.now())?,
        Credential::Ticket(ticket) => app.tickets.take(ticket).await?,
    };
    app.revocations.check_session(caller).await?;
    let tab_id = event.query_string_parameters.first("tabId").filter(|tab| (1..=MAX_TAB_ID).contains(&tab.len())).map(str::to_owned);
    let connection = connection(app, event, &caller, tab_id)?;
    let arrival = app.broadcaster.connections().add(&connection, app.rates.connect).await?;
    app.remember(&connection);
    if let Some(at) = arrival.came_at {
        app.broadcaster.came_later(connection.user_id, at);
    }
    close_surplus(app, arrival.all, &connection);
    let mut response = reply::status(200);
    if protocols.iter().any(|protocol| protocol == PROTOCOL) {
        response.headers.insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(PROTOCOL));
    }
    Ok(response)
}

/// The single credential of a connect: a token or ticket in the query, or a ticket in the subprotocols. More than one is refused.
fn credential<'a>(event: &'a ApiGatewayWebsocketProxyRequest, protocols: &'a [String]) -> Result<Credential<'a>, Error> {
    let query = &event.multi_value_query_string_parameters;
    let single = &event.query_string_parameters;
    // Every query value counts. Events without multi-value parameters are supported too.
    let values = |name: &str| query.all(name).filter(|values| !values.is_empty()).or_else(|| single.all(name)).unwrap_or_default();
    let tokens = values("token").into_iter().map(Credential::Token);
    let tickets = values("ticket").into_iter().map(Credential::Ticket);
    let offered = protocols.iter().filter_map(|protocol| protocol.strip_prefix(TICKET_PROTOCOL)).map(Credential::Ticket);
    let mut credentials = tokens.chain(tickets).chain(offered);
    match (credentials.next(), credentials.next()) {
        (None, _) => Err(Error::MissingToken),
        (Some(credential), None) => Ok(credential),
        (Some(_), Some(_)) => Err(Error::InvalidToken),
    }
}

/// The subprotocols that the client offers, in order.
fn offered(event: &ApiGatewayWebsocketProxyRequest) -> Vec<String> {
    let headers = if event.multi_value_headers.contains_key(SEC_WEBSOCKET_PROTOCOL) { &event.multi_value_headers } else { &event.headers };
    let values = headers.get_all(SEC_WEBSOCKET_PROTOCOL).iter().map(|value| String::from_utf8_lossy(value.as_bytes()));
    values
        .flat_map(|value| value.split(',').map(|protocol| protocol.trim().to_owned()).collect::<Vec<_>>())
        .filter(|protocol| !protocol.is_empty())
        .collect()
}

fn connection(app: &App, event: &ApiGatewayWebsocketProxyRequest, caller: &Caller, tab_id: Option<String>) -> Result<Connection, Error> {
    let now = app.context.clock.now();
    // The gateway's own time orders two handshakes correctly.
    let connected_at = Some(event.request_context.connected_at).filter(|millis| *millis > 0).map_or(now, Timestamp::from_millis);
    let connection_id = event.request_context.connection_id.clone().ok_or_else(|| Error::internal("a connect event without a connection id"))?;
    Ok(Connection {
        connection_id,
        user_id: caller.user,
        session_id: caller.session,
        role: caller.role,
        version: caller.version,
        token_expires_at: caller.expires_at,
        connected_at,
        expires_at: Connection::expiry(now),
        tab_id,
        told_expired_at: None,
        ended_at: None,
        last_active_at: None,
        strikes: 0,
        actions_until: 0,
        sends_until: 0,
    })
}

/// After the response, closes older connections of the same tab, then the least recently active connections over the limit.
fn close_surplus(app: &App, all: Vec<Connection>, new: &Connection) {
    let now = app.context.clock.now();
    // Removes expired connections from the person's list. Their `$disconnect` was missed, so nothing else would remove them.
    for dead in all.iter().filter(|other| other.expires_at <= now) {
        let (connections, user, id) = (app.broadcaster.connections().clone(), dead.user_id, dead.connection_id.clone());
        app.broadcaster.background_tasks().push(async move {
            let _ = connections.remove_from_list(user, &id).await;
        });
    }
    let (of_tab, others): (Vec<_>, Vec<_>) =
        all.into_iter().filter(|other| other.is_open(now)).partition(|other| new.tab_id.is_some() && other.tab_id == new.tab_id);
    // Oldest first by the gateway's time: the same connection stays, whichever of two concurrent handlers finishes last.
    if let Some((latest, replaced)) = of_tab.split_last() {
        for old in replaced {
            app.broadcaster.replace_later(old.clone(), latest.clone());
        }
    }
    let others: Vec<_> = others.into_iter().filter(|other| other.connection_id != new.connection_id).collect();
    let surplus = (others.len() + 1).saturating_sub(MAX_PER_USER);
    if surplus > 0 {
        app.broadcaster.close_surplus_later(others, surplus);
    }
}
