//! `ANY /messages/{proxy+}`: conversations and messages over HTTP. This crate is only the HTTP layer; the `messaging` crate does the writes.

#[path = "routes/table.rs"]
mod routes;

use std::sync::Arc;

use access::revocations::Revocations;
use aws_lambda_events::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};
use files::{FileLimits, FileTable, Files, OwnerKind};
use messaging::Messaging;
use messaging::broadcast::Broadcaster;
use shared_utils::auth::Caller;
use shared_utils::aws::AwsConfig;
use shared_utils::background_tasks::BackgroundTasks;
use shared_utils::cursor::Cursors;
use shared_utils::env::{EnvError, Environment};
use shared_utils::http::routing::Route;
use shared_utils::http::{Api, Error, HttpContext, serve};
use shared_utils::rate_limit::Rate;

pub use routes::{ROUTES, operations};

/// The default send rate of a person in one conversation. `SEND_RATE` overrides it.
pub const SEND_RATE: Rate = Rate::per_second(1, 10);

/// The dependencies of all routes, built once per sandbox.
pub struct App {
    context: HttpContext,
    messaging: Messaging,
    cursors: Cursors,
    send_rate: Rate,
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
        let limits = FileLimits::from_env(env, "CONVERSATION_FILES_MAX_BYTES", FileLimits::of(OwnerKind::Conversation))?;
        let table = FileTable::new(broadcaster.store().clone(), broadcaster.tables().messages.clone());
        let files = Files::from_env(env, &aws, table, limits, context.clock.clone())?;
        Ok(Self::new(context, broadcaster, files, Rate::from_env(env, "SEND_RATE", SEND_RATE)?))
    }

    /// Builds the app from its parts.
    pub fn new(context: HttpContext, broadcaster: Broadcaster, files: Files, send_rate: Rate) -> Self {
        Self {
            messaging: broadcaster.messaging().clone(),
            cursors: Cursors::new(broadcaster.store().clone(), broadcaster.tables().messages.clone()),
            revocations: broadcaster.revocations().clone(),
            broadcaster: broadcaster.with_files(files.clone()),
            files,
            context,
            send_rate,
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
    const DOMAIN: &'static str = "messages";

    fn routes() -> &'static [Route<Self>] {
        routes::ROUTES
    }

    fn context(&self) -> &HttpContext {
        &self.context
    }

    async fn check_session(&self, caller: &Caller) -> Result<(), Error> {
        Ok(self.revocations.check(caller.user, caller.session, caller.version).await?)
    }

    fn answered(&self) {
        for conversation in self.messaging.take_orphaned() {
            let (messaging, files) = (self.messaging.clone(), self.files.clone());
            self.broadcaster.background_tasks().push(async move {
                messaging.purge(conversation).await;
                files.process_removals().await;
            });
        }
    }
}
