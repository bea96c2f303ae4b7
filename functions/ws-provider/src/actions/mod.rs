//! What a client can send: one file per action. Every frame gets one reply.

mod auth;
mod delete_message;
mod edit_message;
mod line_locked;
mod line_unlocked;
mod mark_read;
mod ping;
mod presence_lookup;
mod send_message;
mod toggle_reaction;
mod typing;

use std::collections::BTreeSet;
use std::panic::AssertUnwindSafe;

use access::teams::{Team, TeamRole, require_role};
use aws_lambda_events::apigw::{ApiGatewayProxyResponse, ApiGatewayWebsocketProxyRequest};
use futures_util::FutureExt;
use messaging::change::Found;
use messaging::conversation::Conversation;
use realtime::{Connection, Ending, LinePlace};
use serde_json::{Map, Value, json};
use shared_utils::audit;
use shared_utils::http::fields::Fields;
use shared_utils::http::{Error, json};
use shared_utils::ids::UserId;

use crate::App;
use crate::reply::{self, Echo};

/// The largest frame that is read, in bytes.
const MAX_FRAME: usize = 32 * 1024;
/// So many frames in a row that make no sense, and the connection is closed.
const MAX_STRIKES: u64 = 10;
/// The longest `ref` that is echoed, in characters.
const MAX_REF: usize = 64;
/// The longest id of a line that is locked, in characters: it need not be one of ours.
const MAX_LINE_ID: usize = 64;
/// What today's frontend sends along and the server knows better.
const IGNORED: &[&str] =
    &["senderId", "userId", "username", "timestamp", "conversationType", "title", "file", "editedAt", "editedBy", "read", "lastMsgTs"];

/// An action by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Action {
    SendMessage,
    EditMessage,
    DeleteMessage,
    ToggleReaction,
    MarkRead,
    Typing,
    PresenceLookup,
    LineLocked,
    LineUnlocked,
    Auth,
    Ping,
    /// Sent by today's frontend, needed by nobody: delivery does not depend on it, or the server announces it by itself.
    Accepted,
}

/// Every action that is not an error.
pub const ACTIONS: &[&str] = &[
    "sendMessage",
    "editMessage",
    "deleteMessage",
    "toggleReaction",
    "markRead",
    "typing",
    "presenceLookup",
    "lineLocked",
    "lineUnlocked",
    "auth",
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
            "toggleReaction" => Self::ToggleReaction,
            "markRead" => Self::MarkRead,
            "typing" => Self::Typing,
            "presenceLookup" => Self::PresenceLookup,
            "lineLocked" => Self::LineLocked,
            "lineUnlocked" => Self::LineUnlocked,
            "auth" => Self::Auth,
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

/// What an action is about: read beside the connection, before it is known whose that is.
#[derive(Default)]
struct Subject {
    /// The conversation that is sent to, read, or typed in.
    conversation: Option<Conversation>,
    /// The message that is changed.
    message: Option<Found>,
    /// Whom the one whose connection it is shares something with, where that is known.
    contacts: Option<BTreeSet<UserId>>,
    /// The team whose budget is locked.
    team: Option<Team>,
}

/// A frame as an action gets it.
struct Received<'a> {
    connection: &'a Connection,
    fields: Fields,
    echo: &'a Echo,
}

/// Every frame gets one reply, also when something goes wrong inside: that is logged once, here.
pub(crate) async fn handle(app: &App, event: &ApiGatewayWebsocketProxyRequest) -> ApiGatewayProxyResponse {
    let mut echo = Echo::default();
    let parsed = parse(event.body.as_deref().unwrap_or_default(), &mut echo);
    let connection_id = event.request_context.connection_id.as_deref().unwrap_or_default();
    let outcome = AssertUnwindSafe(answer(app, connection_id, parsed, &echo)).catch_unwind().await;
    let outcome = outcome.unwrap_or_else(|_| Err(Error::internal("a socket action panicked")));
    reply::frame(&outcome.unwrap_or_else(|error| {
        if let Some(cause) = error.cause() {
            tracing::error!(code = error.code(), cause, "socket action failed");
        }
        echo.error(&error)
    }))
}

async fn answer(app: &App, connection_id: &str, parsed: Result<Frame, Error>, echo: &Echo) -> Result<Value, Error> {
    let connection = async { Ok(app.broadcaster.connections().find(connection_id).await?) };
    let subject = subject(app, connection_id, &parsed);
    let (connection, subject, ()) = futures_util::future::try_join3(connection, subject, app.revocations.refresh()).await?;
    let Some(connection) = connection else {
        app.broadcaster.close_unknown_later(connection_id);
        return Err(Error::InvalidToken);
    };
    app.remember(&connection);
    if let Err(error) = app.revocations.check(connection.user_id, connection.session_id, connection.version).await {
        if let Some(ending) = Ending::of_refusal(&error) {
            app.broadcaster.end_later(connection, ending);
        }
        return Err(error);
    }
    let now = app.edge.clock.now();
    let renews = matches!(&parsed, Ok(Frame { action: Action::Auth, .. }));
    if connection.is_token_over(now) && (!renews || connection.is_past_renewal(now)) {
        expire_later(app, connection);
        return Err(Error::AuthExpired);
    }
    // What is refused for coming too fast is not counted, so that the time to wait is what the reply says.
    let sends = matches!(&parsed, Ok(Frame { action: Action::SendMessage, .. })).then_some(app.rates.send);
    app.rates.action.take(connection.actions_until, now)?;
    if let Some(rate) = sends {
        rate.take(connection.sends_until, now)?;
    }
    app.people.take(&connection.user_id.to_string(), now)?;
    let counted = async {
        // Bookkeeping must not fail what was asked.
        if let Err(error) = app.broadcaster.connections().spend(&connection, app.rates.action, sends).await {
            tracing::warn!(cause = Error::from(error).cause(), "an action could not be counted");
        }
    };
    let (outcome, ()) = futures_util::future::join(act(app, &connection, parsed, subject, echo), counted).await;
    if outcome.as_ref().is_err_and(|error| error.status() == 403) {
        audit!("access_denied", userId = %connection.user_id, action = echo.of);
    }
    outcome
}

/// What a frame is about is known before whose it is.
async fn subject(app: &App, connection_id: &str, parsed: &Result<Frame, Error>) -> Result<Subject, Error> {
    let Ok(Frame { action, fields }) = parsed else { return Ok(Subject::default()) };
    let mut subject = Subject::default();
    match action {
        Action::EditMessage | Action::DeleteMessage | Action::ToggleReaction => {
            if let Some(id) = fields.peek("messageId").and_then(|id| id.parse().ok()) {
                subject.message = app.messaging.find_message(id).await?;
            }
        }
        Action::PresenceLookup => {
            if let Some(user) = app.known(connection_id) {
                subject.contacts = Some(app.messaging.contacts(user).await?);
            }
        }
        Action::SendMessage | Action::MarkRead | Action::Typing => {
            if let Some(id) = fields.peek("conversationId").and_then(|id| id.parse().ok()) {
                subject.conversation = app.messaging.find_conversation(id).await?;
            }
        }
        Action::LineLocked | Action::LineUnlocked => {
            if let Some(id) = fields.peek("projectId").and_then(|id| id.parse().ok()) {
                subject.team = app.broadcaster.teams().find_many(&[id]).await?.pop();
            }
        }
        _ => {}
    }
    Ok(subject)
}

/// Does what a frame asks for, or counts it as a strike.
async fn act(app: &App, connection: &Connection, parsed: Result<Frame, Error>, subject: Subject, echo: &Echo) -> Result<Value, Error> {
    let Frame { action, fields } = match parsed {
        Ok(frame) => frame,
        Err(error) => {
            strike(app, connection.clone()).await;
            return Err(error);
        }
    };
    if connection.strikes > 0 {
        let (connections, id) = (app.broadcaster.connections().clone(), connection.connection_id.clone());
        // Bookkeeping must not hold up, or fail, what was asked.
        app.broadcaster.after_answer().push(async move {
            let _ = connections.clear_strikes(&id).await;
        });
    }
    let received = Received { connection, fields, echo };
    match action {
        Action::SendMessage => send_message::handle(app, received, subject.conversation).await,
        Action::LineLocked => line_locked::handle(app, received, subject.team).await,
        Action::LineUnlocked => line_unlocked::handle(app, received, subject.team).await,
        Action::EditMessage => edit_message::handle(app, received, subject.message).await,
        Action::DeleteMessage => delete_message::handle(app, received, subject.message).await,
        Action::ToggleReaction => toggle_reaction::handle(app, received, subject.message).await,
        Action::MarkRead => mark_read::handle(app, received, subject.conversation).await,
        Action::Typing => typing::handle(app, received, subject.conversation).await,
        Action::PresenceLookup => presence_lookup::handle(app, received, subject.contacts).await,
        Action::Auth => auth::handle(app, received).await,
        Action::Ping => ping::handle(app, received),
        Action::Accepted if received.fields.is_faulty() => Err(received.fields.into_error()),
        Action::Accepted => Ok(echo.ack(json!({}))),
    }
}

/// Whether a reply can echo a `ref` as it came: anything else would leave its sender waiting for a reply that it cannot tell.
fn is_reference(value: &Value) -> bool {
    match value {
        Value::String(text) => text.chars().count() <= MAX_REF,
        Value::Number(number) => number.to_string().len() <= MAX_REF,
        _ => false,
    }
}

/// Reads a frame; what can be echoed of it is left in `echo` also when it makes no sense.
fn parse(body: &str, echo: &mut Echo) -> Result<Frame, Error> {
    if body.len() > MAX_FRAME {
        return Err(Error::PayloadTooLarge);
    }
    let mut object: Map<String, Value> = json::object(body.as_bytes())?;
    let short = |value: &Value, max: usize| value.as_str().filter(|text| text.chars().count() <= max).map(str::to_owned);
    let reference = object.remove("ref");
    echo.reference = reference.clone().filter(is_reference);
    echo.optimistic_id = object.get("optimisticId").and_then(|value| short(value, 128));
    let name = object.remove("action");
    echo.of = name.as_ref().and_then(|value| short(value, MAX_REF));
    let action = Action::named(name.as_ref().and_then(Value::as_str).unwrap_or_default())?;
    let mut fields = Fields::new(object);
    if reference.is_some() && echo.reference.is_none() {
        fields.fault("ref", "invalid_value", "This must be a text of at most 64 characters or a number.");
    }
    fields.ignore(IGNORED);
    if !matches!(action, Action::LineLocked | Action::LineUnlocked) {
        fields.ignore(&["projectId"]);
    }
    Ok(Frame { action, fields })
}

/// Counts a frame that made no sense; the tenth in a row closes the connection after the reply.
async fn strike(app: &App, connection: Connection) {
    let strikes = app.broadcaster.connections().strike(&connection.connection_id).await;
    if strikes.is_ok_and(|strikes| strikes >= MAX_STRIKES) {
        app.broadcaster.end_later(connection, Ending::Strikes);
    }
}

/// A connection whose token's time is over has been told so by the reply: it has a minute to renew it, then it is closed.
fn expire_later(app: &App, connection: Connection) {
    if connection.is_past_renewal(app.edge.clock.now()) {
        app.broadcaster.end_later(connection, Ending::TokenExpired);
    } else if connection.told_expired_at.is_none() {
        app.broadcaster.tell_expired_later(connection);
    }
}

/// The message that a frame names. One that is not there, that the sender may not see, or whose id is not well-formed does not exist.
fn named_message(fields: &mut Fields, found: Option<Found>, user: UserId) -> Result<Option<Found>, Error> {
    fields.ignore(&["conversationId"]);
    let id = fields.raw("messageId");
    if fields.require("messageId", id).is_none() {
        return Ok(None);
    }
    let found = found.ok_or(Error::NotFound)?;
    found.require_participant(user)?;
    Ok(Some(found))
}

/// The conversation that a frame names, as [`named_message`] does.
fn named_conversation(fields: &mut Fields, found: Option<Conversation>, user: UserId) -> Result<Option<Conversation>, Error> {
    let id = fields.raw("conversationId");
    if fields.require("conversationId", id).is_none() {
        return Ok(None);
    }
    found.ok_or(Error::NotFound)?.for_participant(user).map(Some)
}

/// The line that a lock is about, and the team whose budget it is in, which the sender may see.
fn line_place(received: Received<'_>, team: Option<Team>) -> Result<(LinePlace, Team), Error> {
    let mut fields = received.fields;
    fields.ignore(&["conversationId"]);
    let project_id = fields.string("projectId", 0..=256);
    if fields.require("projectId", project_id).is_some() {
        require_role(&team.as_ref().ok_or(Error::NotFound)?.team, &received.connection.caller(), TeamRole::Editor)?;
    }
    let line_id = fields.string("lineId", 1..=MAX_LINE_ID);
    let line_id = fields.require("lineId", line_id);
    let revision = fields.integer("revision", 1..=u64::from(u32::MAX));
    let revision = fields.require("revision", revision);
    fields.finish()?;
    match (team, line_id, revision) {
        (Some(team), Some(line_id), Some(revision)) => Ok((LinePlace { project_id: team.project_id, revision, line_id }, team)),
        _ => Err(Error::internal("a lock without faults and without a place")),
    }
}
