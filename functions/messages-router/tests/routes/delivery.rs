//! Delivery to closed connections, with a fake gateway that returns 410 for some of them.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::routing::post;
use realtime::{Connection, Connections};
use shared_utils::ids::SessionId;

use crate::*;

/// The connection ids and frames of all posts to the gateway, in order.
pub(crate) type Posts = Arc<Mutex<Vec<(String, Value)>>>;

/// A gateway that returns 410 for connections whose id starts with `gone`, 429 for the first two posts to those whose id starts with `busy`, and
/// 200 for others.
pub(crate) async fn gateway() -> (String, Posts) {
    let posts = Posts::default();
    let kept = posts.clone();
    let answer = move |Path(id): Path<String>, frame: String| async move {
        let earlier = {
            let mut posts = kept.lock().unwrap();
            posts.push((id.clone(), serde_json::from_str(&frame).unwrap()));
            posts.iter().filter(|(known, _)| *known == id).count() - 1
        };
        match (id.split('-').next(), earlier) {
            (Some("gone"), _) => (StatusCode::GONE, [("x-amzn-errortype", "GoneException")]),
            (Some("busy"), 0) => (StatusCode::TOO_MANY_REQUESTS, [("x-amzn-errortype", "LimitExceededException")]),
            (Some("busy"), 1) => (StatusCode::TOO_MANY_REQUESTS, [("x-a", "b")]),
            _ => (StatusCode::OK, [("x-a", "b")]),
        }
    };
    let service = Router::new().route("/@connections/{id}", post(answer));
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, service).await });
    (format!("http://{address}"), posts)
}

fn connections_of(studio: &Studio) -> Connections {
    Connections::new(studio.harness.store(), studio.harness.table("connections"), studio.harness.clock.clone())
}

/// Adds an open connection of a person.
pub(crate) async fn open(person: &Person<'_>, id: &str) {
    let now = person.studio.harness.clock.now();
    let connection = Connection {
        connection_id: id.to_owned(),
        user_id: person.id,
        session_id: SessionId::generate(now),
        role: Role::User,
        version: 1,
        token_expires_at: now.plus_seconds(600),
        connected_at: now,
        expires_at: Connection::expiry(now),
        tab_id: None,
        told_expired_at: None,
        ended_at: None,
        last_active_at: None,
        strikes: 0,
        actions_until: 0,
        sends_until: 0,
    };
    connections_of(person.studio).add(&connection, Rate::OFF).await.unwrap();
}

#[tokio::test]
async fn a_gone_connection_is_removed_unless_it_may_still_be_opening() {
    let harness = Harness::start().await;
    let (endpoint, posts) = gateway().await;
    let aws = harness.aws();
    let studio = studio_on(harness, &aws, &endpoint, Rate::OFF);
    let (ana, ben) = (studio.person("ana").await, studio.person("ben").await);
    let connections = connections_of(&studio);
    for (person, id) in [(&ana, "ana"), (&ben, "gone-ben"), (&ben, "ben")] {
        open(person, id).await;
    }
    let conversation = direct(&ana, &ben).await;
    let known = async || {
        let all = connections.of_users(&[ana.id, ben.id]).await.unwrap();
        all.into_iter().map(|connection| connection.connection_id).collect::<BTreeSet<_>>()
    };
    let posted = async |text: &str| {
        studio.app.background_tasks().run(Duration::from_secs(5)).await;
        posts.lock().unwrap().clear();
        say(&ana, &conversation, text).await;
        studio.app.background_tasks().run(Duration::from_secs(5)).await;
        let mut ids: Vec<String> = std::mem::take(&mut *posts.lock().unwrap()).into_iter().map(|(id, _)| id).collect();
        ids.sort();
        ids
    };
    // A young connection may still be opening: the post is retried and the connection is kept.
    assert_eq!(posted("young").await, ["ana", "ben", "gone-ben", "gone-ben"]);
    assert_eq!(known().await.len(), 3);
    studio.harness.clock.advance_seconds(31);
    assert_eq!(posted("old").await, ["ana", "ben", "gone-ben"]);
    assert_eq!(known().await, BTreeSet::from(["ana".to_owned(), "ben".to_owned()]), "the recipient's, and not the sender's");
    assert_eq!(posted("again").await, ["ana", "ben"]);
    // A connection older than its maximum lifetime is ignored, even without `$disconnect`.
    studio.harness.clock.advance_seconds(7_900);
    assert_eq!(known().await.len(), 0);
}

/// A studio whose posts are recorded.
pub(crate) async fn studio_with_posts() -> (Studio, Posts) {
    let harness = Harness::start().await;
    let (endpoint, posts) = gateway().await;
    let aws = harness.aws();
    (studio_on(harness, &aws, &endpoint, Rate::OFF), posts)
}

/// Moves a person's marker. Returns who was told what, in order.
async fn told(person: &Person<'_>, conversation: &str, seq: u64, posts: &Posts) -> Vec<(String, u64)> {
    person.studio.app.background_tasks().run(Duration::from_secs(5)).await;
    posts.lock().unwrap().clear();
    let path = format!("/messages/conversations/{conversation}/read");
    assert_eq!(person.send(Method::PUT, &path, json!({"seq": seq})).await.status, 204);
    person.studio.app.background_tasks().run(Duration::from_secs(5)).await;
    let posts = std::mem::take(&mut *posts.lock().unwrap());
    let mut told: Vec<_> = posts.into_iter().filter(|(_, frame)| frame["action"] == "markRead").collect();
    told.sort_by(|one, other| one.0.cmp(&other.0));
    told.into_iter().map(|(id, frame)| (id, frame["seq"].as_u64().unwrap())).collect()
}

fn all(ids: &[&str], seq: u64) -> Vec<(String, u64)> {
    ids.iter().map(|id| ((*id).to_owned(), seq)).collect()
}

#[tokio::test]
async fn others_are_told_of_a_readers_markers_at_most_once_in_five_seconds() {
    let (studio, posts) = studio_with_posts().await;
    let (ana, ben, cleo) = (studio.person("ana").await, studio.person("ben").await, studio.person("cleo").await);
    for (person, id) in [(&ana, "ana"), (&ben, "ben"), (&ben, "ben-2"), (&cleo, "cleo")] {
        open(person, id).await;
    }
    let (group, pair) = (new_group(&ana, "G", &[&ben, &cleo]).await, direct(&ana, &ben).await);
    for n in 0..6 {
        say(&ana, &group, &n.to_string()).await;
    }
    say(&ana, &pair, "hello").await;
    assert_eq!(told(&ben, &group, 1, &posts).await, all(&["ana", "ben", "ben-2", "cleo"], 1));
    studio.harness.clock.advance_seconds(4);
    assert_eq!(told(&ben, &group, 2, &posts).await, all(&["ben", "ben-2"], 2), "the own devices get each");
    assert_eq!(told(&cleo, &group, 2, &posts).await, all(&["ana", "ben", "ben-2", "cleo"], 2), "each reader has a time of their own");
    assert_eq!(told(&ben, &pair, 1, &posts).await, all(&["ana", "ben", "ben-2"], 1), "and each conversation");
    let view = conversation_of(&ana, &group).await;
    assert!(view["participants"].as_array().unwrap().contains(&json!({"userId": ben.id, "readSeq": 2})), "what was not told is stored");
    studio.harness.clock.advance_seconds(1);
    assert_eq!(told(&ben, &group, 4, &posts).await, all(&["ana", "ben", "ben-2", "cleo"], 4), "and told with the next marker");
    // Of two devices at once, one tells the others.
    studio.harness.clock.advance_seconds(5);
    posts.lock().unwrap().clear();
    let path = format!("/messages/conversations/{group}/read");
    join_all([5, 6].map(|seq| ben.send(Method::PUT, &path, json!({"seq": seq})))).await;
    studio.app.background_tasks().run(Duration::from_secs(5)).await;
    let to_ana = posts.lock().unwrap().iter().filter(|(id, _)| id == "ana").count();
    assert_eq!(to_ana, 1);
}

#[tokio::test]
async fn markers_are_not_told_to_more_than_fifty_others() {
    let (studio, posts) = studio_with_posts().await;
    let mut team = Vec::new();
    for n in 0..52 {
        team.push(studio.person(&format!("person{n}")).await);
    }
    for (person, id) in [(&team[1], "reader"), (&team[1], "reader-2"), (&team[2], "other")] {
        open(person, id).await;
    }
    for (size, ids) in [(51, ["other", "reader", "reader-2"].as_slice()), (52, ["reader", "reader-2"].as_slice())] {
        let project = ProjectId::generate(studio.harness.clock.now());
        write_project(&studio, project, &team.iter().take(size).collect::<Vec<_>>(), false).await;
        let opened = team[0].post("/messages/conversations", json!({"type": "project", "projectId": project})).await.body;
        let conversation = opened["conversationId"].as_str().unwrap().to_owned();
        say(&team[0], &conversation, "hello").await;
        assert_eq!(told(&team[1], &conversation, 1, &posts).await, all(ids, 1), "{size} people");
    }
}

#[tokio::test]
async fn posts_that_any_429_refuses_are_retried() {
    let (studio, posts) = studio_with_posts().await;
    let (ana, ben) = (studio.person("ana").await, studio.person("ben").await);
    open(&ben, "busy-ben").await;
    let conversation = direct(&ana, &ben).await;
    say(&ana, &conversation, "hello").await;
    studio.app.background_tasks().run(Duration::from_secs(5)).await;
    let posts: Vec<_> = posts.lock().unwrap().iter().map(|(id, frame)| (id.clone(), frame["action"].clone())).collect();
    let new = posts.iter().filter(|(_, action)| action == "newMessage").count();
    // The first frame is refused twice, whichever it is.
    assert!(posts.len() >= 3 && new >= 1, "{posts:?}");
    assert_eq!(posts.last(), Some(&("busy-ben".to_owned(), json!("newMessage"))), "{posts:?}");
}
