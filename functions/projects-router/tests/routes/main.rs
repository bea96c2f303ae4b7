//! Raw event in, response out, on the embedded database.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics, in its helpers too")]

mod bad_values;
mod budgets;
mod idempotency;
mod import;
mod projects;
mod teams;

use futures_util::future::join_all;
use http::Method;
use local_stack::testing::{EventBuilder, Harness, NO_GATEWAY, body_of, published_events};
use projects_router::{App, Tables};
use serde_json::{Value, json};
use shared_utils::auth::Role;
use shared_utils::ids::UserId;
use std::time::Duration;

struct Studio {
    harness: Harness,
    app: App,
}

async fn studio() -> Studio {
    let harness = Harness::start().await;
    let messaging = messaging::Tables { messages: harness.table("messages"), auth: harness.table("auth"), projects: harness.table("projects") };
    let tables = Tables { messaging, connections: harness.table("connections") };
    let app = App::new(harness.context(), &harness.aws(), tables, NO_GATEWAY);
    Studio { harness, app }
}

struct Person<'a> {
    studio: &'a Studio,
    id: UserId,
    token: String,
}

impl Studio {
    async fn person(&self, name: &str) -> Person<'_> {
        let id = self.harness.person(name).await;
        Person { studio: self, id, token: self.harness.token(id, Role::User).await }
    }
}

#[derive(Debug)]
struct Answer {
    status: i64,
    etag: String,
    replayed: bool,
    body: Value,
}

impl Answer {
    #[track_caller]
    fn expect(self, status: i64) -> Value {
        assert_eq!(self.status, status, "{}", self.body);
        self.body
    }
}

impl Person<'_> {
    async fn call(&self, event: EventBuilder) -> Answer {
        // On the heap: a test that asks many times would have all its questions on its stack.
        let answer = Box::pin(self.studio.app.handle(event.bearer(&self.token).event())).await;
        let header = |name: &str| answer.headers.get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default();
        Answer { status: answer.status_code, etag: header("etag"), replayed: header("idempotent-replayed") == "true", body: body_of(&answer) }
    }

    async fn get(&self, path: &str) -> Answer {
        self.call(EventBuilder::new(Method::GET, path)).await
    }

    async fn send(&self, method: Method, path: &str, body: Value) -> Answer {
        self.call(EventBuilder::new(method, path).json(&body)).await
    }

    async fn patch(&self, path: &str, body: Value) -> Answer {
        self.send(Method::PATCH, path, body).await
    }

    async fn project(&self, body: Value) -> String {
        let made = self.send(Method::POST, "/projects", body).await.expect(201);
        format!("/projects/{}", made["projectId"].as_str().unwrap())
    }
}
