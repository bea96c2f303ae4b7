//! What a client can send: one file per action. Every frame gets one reply.

mod delete_message;
mod edit_message;
mod ping;
mod send_message;

use aws_lambda_events::apigw::{ApiGatewayProxyResponse, ApiGatewayWebsocketProxyRequest};
use realtime::Connection;
use serde_json::{Map, Value, json};
use shared_utils::http::fields::Fields;
use shared_utils::http::{Error, json};
use shared_utils::ids::{ConversationId, MessageId};

use crate::App;
use crate::reply::{self, Echo};

/// The largest frame that is read, in bytes.
const MAX_FRAME: usize = 32 * 1024;
/// So many frames in a row that make no sense, and the connection is closed.
const MAX_STRIKES: u64 = 10;
/// The longest `ref` that is echoed, in characters.
const MAX_REF: usize = 64;
/// What today's frontend sends along and the server knows better.
const IGNORED: &[&str] =
    &["senderId", "userId", "username", "timestamp", "conversationType", "projectId", "title", "file", "editedAt", "editedBy", "read", "lastMsgTs"];

/// An action by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Action {
    SendMessage,
    EditMessage,
    DeleteMessage,
    Ping,
    /// Sent by today's frontend, needed by nobody: delivery does not depend on it, or the server announces it by itself.
    Accepted,
}

/// Every action that is not an error.
pub const ACTIONS: &[&str] = &[
    "sendMessage",
    "editMessage",
    "deleteMessage",
    "ping",
    "setActiveConversation",
    "setActiveRevision",
    "projectUpdated",
    "budgetUpdated",
    "clientRevisionUpdated",
    "timelineUpdated",
];

impl Action {
    fn named(name: &str) -> Result<Self, Error> {
        Ok(match name {
            "sendMessage" => Self::SendMessage,
            "editMessage" => Self::EditMessage,
            "deleteMessage" => Self::DeleteMessage,
            "ping" => Self::Ping,
            name if ACTIONS.contains(&name) => Self::Accepted,
            _ => return Err(Error::UnknownAction),
        })
    }
}

/// A frame that makes sense: its action and the fields beside it.
struct Frame {
    action: Action,
    fields: Fields,
}

/// A frame as an action gets it.
struct Received<'a> {
    connection: &'a Connection,
    fields: Fields,
    echo: &'a Echo,
}

pub(crate) async fn handle(app: &App, event: &ApiGatewayWebsocketProxyRequest) -> Result<ApiGatewayProxyResponse, Error> {
    let connection_id = event.request_context.connection_id.as_deref().unwrap_or_default();
    let mut echo = Echo::default();
    let parsed = parse(event.body.as_deref().unwrap_or_default(), &mut echo);
    // Where a send goes is known before whose it is: both are read at once.
    let target = match &parsed {
        Ok(frame) if frame.action == Action::SendMessage => frame.fields.peek("conversationId").and_then(|id| id.parse::<ConversationId>().ok()),
        _ => None,
    };
    let conversation = async {
        match target {
            Some(id) => app.messaging.find_conversation(id).await,
            None => Ok(None),
        }
    };
    let connection = async { Ok(app.connections.find(connection_id).await?) };
    let (connection, conversation) = futures_util::future::try_join(connection, conversation).await?;
    let Some(connection) = connection else {
        close_later(app, connection_id, json!({"action": "closing", "reason": "unknown_connection", "reconnect": true}));
        return Ok(reply::frame(&echo.error(&Error::InvalidToken)));
    };
    if let Err(error) = app.revocations.check(connection.user_id, connection.session_id, connection.version).await {
        if !matches!(error, Error::Unavailable(_) | Error::Internal(_)) {
            end_later(app, connection, json!({"action": "sessionRevoked", "reason": "session_revoked", "reconnect": false}));
        }
        return Ok(reply::frame(&echo.error(&error)));
    }
    if connection.is_token_over(app.edge.clock.now()) {
        return Ok(reply::frame(&echo.error(&Error::AuthExpired)));
    }
    let Frame { action, fields } = match parsed {
        Ok(frame) => frame,
        Err(error) => {
            strike(app, connection).await?;
            return Ok(reply::frame(&echo.error(&error)));
        }
    };
    if connection.strikes > 0 {
        app.connections.clear_strikes(connection_id).await?;
    }
    let received = Received { connection: &connection, fields, echo: &echo };
    let outcome = match action {
        Action::SendMessage => send_message::handle(app, received, conversation).await,
        Action::EditMessage => edit_message::handle(app, received).await,
        Action::DeleteMessage => delete_message::handle(app, received).await,
        Action::Ping => ping::handle(app, received),
        Action::Accepted => Ok(echo.ack(json!({}))),
    };
    Ok(reply::frame(&outcome.unwrap_or_else(|error| {
        if let Some(cause) = error.cause() {
            tracing::error!(code = error.code(), cause, "socket action failed");
        }
        echo.error(&error)
    })))
}

/// Reads a frame; what can be echoed of it is left in `echo` also when it makes no sense.
fn parse(body: &str, echo: &mut Echo) -> Result<Frame, Error> {
    if body.len() > MAX_FRAME {
        return Err(Error::PayloadTooLarge);
    }
    let mut object: Map<String, Value> = json::object(body.as_bytes())?;
    let short = |value: &Value, max: usize| value.as_str().filter(|text| text.chars().count() <= max).map(str::to_owned);
    echo.reference = object.remove("ref").as_ref().and_then(|value| short(value, MAX_REF));
    echo.optimistic_id = object.get("optimisticId").and_then(|value| short(value, 128));
    let name = object.remove("action");
    echo.of = name.as_ref().and_then(|value| short(value, MAX_REF));
    let action = Action::named(name.as_ref().and_then(Value::as_str).unwrap_or_default())?;
    let mut fields = Fields::new(object);
    fields.ignore(IGNORED);
    Ok(Frame { action, fields })
}

/// Counts a frame that made no sense; the tenth in a row closes the connection after the reply.
async fn strike(app: &App, connection: Connection) -> Result<(), Error> {
    if app.connections.strike(&connection.connection_id).await? >= MAX_STRIKES {
        end_later(app, connection, json!({"action": "closing", "reason": "strikes", "reconnect": false}));
    }
    Ok(())
}

fn end_later(app: &App, connection: Connection, frame: Value) {
    let announcer = app.announcer.clone();
    app.after.push(async move { announcer.end(&connection, &frame).await });
}

fn close_later(app: &App, connection_id: &str, frame: Value) {
    let (announcer, connection_id) = (app.announcer.clone(), connection_id.to_owned());
    app.after.push(async move { announcer.close_unknown(&connection_id, &frame).await });
}

/// The frame's `messageId`; one that is not well-formed is one that does not exist.
fn message_id(fields: &mut Fields) -> Result<Option<MessageId>, Error> {
    let id = fields.string("messageId", 0..=256);
    fields.require("messageId", id).map(|id| id.parse().map_err(|_| Error::NotFound)).transpose()
}
