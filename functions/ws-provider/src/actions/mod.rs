//! The client's socket actions, one file per action. Every frame gets exactly one reply.
//!
//! Order of checks: connection (401) → session (401) → token expiry (401) → rates (429) → frame syntax (400) → the action. The action then checks
//! visibility (404), permission (403) and values (422).

mod auth;
mod delete_message;
mod edit_message;
mod frame;
mod line_lock;
mod line_locked;
mod line_unlocked;
mod mark_read;
mod ping;
mod presence_lookup;
mod send_message;
mod toggle_reaction;
mod typing;

use std::panic::AssertUnwindSafe;

use access::session::Session;
use aws_lambda_events::apigw::ApiGatewayWebsocketProxyRequest;
use futures_util::FutureExt;
use realtime::{CloseReason, Connection};
use serde_json::Value;
use shared_utils::audit;
use shared_utils::contract::Recorder;
use shared_utils::fields::{FieldLog, Fields};
use shared_utils::http::Error;

use self::frame::{Subject, SubjectKey};
use crate::reply::{self, Done, Echo};
use crate::{Answer, App};

/// The connection is closed after this many unreadable frames or unknown actions in a row.
const MAX_STRIKES: u64 = 10;
/// Actions of today's frontend that are acknowledged but do nothing: delivery does not need them, or the server announces the same change itself.
pub const ACKNOWLEDGED: &[&str] =
    &["setActiveConversation", "setActiveRevision", "projectUpdated", "budgetUpdated", "clientRevisionUpdated", "timelineUpdated"];

/// One action with the fields of its frame.
trait SocketAction: Sized {
    /// Whether the action also counts against the send rate.
    const IS_SEND: bool = false;
    /// Whether the action is accepted after the connection's token has expired.
    const RENEWS: bool = false;
    /// Fields that clients send but this action does not read.
    const IGNORED: &[&str] = &["projectId"];

    /// Reads the fields. Field errors are kept and reported only after the access checks.
    fn read<L: FieldLog>(fields: &mut Fields<L>) -> Self;

    /// The data to read concurrently with the connection.
    fn subject(&self) -> SubjectKey {
        SubjectKey::Nothing
    }

    /// Executes the action and returns the reply.
    fn handle(self, app: &App, received: Received<'_>) -> impl Future<Output = Result<Value, Error>> + Send;
}

/// The list of all actions: the name in a frame, and the type that implements it.
macro_rules! actions {
    ($($name:literal => $module:ident::$action:ident,)*) => {
        /// A parsed frame.
        enum Action {
            $($action($module::$action),)*
            /// An action in [`ACKNOWLEDGED`].
            Acknowledged(Result<(), Error>),
            Unknown,
        }

        /// Every action that has an effect.
        pub const ACTIONS: &[&str] = &[$($name,)*];

        /// For the generated contract: each action, the schema of its fields, and the fields that it ignores besides [`frame::IGNORED`].
        fn described() -> Vec<(&'static str, Value, &'static [&'static str])> {
            vec![$(($name, Recorder::record(|fields| drop($module::$action::read(fields))), $module::$action::IGNORED),)*]
        }

        impl Action {
            fn read(name: &str, mut fields: Fields) -> Self {
                match name {
                    $($name => {
                        fields.ignore($module::$action::IGNORED);
                        Self::$action($module::$action::read(&mut fields))
                    })*
                    name if ACKNOWLEDGED.contains(&name) => {
                        Self::Acknowledged(if fields.is_faulty() { Err(fields.into_error().into()) } else { Ok(()) })
                    }
                    _ => Self::Unknown,
                }
            }

            fn subject(&self) -> SubjectKey {
                match self {
                    $(Self::$action(action) => action.subject(),)*
                    Self::Acknowledged(_) | Self::Unknown => SubjectKey::Nothing,
                }
            }

            fn is_send(&self) -> bool {
                match self {
                    $(Self::$action(_) => $module::$action::IS_SEND,)*
                    Self::Acknowledged(_) | Self::Unknown => false,
                }
            }

            fn renews(&self) -> bool {
                match self {
                    $(Self::$action(_) => $module::$action::RENEWS,)*
                    Self::Acknowledged(_) | Self::Unknown => false,
                }
            }

            async fn handle(self, app: &App, received: Received<'_>) -> Result<Value, Error> {
                match self {
                    $(Self::$action(action) => action.handle(app, received).await,)*
                    Self::Acknowledged(read) => read.map(|()| received.echo.ack(Done::default())),
                    Self::Unknown => Err(Error::UnknownAction),
                }
            }
        }
    };
}

actions! {
    "sendMessage" => send_message::SendMessage,
    "editMessage" => edit_message::EditMessage,
    "deleteMessage" => delete_message::DeleteMessage,
    "toggleReaction" => toggle_reaction::ToggleReaction,
    "markRead" => mark_read::MarkRead,
    "typing" => typing::Typing,
    "presenceLookup" => presence_lookup::PresenceLookup,
    "lineLocked" => line_locked::LineLocked,
    "lineUnlocked" => line_unlocked::LineUnlocked,
    "auth" => auth::Auth,
    "ping" => ping::Ping,
}

/// What an action receives besides its own fields.
struct Received<'a> {
    session: Session,
    connection: &'a Connection,
    subject: Subject,
    echo: &'a Echo,
}

/// Handles a frame. Every frame gets one reply, even after an internal error, which is logged once, here.
pub(crate) async fn handle(app: &App, event: &ApiGatewayWebsocketProxyRequest) -> Answer {
    let mut echo = Echo::default();
    let read = frame::read(event.body.as_deref().unwrap_or_default(), &mut echo);
    let connection_id = event.request_context.connection_id.as_deref().unwrap_or_default();
    let outcome = AssertUnwindSafe(answer(app, connection_id, read, &echo)).catch_unwind().await;
    let outcome = outcome.unwrap_or_else(|_| Err(Error::internal("a socket action panicked")));
    let code = outcome.as_ref().err().map(Error::code);
    let reply = outcome.unwrap_or_else(|error| {
        if let Some(cause) = error.cause() {
            tracing::error!(code = error.code(), cause, "socket action failed");
        }
        echo.error(&error)
    });
    Answer { response: reply::frame(&reply), action: Some(logged_name(echo.of.as_deref())), code }
}

/// The name of an action for the log, which has no text of clients.
fn logged_name(action: Option<&str>) -> &'static str {
    ACTIONS.iter().chain(ACKNOWLEDGED).find(|known| Some(**known) == action).copied().unwrap_or("unknown")
}

async fn answer(app: &App, connection_id: &str, read: Result<Action, Error>, echo: &Echo) -> Result<Value, Error> {
    let connection = async { Ok(app.broadcaster.connections().find(connection_id).await?) };
    let subject = Subject::read(app, connection_id, read.as_ref().map_or(SubjectKey::Nothing, Action::subject));
    let refreshed = async { Ok(app.revocations.refresh().await?) };
    let (connection, subject, ()) = futures_util::future::try_join3(connection, subject, refreshed).await?;
    let Some(connection) = connection else {
        app.broadcaster.close_unknown_later(connection_id);
        return Err(Error::InvalidToken);
    };
    app.remember(&connection);
    let session = match app.revocations.check_session(connection.caller()).await {
        Ok(session) => session,
        Err(error) => {
            if let Some(reason) = CloseReason::of_refusal(&error) {
                app.broadcaster.close_later(connection, reason);
            }
            return Err(error.into());
        }
    };
    let now = app.context.clock.now();
    let renews = read.as_ref().is_ok_and(Action::renews);
    if connection.is_token_over(now) && (!renews || connection.is_past_renewal(now)) {
        expire_later(app, connection);
        return Err(Error::AuthExpired);
    }
    // A frame that is refused here is not counted, so that the wait time in the reply stays correct.
    let sends = read.as_ref().is_ok_and(Action::is_send).then_some(app.rates.send);
    app.rates.action.take(connection.actions_until, now)?;
    if let Some(rate) = sends {
        rate.take(connection.sends_until, now)?;
    }
    app.people.take(&connection.user_id.to_string(), now)?;
    let counted = async {
        // A failed count must not fail the action.
        if let Err(error) = app.broadcaster.connections().spend(&connection, app.rates.action, sends).await {
            tracing::warn!(cause = error.for_log(), "an action could not be counted");
        }
    };
    let acted = async {
        let makes_sense = read.as_ref().is_ok_and(|action| !matches!(action, Action::Unknown));
        clear_or_count_strike(app, &connection, makes_sense).await;
        read?.handle(app, Received { session, connection: &connection, subject, echo }).await
    };
    let (outcome, ()) = futures_util::future::join(acted, counted).await;
    if outcome.as_ref().is_err_and(|error| error.status() == 403) {
        audit!("access_denied", userId = %connection.user_id, action = logged_name(echo.of.as_deref()));
    }
    outcome
}

/// Counts unreadable frames and unknown actions: the tenth in a row closes the connection after the reply. Any other frame resets the count.
async fn clear_or_count_strike(app: &App, connection: &Connection, makes_sense: bool) {
    let (connections, id) = (app.broadcaster.connections(), &connection.connection_id);
    if !makes_sense {
        if connections.strike(id).await.is_ok_and(|strikes| strikes >= MAX_STRIKES) {
            app.broadcaster.close_later(connection.clone(), CloseReason::Strikes);
        }
    } else if connection.strikes > 0 {
        let (connections, id) = (connections.clone(), id.clone());
        // The reset runs in the background, so it can neither delay nor fail the action.
        app.broadcaster.background_tasks().push(async move {
            let _ = connections.clear_strikes(&id).await;
        });
    }
}

/// Called when the token has expired; the reply says so. The client has one minute to renew it, then the connection is closed.
fn expire_later(app: &App, connection: Connection) {
    if connection.is_past_renewal(app.context.clock.now()) {
        app.broadcaster.close_later(connection, CloseReason::TokenExpired);
    } else if connection.told_expired_at.is_none() {
        app.broadcaster.tell_expired_later(connection);
    }
}

/// For the generated contract: each action, the schema of its fields, and the fields that it ignores.
pub fn frame_schemas() -> Vec<(&'static str, Value, Vec<&'static str>)> {
    let all = |own: &[&'static str]| frame::IGNORED.iter().chain(own).copied().collect();
    described().into_iter().map(|(name, schema, own)| (name, schema, all(own))).collect()
}
