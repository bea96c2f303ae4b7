//! Tests of the whole function on the embedded database: raw event in, response out.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics, in its helpers too")]

mod conversations;
mod delivery;
mod events;
mod messages;
mod notifications;
mod orders;
mod sync;

use files::OwnerKind;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::future::join_all;
use http::Method;
use local_stack::faults::{Effect, InjectedFault};
use messages_router::{App, SEND_RATE};
use serde_json::{Value, json};
use shared_utils::auth::Role;
use shared_utils::aws::AwsConfig;
use shared_utils::dynamo::{Key, n, to_item};
use shared_utils::ids::{ProjectId, UserId};
use shared_utils::rate_limit::Rate;
use test_harness::{Answer, EventBuilder, Harness, NO_GATEWAY, published_events};

/// Each written project header gets a new team version.
static TEAM_VERSIONS: AtomicU64 = AtomicU64::new(1);

type Studio = test_harness::Studio<App>;
type Person<'a> = test_harness::Person<'a, App>;

async fn studio() -> Studio {
    studio_with_rate(Rate::OFF).await
}

async fn studio_with_rate(rate: Rate) -> Studio {
    let harness = Harness::start().await;
    let aws = harness.aws();
    studio_on(harness, &aws, NO_GATEWAY, rate)
}

/// An app without fault injection, for tests with very many calls.
async fn studio_without_faults() -> Studio {
    let harness = Harness::start().await;
    let aws = harness.engine();
    studio_on(harness, &aws, NO_GATEWAY, Rate::OFF)
}

fn studio_on(harness: Harness, aws: &AwsConfig, gateway: &str, rate: Rate) -> Studio {
    Studio {
        app: App::new(harness.context(), harness.broadcaster_on(aws, gateway), harness.files(OwnerKind::Conversation, "messages"), rate),
        harness,
    }
}

/// Writes a project's header with this team, and its list rows, in the format of projects-router.
async fn write_project(studio: &Studio, id: ProjectId, team: &[&Person<'_>], deleted: bool) {
    let now = studio.harness.clock.now();
    let mut members = serde_json::Map::new();
    for person in team {
        members.insert(person.id.to_string(), json!({"role": "editor", "joinedAt": now}));
    }
    let mut header = json!({"projectId": id, "title": "Atrium", "team": members, "createdBy": team[0].id, "createdAt": now});
    if deleted {
        header["deletedAt"] = json!(now);
    }
    let mut item = to_item(access::teams::header_key(id), "project", &header).unwrap();
    item.insert("teamVersion".to_owned(), n(TEAM_VERSIONS.fetch_add(1, Ordering::Relaxed)));
    let (store, table) = (studio.harness.store(), studio.harness.table("projects"));
    store.put_item(&table, item).await.unwrap();
    for person in team {
        let member = json!({"projectId": id, "memberId": person.id, "activity": format!("{now}#{id}")});
        let key = Key::new(format!("PROJECT#{id}"), format!("MEMBER#{}", person.id));
        store.put_item(&table, to_item(key, "teamMember", &member).unwrap()).await.unwrap();
    }
}

/// Sends a text and returns the message.
async fn say(person: &Person<'_>, conversation: &str, text: &str) -> Value {
    person.post(&messages_of(conversation), json!({"text": text})).await.expect(201)
}

/// A conversation as this person sees it.
async fn conversation_of(person: &Person<'_>, conversation: &str) -> Value {
    person.get(&format!("/messages/conversations/{conversation}")).await.expect(200)
}

/// Creates a group and returns its id.
async fn new_group(owner: &Person<'_>, title: &str, others: &[&Person<'_>]) -> String {
    let others: Vec<UserId> = others.iter().map(|person| person.id).collect();
    let made = owner.post("/messages/conversations", json!({"type": "group", "title": title, "participants": others})).await.expect(201);
    made["conversationId"].as_str().unwrap().to_owned()
}

/// Opens the direct conversation of two people and returns its id.
async fn direct(person: &Person<'_>, other: &Person<'_>) -> String {
    let opened = person.post("/messages/conversations", json!({"type": "direct", "participants": [other.id]})).await;
    assert!([200, 201].contains(&opened.status), "{}", opened.body);
    opened.body["conversationId"].as_str().unwrap().to_owned()
}

fn messages_of(conversation: &str) -> String {
    format!("/messages/conversations/{conversation}/messages")
}
