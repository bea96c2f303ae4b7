//! `ANY /projects`, `ANY /projects/{proxy+}`: projects, their teams and their budgets.
//!
//! | module | content |
//! | --- | --- |
//! | `routes` | the route table, one file per route |
//! | `project` | a project's fields: which ones a client may write, and their limits |
//! | `store` | the projects table: keys, items, transactions |
//! | `broadcast` | the WebSocket frames about projects |

mod broadcast;
pub mod project;
#[path = "routes/table.rs"]
mod routes;
pub mod store;

use std::sync::Arc;

use access::people::People;
use access::revocations::Revocations;
use aws_lambda_events::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};
use files::{FileLimits, FileTable, Files, OwnerKind};
use messaging::broadcast::Broadcaster;
use shared_utils::auth::Caller;
use shared_utils::aws::AwsConfig;
use shared_utils::background_tasks::BackgroundTasks;
use shared_utils::cursor::Cursors;
use shared_utils::env::{EnvError, Environment};
use shared_utils::http::routing::Route;
use shared_utils::http::{Api, Error, HttpContext, serve};

pub use broadcast::ProjectFrame;
pub use routes::{ROUTES, operations};
use store::ProjectStore;

/// The dependencies of all routes, built once per sandbox.
pub struct App {
    context: HttpContext,
    store: ProjectStore,
    people: People,
    cursors: Cursors,
    revocations: Arc<Revocations>,
    broadcaster: Broadcaster,
    files: Files,
}

impl App {
    /// Builds the app from the environment variables.
    pub fn from_env(env: &Environment) -> Result<Self, EnvError> {
        let context = HttpContext::from_env(env)?;
        let aws = AwsConfig::from_env(env)?;
        let broadcaster = Broadcaster::from_env(env, &aws, &context.clock)?;
        let limits = FileLimits::from_env(env, "PROJECT_FILES_MAX_BYTES", FileLimits::of(OwnerKind::Project))?;
        let table = FileTable::new(broadcaster.store().clone(), broadcaster.tables().projects.clone());
        let files = Files::from_env(env, &aws, table, limits, context.clock.clone())?;
        Ok(Self::new(context, broadcaster, files))
    }

    /// Builds the app from its parts.
    pub fn new(context: HttpContext, broadcaster: Broadcaster, files: Files) -> Self {
        let (store, tables) = (broadcaster.store(), broadcaster.tables());
        Self {
            files,
            cursors: Cursors::new(store.clone(), tables.projects.clone()),
            people: People::new(store.clone(), tables.auth.clone()),
            store: ProjectStore::new(store.clone(), tables.projects.clone(), context.clock.clone()),
            revocations: broadcaster.revocations().clone(),
            context,
            broadcaster,
        }
    }

    /// The tasks that run after each response.
    pub fn background_tasks(&self) -> BackgroundTasks {
        self.broadcaster.background_tasks().clone()
    }

    /// Handles one raw event.
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
