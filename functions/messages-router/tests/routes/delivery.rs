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

/// The connection ids of all posts to the gateway, in order.
type Posts = Arc<Mutex<Vec<String>>>;

/// A gateway that returns 410 for connections whose id starts with `gone`, and 200 for others.
async fn gateway() -> (String, Posts) {
    let posts = Posts::default();
    let kept = posts.clone();
    let answer = move |Path(id): Path<String>| async move {
        kept.lock().unwrap().push(id.clone());
        if id.starts_with("gone") { (StatusCode::GONE, [("x-amzn-errortype", "GoneException")]) } else { (StatusCode::OK, [("x-a", "b")]) }
    };
    let service = Router::new().route("/@connections/{id}", post(answer));
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, service).await });
    (format!("http://{address}"), posts)
}

#[tokio::test]
async fn a_gone_connection_is_removed_unless_it_may_still_be_opening() {
    let harness = Harness::start().await;
    let (endpoint, posts) = gateway().await;
    let aws = harness.aws();
    let studio = studio_on(harness, &aws, &endpoint, Rate::OFF);
    let (ana, ben) = (studio.person("ana").await, studio.person("ben").await);
    let connections = Connections::new(studio.harness.store(), studio.harness.table("connections"), studio.harness.clock.clone());
    let open = async |person: &Person<'_>, id: &str| {
        let now = studio.harness.clock.now();
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
        connections.add(&connection, Rate::OFF).await.unwrap();
    };
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
        let mut posts = std::mem::take(&mut *posts.lock().unwrap());
        posts.sort();
        posts
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
