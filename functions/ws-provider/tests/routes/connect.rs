//! `$connect` and `$disconnect`: which credentials open a socket, and which connections are listed.

use super::*;

#[tokio::test]
async fn connect_accepts_exactly_one_valid_credential() {
    let studio = studio().await;
    let good = format!("token={}", studio.token);
    for (query, headers, expected) in [
        (good.as_str(), &[][..], 200),
        (&good, &[("Origin", ORIGIN)][..], 200),
        (&good, &[("origin", "https://evil.test")][..], 403),
        (&good, &[("Origin", "null")][..], 403),
        ("", &[][..], 401),
        ("token=", &[][..], 401),
        ("token=a.b.c", &[][..], 401),
        (&format!("{good}&{good}"), &[][..], 401),
        (&format!("Token={}", studio.token), &[][..], 401),
    ] {
        assert_eq!(studio.connect(&SocketEvents::default(), query, headers).await, expected, "{query} {headers:?}");
    }
    studio.harness.clock.advance_seconds(661);
    assert_eq!(studio.connect(&SocketEvents::default(), &good, &[]).await, 401, "its time is over");
}

#[tokio::test]
async fn connect_posts_nothing_before_its_response() {
    let studio = studio().await;
    studio.connect(&SocketEvents::default(), &format!("token={}", studio.token), &[]).await;
    // The frames to other people (this person is now online) are sent after the response.
    assert_eq!(studio.app.background_tasks().run(std::time::Duration::ZERO).await, 1);
}

#[tokio::test]
async fn a_connection_is_listed_until_it_disconnects() {
    let studio = studio().await;
    let socket = SocketEvents::default();
    studio.connect(&socket, &format!("token={}", studio.token), &[]).await;
    let known = studio.connections.of_users(&[studio.ana]).await.unwrap();
    assert_eq!(known.iter().map(|connection| connection.connection_id.as_str()).collect::<Vec<_>>(), [socket.connection_id()]);
    assert_eq!(studio.ask(&socket, json!({"action": "ping", "ref": "1"})).await["action"], json!("pong"));
    studio.app.handle(socket.disconnect()).await;
    studio.app.background_tasks().run(std::time::Duration::from_secs(5)).await;
    assert_eq!(studio.connections.of_users(&[studio.ana]).await.unwrap(), []);
    assert_eq!(studio.ask(&socket, json!({"action": "ping", "ref": "1"})).await["action"], json!("error"), "a connection without an item");
}

#[tokio::test]
async fn a_person_opens_thirty_sockets_a_minute() {
    let studio = studio().await;
    let query = format!("token={}", studio.token);
    for _ in 0..30 {
        assert_eq!(studio.connect(&SocketEvents::default(), &query, &[]).await, 200);
    }
    let refused = SocketEvents::default();
    assert_eq!(studio.connect(&refused, &query, &[]).await, 429);
    assert_eq!(studio.ask(&refused, json!({"action": "ping", "ref": "1"})).await["code"], json!("invalid_token"), "nothing is left of it");
    studio.harness.clock.advance_seconds(2);
    assert_eq!(studio.connect(&SocketEvents::default(), &query, &[]).await, 200);
}

#[tokio::test]
async fn published_events_are_answered() {
    let studio = studio().await;
    for (name, event) in published_events("example-apigw-websocket") {
        let answer = studio.app.handle(serde_json::from_value(event).unwrap()).await;
        let expected: &[i64] = if name.contains("disconnect") { &[200] } else { &[401, 403] };
        assert!(expected.contains(&answer.status_code), "{name}: {}", answer.status_code);
    }
}
