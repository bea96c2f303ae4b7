//! Tests of the whole function on the embedded database: raw event in, response out. The end-to-end suite tests real sockets.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics, in its helpers too")]

mod connect;
mod frames;
mod locks;
mod rates;
mod renewal;
mod tabs;
mod tickets;

use std::ops::Deref;

use access::revocations::Mark;
use access::session::Session;
use access::tickets::Tickets;
use local_stack::faults::{Effect, InjectedFault};
use realtime::Connections;
use serde_json::{Value, json};
use shared_utils::auth::{Caller, Role};
use shared_utils::ids::{SessionId, UserId};
use shared_utils::rate_limit::Rate;
use test_harness::{Harness, ORIGIN, Person, SocketEvents, body_of, published_events};
use ws_provider::{ACKNOWLEDGED, ACTIONS, App, Rates};

/// The app, its connections table, and ana with a token.
struct Studio {
    studio: test_harness::Studio<App>,
    connections: Connections,
    ana: UserId,
    token: String,
}

impl Deref for Studio {
    type Target = test_harness::Studio<App>;

    fn deref(&self) -> &Self::Target {
        &self.studio
    }
}

async fn studio() -> Studio {
    let harness = Harness::start().await;
    let app = App::new(harness.context(), harness.broadcaster(), Rates::default());
    let connections = Connections::new(harness.store(), harness.table("connections"), harness.clock.clone());
    let studio = test_harness::Studio { harness, app };
    let Person { id: ana, token, .. } = studio.person("ana").await;
    Studio { studio, connections, ana, token }
}

impl Studio {
    async fn connect(&self, socket: &SocketEvents, query: &str, headers: &[(&str, &str)]) -> i64 {
        self.app.handle(socket.connect(query, headers)).await.status_code
    }

    async fn ask(&self, socket: &SocketEvents, frame: Value) -> Value {
        let answer = self.app.handle(socket.message("$default", &frame.to_string())).await;
        assert_eq!(answer.status_code, 200);
        body_of(&answer)
    }
}

/// Runs the background tasks.
async fn settle(studio: &Studio) {
    studio.app.background_tasks().run(std::time::Duration::from_secs(5)).await;
}

async fn session(studio: &Studio) -> Session {
    let now = studio.harness.clock.now();
    let session = SessionId::generate(now);
    let caller = Caller { user: studio.ana, session, role: Role::User, version: 1, pending: false, expires_at: now.plus_seconds(600) };
    studio.harness.revocations().check_session(caller).await.unwrap()
}
