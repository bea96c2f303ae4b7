//! `ANY /messages/{proxy+}`: conversations and messages over HTTP. The writes are `messaging`'s; what is here is HTTP.

mod routes;

use std::sync::Arc;
use std::time::Duration;

use access::revocations::Revocations;
use aws_lambda_events::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};
use messaging::Messaging;
use messaging::presence::{OFFLINE_AFTER_S, Presence};
use realtime::{Announcer, Connections, Gateway};
use serde_json::Value;
use shared_utils::after_answer::AfterAnswer;
use shared_utils::aws::AwsConfig;
use shared_utils::cursor::Cursors;
use shared_utils::dynamo::Store;
use shared_utils::env::{self, EnvError};
use shared_utils::http::{Edge, serve};
use shared_utils::ids::UserId;
use shared_utils::pace::Rate;

pub use routes::ROUTES;

/// How often a person may send into a conversation, unless the environment says otherwise.
pub const SEND_RATE: Rate = Rate::per_second(1, 10);

/// Everything the routes need, built once per sandbox.
pub struct App {
    edge: Edge,
    messaging: Messaging,
    cursors: Cursors,
    send_rate: Rate,
    revocations: Arc<Revocations>,
    presence: Presence,
    after: AfterAnswer,
}

/// The names of the tables that this function uses.
#[derive(Debug, Clone)]
pub struct Tables {
    /// Conversations and messages.
    pub messaging: messaging::Tables,
    /// Open sockets.
    pub connections: String,
}

impl App {
    /// Builds the function from its environment.
    pub fn from_env() -> Result<Self, EnvError> {
        let tables = Tables {
            messaging: messaging::Tables {
                messages: env::required("MESSAGES_TABLE")?,
                auth: env::required("AUTH_TABLE")?,
                projects: env::required("PROJECTS_TABLE")?,
            },
            connections: env::required("CONNECTIONS_TABLE")?,
        };
        let (send_rate, endpoint) = (Rate::from_env("SEND_RATE", SEND_RATE)?, env::required("WEBSOCKET_ENDPOINT")?);
        let offline_after = Duration::from_secs(env::parsed("OFFLINE_AFTER_S", OFFLINE_AFTER_S)?);
        Ok(Self::new(Edge::from_env()?, &AwsConfig::from_env()?, tables, &endpoint, send_rate, offline_after))
    }

    /// Builds the function from its parts.
    pub fn new(edge: Edge, aws: &AwsConfig, tables: Tables, websocket_endpoint: &str, send_rate: Rate, offline_after: Duration) -> Self {
        let store = Store::new(aws.dynamodb());
        let revocations = Arc::new(Revocations::new(store.clone(), tables.messaging.auth.clone(), edge.clock.clone()));
        let connections = Connections::new(store.clone(), tables.connections, edge.clock.clone());
        let announcer = Announcer::new(connections.clone(), Gateway::new(aws, websocket_endpoint), revocations.clone(), edge.clock.clone());
        let cursors = Cursors::new(store.clone(), tables.messaging.messages.clone());
        let messaging = Messaging::new(store, tables.messaging, edge.clock.clone());
        Self {
            presence: Presence::new(messaging.clone(), connections, announcer, edge.clock.clone(), offline_after),
            cursors,
            messaging,
            edge,
            send_rate,
            revocations,
            after: AfterAnswer::default(),
        }
    }

    /// What is owed after each answer.
    pub fn after_answer(&self) -> AfterAnswer {
        self.after.clone()
    }

    /// Answers one raw event.
    pub async fn handle(&self, event: ApiGatewayV2httpRequest) -> ApiGatewayV2httpResponse {
        serve(self, event).await
    }

    /// Tells these people after the answer.
    fn announce_later(&self, people: Vec<UserId>, frame: Value) {
        self.presence.announce_later(&self.after, people, frame);
    }

    /// Tells each of these people something of their own after the answer.
    fn announce_each_later(&self, frames: Vec<(UserId, Value)>) {
        self.presence.announce_each_later(&self.after, frames);
    }
}
