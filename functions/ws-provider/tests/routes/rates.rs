//! Rate limits per connection and per person.

use super::*;

#[tokio::test]
async fn actions_and_sends_have_separate_rates() {
    let studio = studio().await;
    let socket = SocketEvents::default();
    studio.connect(&socket, &format!("token={}", studio.token), &[]).await;
    let send = json!({"action": "sendMessage", "ref": "s", "conversationId": "cnv_x", "optimisticId": "o"});
    for _ in 0..10 {
        assert_eq!(studio.ask(&socket, send.clone()).await["code"], json!("not_found"));
    }
    let refused = studio.ask(&socket, send.clone()).await;
    assert_eq!((&refused["code"], &refused["retryAfterMs"], &refused["optimisticId"]), (&json!("too_many_requests"), &json!(1000), &json!("o")));
    // Other actions are still allowed. Refused frames were not counted.
    for _ in 0..50 {
        assert_eq!(studio.ask(&socket, json!({"action": "ping", "ref": "p"})).await["action"], json!("pong"));
    }
    assert_eq!(studio.ask(&socket, json!({"action": "ping", "ref": "p"})).await["retryAfterMs"], json!(1000));
    let other = SocketEvents::default();
    studio.connect(&other, &format!("token={}", studio.token), &[]).await;
    assert_eq!(studio.ask(&other, send.clone()).await["code"], json!("not_found"), "each connection has its own");
    studio.harness.clock.advance_seconds(1);
    assert_eq!(studio.ask(&socket, send.clone()).await["code"], json!("not_found"));
    assert_eq!(studio.ask(&socket, send).await["code"], json!("too_many_requests"));
}

/// More sockets allow no more sends, and at most twice the actions of one socket.
#[tokio::test]
async fn rates_hold_over_all_sockets_of_a_person() {
    let studio = studio().await;
    let ben = studio.harness.person("ben").await;
    let broadcaster = studio.harness.broadcaster();
    let new = messaging::open::NewConversation::Direct(ben);
    let opened = broadcaster.messaging().open(studio.ana, new, &[ben], None, async { Ok(session(&studio).await) }).await.unwrap();
    let conversation = opened.conversation.head.conversation_id;
    let sockets: Vec<SocketEvents> = (0..3).map(|_| SocketEvents::default()).collect();
    for socket in &sockets {
        studio.connect(socket, &format!("token={}", studio.token), &[]).await;
    }
    let send = async |socket: usize, n: usize| {
        let frame = json!({"action": "sendMessage", "ref": "s", "conversationId": conversation, "text": "x", "optimisticId": n.to_string()});
        studio.ask(&sockets[socket], frame).await
    };
    for n in 0..10 {
        assert_eq!(send(n % 3, n).await["action"], json!("ack"));
    }
    let refused = send(0, 10).await;
    assert_eq!((&refused["code"], &refused["retryAfterMs"]), (&json!("too_many_requests"), &json!(1000)));
    assert_eq!(send(1, 3).await["action"], json!("ack"), "what was sent already may be asked for again");
    // The person's bucket holds 120 actions. The twelve frames above count too, the refused one included.
    for n in 12..120 {
        assert_eq!(studio.ask(&sockets[n % 3], json!({"action": "ping", "ref": "p"})).await["action"], json!("pong"), "{n}");
    }
    assert_eq!(studio.ask(&sockets[2], json!({"action": "ping", "ref": "p"})).await["code"], json!("too_many_requests"));
}

#[tokio::test]
async fn frames_at_the_same_moment_are_all_counted() {
    let studio = studio().await;
    let socket = SocketEvents::default();
    studio.connect(&socket, &format!("token={}", studio.token), &[]).await;
    let ping = || studio.ask(&socket, json!({"action": "ping", "ref": "p"}));
    futures_util::future::join_all((0..59).map(|_| ping())).await;
    ping().await;
    assert_eq!(ping().await["code"], json!("too_many_requests"));
}
