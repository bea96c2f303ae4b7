//! Tests of the whole function on the embedded database: raw event in, response out.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics, in its helpers too")]

mod budgets;
mod events;
mod files_removals;
mod notifications;
mod projects;
mod teams;
mod values;

use files::OwnerKind;
use futures_util::future::join_all;
use http::Method;
use projects_router::App;
use serde_json::{Value, json};
use shared_utils::auth::Role;
use shared_utils::ids::UserId;
use std::time::Duration;
use test_harness::{Answer, EventBuilder, Harness, published_events};

type Studio = test_harness::Studio<App>;
type Person<'a> = test_harness::Person<'a, App>;

async fn studio() -> Studio {
    let harness = Harness::start().await;
    Studio { app: App::new(harness.context(), harness.broadcaster(), harness.files(OwnerKind::Project, "projects")), harness }
}

/// Creates a project and returns its path.
async fn project(owner: &Person<'_>, body: Value) -> String {
    let made = owner.post("/projects", body).await.expect(201);
    format!("/projects/{}", made["projectId"].as_str().unwrap())
}
