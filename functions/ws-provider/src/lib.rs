//! `$connect` · `$disconnect` · `$default` · `sendMessage`: the WebSocket API.
//!
//! | module | content |
//! | --- | --- |
//! | `connect`, `disconnect` | opening and closing connections |
//! | `actions` | one file per action that a client can send |
//! | `reply` | the reply frames |

mod actions;
mod connect;
mod disconnect;
mod reply;

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};

use access::revocations::Revocations;
use access::tickets::Tickets;
use aws_lambda_events::apigw::{ApiGatewayProxyResponse, ApiGatewayWebsocketProxyRequest};
use files::{FileTable, Files};
use futures_util::FutureExt;
use messaging::Messaging;
use messaging::broadcast::Broadcaster;
use objects::ObjectStore;
use realtime::Connection;
use shared_utils::audit;
use shared_utils::aws::AwsConfig;
use shared_utils::background_tasks::BackgroundTasks;
use shared_utils::env::{EnvError, Environment};
use shared_utils::http::{Error, HttpContext};
use shared_utils::ids::UserId;
use shared_utils::rate_limit::{Buckets, Rate};

pub use actions::{ACKNOWLEDGED, ACTIONS, frame_schemas};
pub use reply::Reply;

/// The dependencies of all handlers, built once per sandbox.
pub struct App {
    context: HttpContext,
    messaging: Messaging,
    tickets: Tickets,
    rates: Rates,
    /// Action rates per person, over all connections. Kept in this process only, so best effort.
    people: Buckets,
    revocations: Arc<Revocations>,
    broadcaster: Broadcaster,
    /// The users of connections that this process has seen. A connection's user never changes.
    known: Mutex<HashMap<String, UserId>>,
}

/// The maximum number of remembered connections per process.
const MAX_KNOWN: usize = 1_000;
/// A person's action rate over all connections, as a multiple of one connection's rate.
const PERSON_FACTOR: i64 = 2;

/// Rates per person and per connection. Environment variables can override each of them.
#[derive(Debug, Clone, Copy)]
pub struct Rates {
    /// New sockets of one person.
    pub connect: Rate,
    /// Actions on one connection.
    pub action: Rate,
    /// Sends on one connection, and of one person in one conversation.
    pub send: Rate,
}

impl Default for Rates {
    fn default() -> Self {
        Self { connect: Rate::per_minute(30), action: Rate::per_minute(60), send: Rate::per_second(1, 10) }
    }
}

impl Rates {
    /// Reads `CONNECT_RATE`, `ACTION_RATE` and `SEND_RATE`.
    pub fn from_env(env: &Environment) -> Result<Self, EnvError> {
        let defaults = Self::default();
        Ok(Self {
            connect: Rate::from_env(env, "CONNECT_RATE", defaults.connect)?,
            action: Rate::from_env(env, "ACTION_RATE", defaults.action)?,
            send: Rate::from_env(env, "SEND_RATE", defaults.send)?,
        })
    }
}

/// The response to an event, and what its log line says.
struct Answer {
    response: ApiGatewayProxyResponse,
    /// The frame's action.
    action: Option<&'static str>,
    /// Why it was refused.
    code: Option<&'static str>,
}

impl Answer {
    /// The response to an event that is not a frame.
    fn of(response: ApiGatewayProxyResponse) -> Self {
        Self { response, action: None, code: None }
    }
}

impl App {
    /// Builds the app from the environment variables.
    pub fn from_env(env: &Environment) -> Result<Self, EnvError> {
        let context = HttpContext::from_env(env)?;
        let aws = AwsConfig::from_env(env)?;
        let broadcaster = Broadcaster::from_env(env, &aws, &context.clock)?;
        let table = FileTable::new(broadcaster.store().clone(), broadcaster.tables().messages.clone());
        let files = Files::for_removals(table, ObjectStore::from_env(env, &aws)?, context.clock.clone());
        Ok(Self::new(context, broadcaster.with_files(files), Rates::from_env(env)?))
    }

    /// Builds the app from its parts.
    pub fn new(context: HttpContext, broadcaster: Broadcaster, rates: Rates) -> Self {
        Self {
            messaging: broadcaster.messaging().clone(),
            tickets: Tickets::new(broadcaster.store().clone(), broadcaster.tables().auth.clone(), context.clock.clone()),
            people: Buckets::new(rates.action.times(PERSON_FACTOR)),
            revocations: broadcaster.revocations().clone(),
            known: Mutex::default(),
            context,
            broadcaster,
            rates,
        }
    }

    /// The tasks that run after each response.
    pub fn background_tasks(&self) -> BackgroundTasks {
        self.broadcaster.background_tasks().clone()
    }

    /// Handles one raw event. Always returns a response. Internal errors are logged once, here.
    pub async fn handle(&self, event: ApiGatewayWebsocketProxyRequest) -> ApiGatewayProxyResponse {
        let started = std::time::Instant::now();
        let context = &event.request_context;
        let route = context.route_key.as_deref().unwrap_or_default();
        let outcome = AssertUnwindSafe(async {
            match context.event_type.as_deref() {
                Some("CONNECT") => connect::handle(self, &event).await.map(Answer::of),
                Some("DISCONNECT") => disconnect::handle(self, &event).await.map(Answer::of),
                _ => Ok(actions::handle(self, &event).await),
            }
        });
        let outcome = outcome.catch_unwind().await.unwrap_or_else(|_| Err(Error::internal("a socket handler panicked")));
        let answer = outcome.unwrap_or_else(|error| {
            if let Some(cause) = error.cause() {
                tracing::error!(code = error.code(), cause, "socket event failed");
            }
            if error.status() == 403 {
                audit!("access_denied", route, code = error.code());
            }
            Answer { response: reply::refusal(&error), action: None, code: Some(error.code()) }
        });
        let connection_id = context.connection_id.as_deref().unwrap_or_default();
        tracing::info!(
            route,
            action = answer.action,
            status = answer.response.status_code,
            code = answer.code,
            userId = self.known(connection_id).map(tracing::field::display),
            connectionId = connection_id,
            durationMs = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
            "socket event"
        );
        answer.response
    }

    /// The user of this connection, if this process has seen it.
    fn known(&self, connection_id: &str) -> Option<UserId> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).get(connection_id).copied()
    }

    /// Remembers the user of this connection.
    fn remember(&self, connection: &Connection) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MAX_KNOWN {
            known.clear();
        }
        known.insert(connection.connection_id.clone(), connection.user_id);
    }
}
