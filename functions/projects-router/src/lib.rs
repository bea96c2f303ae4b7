//! `ANY /projects`, `ANY /projects/{proxy+}`: projects, their teams and their budgets.
//!
//! | module | what it has |
//! | --- | --- |
//! | `routes` | the route table, one file per route |
//! | `project` | a project's fields: what a client may write, and its bounds |
//! | `store` | the projects table: keys, items, transactions |
//! | `announce` | what sockets are told |

mod broadcast;
pub mod project;
#[path = "routes/table.rs"]
mod routes;
pub mod store;

use std::sync::Arc;

use access::people::People;
use access::revocations::Revocations;
use aws_lambda_events::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};
use messaging::broadcast::Broadcaster;
use realtime::ConnectionsApi;
use shared_utils::auth::Caller;
use shared_utils::aws::AwsConfig;
use shared_utils::background_tasks::BackgroundTasks;
use shared_utils::cursor::Cursors;
use shared_utils::dynamo::Store;
use shared_utils::env::{self, EnvError};
use shared_utils::http::routing::Route;
use shared_utils::http::{Api, Error, HttpContext, serve};

pub use routes::ROUTES;
use store::ProjectStore;

/// Everything the routes need, built once per sandbox.
pub struct App {
    context: HttpContext,
    store: ProjectStore,
    people: People,
    cursors: Cursors,
    revocations: Arc<Revocations>,
    broadcaster: Broadcaster,
}

/// The names of the tables that this function uses.
#[derive(Debug, Clone)]
pub struct Tables {
    /// Projects, teams, budgets; directory entries and revocations; and the conversations of projects, read only.
    pub messaging: messaging::Tables,
    /// Open sockets.
    pub connections: String,
}

impl App {
    /// Builds the function from its environment.
    pub fn from_env() -> Result<Self, EnvError> {
        let tables = Tables { messaging: messaging::Tables::from_env()?, connections: env::required("CONNECTIONS_TABLE")? };
        Ok(Self::new(HttpContext::from_env()?, &AwsConfig::from_env()?, tables, &env::required("WEBSOCKET_ENDPOINT")?))
    }

    /// Builds the function from its parts.
    pub fn new(context: HttpContext, aws: &AwsConfig, tables: Tables, websocket_endpoint: &str) -> Self {
        let store = Store::new(aws.dynamodb());
        let (auth, projects) = (tables.messaging.auth.clone(), tables.messaging.projects.clone());
        let revocations = Arc::new(Revocations::new(store.clone(), auth.clone(), context.clock.clone()));
        Self {
            broadcaster: Broadcaster::new(
                store.clone(),
                ConnectionsApi::new(aws, websocket_endpoint),
                tables.messaging,
                tables.connections,
                revocations.clone(),
                &context.clock,
            ),
            cursors: Cursors::new(store.clone(), projects.clone()),
            people: People::new(store.clone(), auth),
            store: ProjectStore::new(store, projects, context.clock.clone()),
            context,
            revocations,
        }
    }

    /// What runs after each response.
    pub fn background_tasks(&self) -> BackgroundTasks {
        self.broadcaster.background_tasks().clone()
    }

    /// Answers one raw event.
    pub async fn handle(&self, event: ApiGatewayV2httpRequest) -> ApiGatewayV2httpResponse {
        serve(self, event).await
    }
}

impl Api for App {
    const DOMAIN: &'static str = "projects";

    fn routes() -> &'static [Route<Self>] {
        routes::ROUTES
    }

    fn context(&self) -> &HttpContext {
        &self.context
    }

    async fn check_session(&self, caller: &Caller) -> Result<(), Error> {
        Ok(self.revocations.check(caller.user, caller.session, caller.version).await?)
    }
}
