//! `ANY /projects`, `ANY /projects/{proxy+}`: projects, their teams and their budgets.
//!
//! | module | room |
//! | --- | --- |
//! | `routes` | the route table, one file per route |
//! | `project` | a project's fields: what a client may write, and its bounds |
//! | `budget` | decimals, lines, totals, and what a PATCH does to them; no I/O |
//! | `import` | taking over exports of the old system's tables |
//! | `store` | the projects table: keys, items, transactions |
//! | `announce` | what sockets are told |

mod announce;
mod budget;
pub mod import;
mod project;
mod routes;
mod store;

use std::sync::Arc;

use access::people::People;
use access::revocations::Revocations;
use aws_lambda_events::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};
use realtime::{Announcer, Connections, Gateway, Locks};
use shared_utils::after_answer::AfterAnswer;
use shared_utils::aws::AwsConfig;
use shared_utils::cursor::Cursors;
use shared_utils::dynamo::Store;
use shared_utils::env::{self, EnvError};
use shared_utils::http::{Edge, serve};

pub use routes::ROUTES;
use store::ProjectStore;

/// Everything the routes need, built once per sandbox.
pub struct App {
    edge: Edge,
    store: ProjectStore,
    people: People,
    cursors: Cursors,
    locks: Locks,
    revocations: Arc<Revocations>,
    announcer: Announcer,
    after: AfterAnswer,
}

/// The names of the tables that this function uses.
#[derive(Debug, Clone)]
pub struct Tables {
    /// Projects, teams, budgets.
    pub projects: String,
    /// Directory entries and revocations.
    pub auth: String,
    /// Open sockets.
    pub connections: String,
}

impl App {
    /// Builds the function from its environment.
    pub fn from_env() -> Result<Self, EnvError> {
        let tables = Tables {
            projects: env::required("PROJECTS_TABLE")?,
            auth: env::required("AUTH_TABLE")?,
            connections: env::required("CONNECTIONS_TABLE")?,
        };
        Ok(Self::new(Edge::from_env()?, &AwsConfig::from_env()?, tables, &env::required("WEBSOCKET_ENDPOINT")?))
    }

    /// Builds the function from its parts.
    pub fn new(edge: Edge, aws: &AwsConfig, tables: Tables, websocket_endpoint: &str) -> Self {
        let store = Store::new(aws.dynamodb());
        let revocations = Arc::new(Revocations::new(store.clone(), tables.auth.clone(), edge.clock.clone()));
        let connections = Connections::new(store.clone(), tables.connections.clone(), edge.clock.clone());
        Self {
            announcer: Announcer::new(connections, Gateway::new(aws, websocket_endpoint), revocations.clone(), edge.clock.clone()),
            cursors: Cursors::new(store.clone(), tables.projects.clone()),
            locks: Locks::new(store.clone(), tables.connections, edge.clock.clone()),
            people: People::new(store.clone(), tables.auth),
            store: ProjectStore::new(store, tables.projects, edge.clock.clone()),
            edge,
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
}
