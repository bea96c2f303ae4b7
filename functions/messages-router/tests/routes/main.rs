//! Raw event in, response out, on the embedded database.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics, in its helpers too")]

mod delivery;
mod groups;
mod markers;
mod orders;
mod reactions;
mod sync;
mod texts;

use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::future::join_all;
use http::Method;
use local_stack::faults::{Effect, InjectedFault};
use local_stack::testing::{EventBuilder, Harness, NO_GATEWAY, body_of, published_events};
use messages_router::{App, SEND_RATE, Tables};
use serde_json::{Value, json};
use shared_utils::auth::Role;
use shared_utils::aws::AwsConfig;
use shared_utils::dynamo::{Key, Store, n, to_item};
use shared_utils::ids::{ProjectId, UserId};
use shared_utils::rate_limit::Rate;

/// A team that is written again is another one.
static TEAM_VERSIONS: AtomicU64 = AtomicU64::new(1);

struct Studio {
    harness: Harness,
    app: App,
}

async fn studio() -> Studio {
    paced_studio(Rate::OFF).await
}

async fn paced_studio(rate: Rate) -> Studio {
    let harness = Harness::start().await;
    let aws = harness.aws();
    studio_on(harness, &aws, rate)
}

/// For tests that make very many calls and need no faults.
async fn quick_studio() -> Studio {
    let harness = Harness::start().await;
    let aws = harness.engine();
    studio_on(harness, &aws, Rate::OFF)
}

fn studio_on(harness: Harness, aws: &AwsConfig, rate: Rate) -> Studio {
    let messaging = messaging::Tables { messages: harness.table("messages"), auth: harness.table("auth"), projects: harness.table("projects") };
    let app = App::new(harness.context(), aws, Tables { messaging, connections: harness.table("connections") }, NO_GATEWAY, rate);
    Studio { harness, app }
}

struct Person<'a> {
    studio: &'a Studio,
    id: UserId,
    token: String,
}

impl Studio {
    /// Writes a project's header, as projects-router keeps it, with this team.
    async fn project(&self, id: ProjectId, team: &[&Person<'_>], deleted: bool) {
        let now = self.harness.clock.now();
        let mut members = serde_json::Map::new();
        for person in team {
            members.insert(person.id.to_string(), json!({"role": "editor", "joinedAt": now}));
        }
        let mut header = json!({"projectId": id, "title": "Atrium", "team": members, "createdBy": team[0].id, "createdAt": self.harness.clock.now()});
        if deleted {
            header["deletedAt"] = json!(now);
        }
        let mut item = to_item(access::teams::header_key(id), "project", &header).unwrap();
        item.insert("teamVersion".to_owned(), n(TEAM_VERSIONS.fetch_add(1, Ordering::Relaxed)));
        let store = self.store();
        store.put_item(&self.harness.table("projects"), item).await.unwrap();
        for person in team {
            let member = json!({"projectId": id, "memberId": person.id, "activity": format!("{now}#{id}")});
            let key = Key::new(format!("PROJECT#{id}"), format!("MEMBER#{}", person.id));
            store.put_item(&self.harness.table("projects"), to_item(key, "teamMember", &member).unwrap()).await.unwrap();
        }
    }

    fn store(&self) -> Store {
        Store::new(self.harness.aws().dynamodb())
    }

    async fn person(&self, name: &str) -> Person<'_> {
        let id = self.harness.person(name).await;
        Person { studio: self, id, token: self.harness.token(id, Role::User).await }
    }
}

impl Person<'_> {
    async fn call(&self, event: EventBuilder) -> (i64, Value) {
        // On the heap: what a test awaits one after another is all of one future.
        let answer = Box::pin(self.studio.app.handle(event.bearer(&self.token).event())).await;
        (answer.status_code, body_of(&answer))
    }

    async fn get(&self, path: &str) -> (i64, Value) {
        self.call(EventBuilder::new(Method::GET, path)).await
    }

    async fn send(&self, method: Method, path: &str, body: Value) -> (i64, Value) {
        self.call(EventBuilder::new(method, path).json(&body)).await
    }

    async fn delete(&self, path: &str) -> (i64, Value) {
        self.call(EventBuilder::new(Method::DELETE, path)).await
    }

    async fn put(&self, path: &str) -> (i64, Value) {
        self.call(EventBuilder::new(Method::PUT, path)).await
    }

    /// Sends a text; the message.
    async fn say(&self, conversation: &str, text: &str) -> Value {
        let (status, message) = self.send(Method::POST, &messages(conversation), json!({"text": text})).await;
        assert_eq!(status, 201, "{message}");
        message
    }

    /// What one conversation is to this person.
    async fn conversation(&self, conversation: &str) -> Value {
        let (status, body) = self.get(&format!("/messages/conversations/{conversation}")).await;
        assert_eq!(status, 200, "{body}");
        body
    }

    async fn group(&self, title: &str, others: &[&Person<'_>]) -> String {
        let others: Vec<UserId> = others.iter().map(|person| person.id).collect();
        let (status, body) =
            self.send(Method::POST, "/messages/conversations", json!({"type": "group", "title": title, "participants": others})).await;
        assert_eq!(status, 201, "{body}");
        body["conversationId"].as_str().unwrap().to_owned()
    }

    async fn direct(&self, other: &Person<'_>) -> String {
        let (status, body) = self.send(Method::POST, "/messages/conversations", json!({"type": "direct", "participants": [other.id]})).await;
        assert!([200, 201].contains(&status), "{body}");
        body["conversationId"].as_str().unwrap().to_owned()
    }
}

fn messages(conversation: &str) -> String {
    format!("/messages/conversations/{conversation}/messages")
}

#[tokio::test]
async fn a_direct_conversation_is_one_per_pair_whoever_opens_it_and_however_many_at_once() {
    let studio = studio().await;
    let (ana, ben) = (studio.person("ana").await, studio.person("ben").await);
    let opened = join_all((0..10).map(|n| if n % 2 == 0 { ana.direct(&ben) } else { ben.direct(&ana) })).await;
    assert!(opened.iter().all(|id| *id == opened[0]), "{opened:?}");
    let (_, list) = ana.get("/messages/conversations").await;
    assert_eq!(list["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn people_who_are_not_there_are_faults_at_their_place() {
    let studio = studio().await;
    let (ana, ben) = (studio.person("ana").await, studio.person("ben").await);
    let nobody = UserId::generate(studio.harness.clock.now());
    let open = async |body: Value| {
        let (status, body) = ana.send(Method::POST, "/messages/conversations", body).await;
        let pointers: Vec<String> =
            body["errors"].as_array().into_iter().flatten().map(|fault| fault["pointer"].as_str().unwrap().to_owned()).collect();
        (status, pointers)
    };
    let at = |pointers: &[&str]| (422, pointers.iter().map(ToString::to_string).collect::<Vec<_>>());
    assert_eq!(open(json!({"type": "direct", "participants": [nobody]})).await, at(&["/participants/0"]));
    assert_eq!(open(json!({"type": "group", "title": "T", "participants": [ben.id, nobody, "x"]})).await, at(&["/participants/2"]));
    assert_eq!(open(json!({"type": "group", "title": "T", "participants": [ben.id, nobody]})).await, at(&["/participants/1"]));
    assert_eq!(open(json!({"type": "direct", "participants": [ana.id]})).await, at(&["/participants/0"]));
    assert_eq!(open(json!({"type": "group", "participants": [ben.id]})).await, at(&["/title"]));
    assert_eq!(open(json!({"type": "meeting"})).await, at(&["/type"]));
    assert_eq!(open(json!({"type": "project", "projectId": "prj_x"})).await.0, 404);
    assert_eq!(open(json!({"type": "group", "title": "T", "participants": [ana.id, ben.id]})).await.0, 201);
}

#[tokio::test]
async fn fifty_sends_at_once_are_contiguous_and_complete() {
    let studio = studio().await;
    let (ana, ben) = (studio.person("ana").await, studio.person("ben").await);
    let path = messages(&ana.direct(&ben).await);
    let sends = (0..50)
        .map(|n| if n % 2 == 0 { &ana } else { &ben }.send(Method::POST, &path, json!({"text": n.to_string(), "optimisticId": n.to_string()})));
    let mut seqs: Vec<u64> = join_all(sends)
        .await
        .into_iter()
        .map(|(status, body)| {
            assert_eq!(status, 201, "{body}");
            body["seq"].as_u64().unwrap()
        })
        .collect();
    seqs.sort_unstable();
    assert_eq!(seqs, (1..=50).collect::<Vec<_>>());
    let (_, page) = ben.get(&format!("{path}?limit=100")).await;
    let texts: std::collections::BTreeSet<&str> = page["items"].as_array().unwrap().iter().map(|message| message["text"].as_str().unwrap()).collect();
    assert_eq!((texts.len(), &page["lastSeq"]), (50, &json!(50)));
}

#[tokio::test]
async fn an_optimistic_id_is_one_message_forever() {
    let studio = studio().await;
    let (ana, ben) = (studio.person("ana").await, studio.person("ben").await);
    let path = messages(&ana.direct(&ben).await);
    let body = json!({"text": "once", "optimisticId": "o-1"});
    let all = join_all((0..8).map(|_| ana.send(Method::POST, &path, body.clone()))).await;
    assert_eq!(all.iter().filter(|(status, _)| *status == 201).count(), 1);
    assert!(all.iter().all(|(_, message)| message["messageId"] == all[0].1["messageId"]));
    // Another's id of the same name is another message.
    assert_eq!(ben.send(Method::POST, &path, body.clone()).await.1["seq"], json!(2));
    let (status, problem) = ana.send(Method::POST, &path, json!({"text": "twice", "optimisticId": "o-1"})).await;
    assert_eq!((status, &problem["code"]), (422, &json!("idempotency_mismatch")));
    // After an edit the first body is what is compared, and the message is as it is now; after a deletion its tombstone.
    let message = format!("/messages/{}", all[0].1["messageId"].as_str().unwrap());
    ana.send(Method::PATCH, &message, json!({"text": "edited"})).await;
    let (status, now) = ana.send(Method::POST, &path, body.clone()).await;
    assert_eq!((status, &now["text"]), (200, &json!("edited")));
    ana.call(EventBuilder::new(Method::DELETE, &message)).await;
    let (status, now) = ana.send(Method::POST, &path, body).await;
    assert_eq!((status, &now["deleted"]), (200, &json!(true)));
}

#[tokio::test]
async fn pages_lead_through_everything_both_ways() {
    let studio = studio().await;
    let (ana, ben) = (studio.person("ana").await, studio.person("ben").await);
    let path = messages(&ana.direct(&ben).await);
    for n in 1..=23 {
        ana.send(Method::POST, &path, json!({"text": n.to_string()})).await;
    }
    for (start, expected) in [("", (1..=23).rev().collect::<Vec<u64>>()), ("&beforeSeq=6", vec![5, 4, 3, 2, 1]), ("&afterSeq=4", (5..=23).collect())]
    {
        let mut seen = Vec::new();
        let mut query = start.to_owned();
        loop {
            let (status, page) = ben.get(&format!("{path}?limit=4{query}")).await;
            assert_eq!(status, 200, "{page}");
            seen.extend(page["items"].as_array().unwrap().iter().map(|message| message["seq"].as_u64().unwrap()));
            match page["nextCursor"].as_str() {
                Some(cursor) => query = format!("&cursor={cursor}"),
                None => break,
            }
        }
        assert_eq!(seen, expected, "{start}");
    }
    for bad in ["?beforeSeq=-1", "?afterSeq=x", "?beforeSeq=1&afterSeq=1", "?senderId=x"] {
        assert_eq!(ben.get(&format!("{path}{bad}")).await.1["code"], json!("invalid_parameter"), "{bad}");
    }
    assert_eq!(ben.get(&format!("{path}?beforeSeq=0")).await.1["items"], json!([]));
}

#[tokio::test]
async fn edits_follow_versions_and_snippets_follow_edits() {
    let studio = studio().await;
    let (ana, ben) = (studio.person("ana").await, studio.person("ben").await);
    let conversation = ana.direct(&ben).await;
    let (_, sent) = ana.send(Method::POST, &messages(&conversation), json!({"text": "fist"})).await;
    let path = format!("/messages/{}", sent["messageId"].as_str().unwrap());
    let edited = |text: &str, tag: &str| EventBuilder::new(Method::PATCH, &path).header("if-match", tag).json(&json!({"text": text}));
    assert_eq!(ana.call(edited("first", "\"1\"")).await.0, 200);
    let (status, problem) = ana.call(edited("late", "\"1\"")).await;
    assert_eq!((status, &problem["code"]), (412, &json!("version_mismatch")));
    let at_once = join_all((0..10).map(|n| ana.send(Method::PATCH, &path, json!({"text": format!("edit {n}")})))).await;
    assert!(at_once.iter().all(|(status, _)| *status == 200));
    let (_, message) = ben.get(&path).await;
    assert_eq!(message["version"], json!(12), "no edit was lost");
    let (_, list) = ben.get("/messages/conversations").await;
    assert_eq!(list["items"][0]["lastMessage"]["snippet"], message["text"]);
    ana.call(EventBuilder::new(Method::DELETE, &path)).await;
    let (_, one) = ben.get(&format!("/messages/conversations/{conversation}")).await;
    assert_eq!((&one["lastMessage"]["deleted"], &one["lastMessage"]["snippet"], &one["unread"]), (&json!(true), &json!(""), &json!(1)));
}

#[tokio::test]
async fn lists_are_in_the_order_of_activity_and_idempotency_keys_make_one_group() {
    let studio = studio().await;
    let (ana, ben) = (studio.person("ana").await, studio.person("ben").await);
    let group = |key: &str, title: &str| {
        EventBuilder::new(Method::POST, "/messages/conversations")
            .header("idempotency-key", key)
            .json(&json!({"type": "group", "title": title, "participants": [ben.id]}))
    };
    let made = join_all((0..4).map(|_| ana.call(group("k", "A")))).await;
    assert!(made.iter().all(|(status, body)| *status == 201 && body["conversationId"] == made[0].1["conversationId"]), "{made:?}");
    assert_eq!(ana.call(group("k", "B")).await.1["code"], json!("idempotency_mismatch"));
    assert_eq!(ana.call(group("", "B")).await.1["code"], json!("invalid_parameter"));
    studio.harness.clock.advance_seconds(1);
    let (_, second) = ana.call(group("k2", "B")).await;
    let titles = async || {
        let (_, list) = ben.get("/messages/conversations").await;
        list["items"].as_array().unwrap().iter().map(|item| item["title"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(titles().await, ["B", "A"]);
    studio.harness.clock.advance_seconds(1);
    ana.send(Method::POST, &messages(made[0].1["conversationId"].as_str().unwrap()), json!({"text": "up"})).await;
    assert_eq!(titles().await, ["A", "B"]);
    assert_eq!(second["unread"], json!(0));
}

#[tokio::test]
async fn each_call_may_fail_once_and_a_send_is_whole_or_not_there() {
    let studio = studio().await;
    let (ana, ben) = (studio.person("ana").await, studio.person("ben").await);
    let path = messages(&ana.direct(&ben).await);
    for (index, effect) in [Effect::Throttle, Effect::ServerError, Effect::DropResponse].into_iter().enumerate() {
        for skip in 0..2 {
            studio.harness.faults.add(InjectedFault { action: None, effect, skip, times: 1 });
            let (status, body) = ana.send(Method::POST, &path, json!({"text": "x", "optimisticId": format!("{index}-{skip}")})).await;
            assert_eq!(status, 201, "{effect:?} after {skip}: {body}");
            studio.harness.faults.clear();
        }
    }
    let (_, page) = ben.get(&path).await;
    assert_eq!((page["items"].as_array().unwrap().len(), &page["lastSeq"]), (6, &json!(6)));
}

#[tokio::test]
async fn outdated_rights_write_nothing() {
    let studio = studio().await;
    let (ana, ben) = (studio.person("ana").await, studio.person("ben").await);
    let path = messages(&ana.direct(&ben).await);
    let (_, sent) = ana.send(Method::POST, &path, json!({"text": "before"})).await;
    let message = format!("/messages/{}", sent["messageId"].as_str().unwrap());
    studio.harness.outdate_tokens(ana.id).await;
    // What was asked before has just looked: its knowledge is good for five seconds, and no longer.
    studio.harness.clock.advance_seconds(5);
    for (method, path, body) in [
        (Method::POST, path.as_str(), json!({"text": "after"})),
        (Method::PATCH, &message, json!({"text": "after"})),
        (Method::DELETE, &message, Value::Null),
        (Method::POST, "/messages/conversations", json!({"type": "group", "title": "T", "participants": [ben.id]})),
    ] {
        assert_eq!(ana.send(method, path, body).await.1["code"], json!("invalid_token"), "{path}");
    }
    let (_, page) = ben.get(&path).await;
    assert_eq!((page["items"].as_array().unwrap().len(), &page["items"][0]["text"]), (1, &json!("before")));
    assert_eq!(ben.get("/messages/conversations").await.1["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn time_goes_on_in_a_conversation_whatever_clock_a_sender_met() {
    let studio = studio().await;
    let (ana, ben) = (studio.person("ana").await, studio.person("ben").await);
    let conversation = ana.direct(&ben).await;
    let mut times = Vec::new();
    for ahead in [0, 2, -3, 1, -1] {
        studio.harness.clock.advance_seconds(ahead);
        times.push(ana.say(&conversation, "tick").await["timestamp"].as_str().unwrap().to_owned());
    }
    assert!(times.is_sorted() && times.first() < times.last(), "{times:?}");
}

#[tokio::test]
async fn a_key_gives_the_same_answer_whatever_kind_of_conversation() {
    let studio = studio().await;
    let (ana, ben) = (studio.person("ana").await, studio.person("ben").await);
    let open = |body: Value| ana.call(EventBuilder::new(Method::POST, "/messages/conversations").header("idempotency-key", "k").json(&body));
    let direct = json!({"type": "direct", "participants": [ben.id]});
    let (first, again) = (open(direct.clone()).await, open(direct).await);
    assert_eq!((first.0, again.0, &first.1), (201, 201, &again.1));
    assert_eq!(open(json!({"type": "group", "title": "T", "participants": [ben.id]})).await.1["code"], json!("idempotency_mismatch"));
    // After a day the key is free, whether or not the table has swept it.
    studio.harness.clock.advance_seconds(86_401);
    let ana = Person { token: studio.harness.token(ana.id, Role::User).await, ..ana };
    let group = EventBuilder::new(Method::POST, "/messages/conversations").header("idempotency-key", "k");
    assert_eq!(ana.call(group.json(&json!({"type": "group", "title": "T", "participants": [ben.id]}))).await.0, 201);
}

#[tokio::test]
async fn events_that_nobody_here_wrote_are_answered() {
    let studio = studio().await;
    for (name, event) in published_events("example-apigw-v2-request") {
        let answer = studio.app.handle(serde_json::from_value(event).unwrap()).await;
        assert!([404, 405].contains(&answer.status_code), "{name}: {}", answer.status_code);
    }
}

#[tokio::test]
async fn a_person_sends_one_a_second_into_a_conversation_with_bursts_of_ten() {
    let studio = paced_studio(SEND_RATE).await;
    let (ana, ben, cleo) = (studio.person("ana").await, studio.person("ben").await, studio.person("cleo").await);
    let (path, other) = (messages(&ana.direct(&ben).await), messages(&ana.direct(&cleo).await));
    // Also all at once: what is counted moves in the transaction that the message is sent by.
    let statuses = join_all((0..15).map(|n| ana.send(Method::POST, &path, json!({"text": format!("{n}")})))).await;
    assert_eq!(statuses.iter().filter(|(status, _)| *status == 201).count(), 10);
    assert!(statuses.iter().all(|(status, body)| *status == 201 || body["code"] == "too_many_requests"));
    let event = EventBuilder::new(Method::POST, &path).bearer(&ana.token).json(&json!({"text": "more"}));
    let refused = studio.app.handle(event.event()).await;
    assert_eq!((refused.status_code, refused.headers["retry-after"].to_str().unwrap()), (429, "1"));
    // Nobody else and no other conversation is held up.
    assert_eq!(ben.send(Method::POST, &path, json!({"text": "and I?"})).await.0, 201);
    assert_eq!(ana.send(Method::POST, &other, json!({"text": "elsewhere"})).await.0, 201);
    studio.harness.clock.advance_seconds(1);
    assert_eq!(ana.send(Method::POST, &path, json!({"text": "again"})).await.0, 201);
    assert_eq!(ana.send(Method::POST, &path, json!({"text": "too soon"})).await.0, 429);
    let (_, page) = ana.get(&path).await;
    assert_eq!(page["lastSeq"], json!(12));
}
