//! Expired tokens, renewals and ended sessions on open sockets.

use super::*;

#[tokio::test]
async fn actions_are_refused_after_the_token_expires() {
    let studio = studio().await;
    let socket = SocketEvents::default();
    studio.connect(&socket, &format!("token={}", studio.token), &[]).await;
    studio.harness.clock.advance_seconds(659);
    assert_eq!(studio.ask(&socket, json!({"action": "ping", "ref": "1"})).await["action"], json!("pong"));
    studio.harness.clock.advance_seconds(2);
    let refused = studio.ask(&socket, json!({"action": "ping", "ref": "2"})).await;
    assert_eq!((&refused["code"], &refused["ref"]), (&json!("auth_expired"), &json!("2")));
    studio.harness.clock.advance_seconds(7_200);
    assert_eq!(studio.connections.of_users(&[studio.ana]).await.unwrap(), [], "a zombie is nobody's connection");
}

#[tokio::test]
async fn an_expired_connection_can_be_renewed_for_a_minute() {
    let studio = studio().await;
    let ping = json!({"action": "ping", "ref": "p"});
    let open = || async { studio.connections.of_users(&[studio.ana]).await.unwrap().len() };
    let socket = SocketEvents::default();
    studio.connect(&socket, &format!("token={}", studio.token), &[]).await;
    studio.harness.clock.advance_seconds(661);
    assert_eq!(studio.ask(&socket, ping.clone()).await["code"], json!("auth_expired"));
    settle(&studio).await;
    assert_eq!(open().await, 1, "it may still be renewed");
    studio.harness.clock.advance_seconds(59);
    assert_eq!(studio.ask(&socket, ping.clone()).await["code"], json!("auth_expired"));
    settle(&studio).await;
    let fresh = studio.harness.token(studio.ana, Role::User).await;
    let renewed = studio.ask(&socket, json!({"action": "auth", "ref": "a", "token": fresh})).await;
    assert_eq!((&renewed["action"], &renewed["of"]), (&json!("ack"), &json!("auth")), "{renewed}");
    assert_eq!(studio.ask(&socket, ping.clone()).await["action"], json!("pong"));
    let listed = &studio.connections.of_users(&[studio.ana]).await.unwrap()[0];
    assert!(listed.is_live(studio.harness.clock.now()) && listed.told_expired_at.is_none(), "deliveries go on too");

    // Without a renewal, the connection is closed after that minute, at the next delivery or frame.
    studio.harness.clock.advance_seconds(661);
    studio.ask(&socket, ping.clone()).await;
    settle(&studio).await;
    studio.harness.clock.advance_seconds(60);
    assert_eq!(studio.ask(&socket, ping).await["code"], json!("auth_expired"));
    settle(&studio).await;
    assert_eq!(open().await, 0);
}

#[tokio::test]
async fn only_a_valid_token_of_the_same_person_renews_a_connection() {
    let studio = studio().await;
    let socket = SocketEvents::default();
    studio.connect(&socket, &format!("token={}", studio.token), &[]).await;
    for (frame, code) in [
        (json!({"action": "auth", "ref": "1"}), "validation_failed"),
        (json!({"action": "auth", "ref": "1", "token": "a.b.c"}), "invalid_token"),
        (json!({"action": "auth", "ref": "1", "token": studio.token, "more": 1}), "validation_failed"),
    ] {
        assert_eq!(studio.ask(&socket, frame).await["code"], json!(code));
    }
    settle(&studio).await;
    assert_eq!(studio.connections.of_users(&[studio.ana]).await.unwrap().len(), 1);
    let bens = studio.harness.token(studio.harness.person("ben").await, Role::User).await;
    assert_eq!(studio.ask(&socket, json!({"action": "auth", "ref": "1", "token": bens})).await["code"], json!("forbidden"));
    settle(&studio).await;
    assert_eq!(studio.connections.of_users(&[studio.ana]).await.unwrap().len(), 0, "another person's token closes");
}

/// The session of a token.
fn login_of(studio: &Studio, token: &str) -> SessionId {
    studio.harness.context().verifier.verify(token, studio.harness.clock.now()).unwrap().session
}

/// After the session ended or the rights changed, every frame is refused and closes the connection, even if nothing else closes it.
#[tokio::test]
async fn every_action_of_an_ended_session_is_refused_and_closes_the_socket() {
    let studio = studio().await;
    let ways = ["ended", "outdated", "expired"];
    for (action, way) in ACTIONS.iter().chain(ACKNOWLEDGED).copied().chain(["nonsense"]).flat_map(|action| ways.map(|way| (action, way))) {
        let ben = studio.harness.person("ben").await;
        let token = studio.harness.token(ben, Role::User).await;
        let socket = SocketEvents::default();
        assert_eq!(studio.connect(&socket, &format!("token={token}"), &[]).await, 200);
        let code = match way {
            "ended" => {
                studio.harness.revoke(Mark::Session(login_of(&studio, &token))).await;
                "session_revoked"
            }
            "outdated" => {
                studio.harness.revoke(Mark::Version(ben, 1)).await;
                "invalid_token"
            }
            // `auth` is allowed on an expired connection, but its token is expired too.
            _ if action == "auth" => "token_expired",
            _ => "auth_expired",
        };
        // The revocation cache is valid for 5 seconds. A token is valid for 11 minutes, leeway included.
        studio.harness.clock.advance_seconds(if way == "expired" { 661 } else { 6 });
        let refused = studio.ask(&socket, json!({"action": action, "ref": "1", "token": token})).await;
        assert_eq!(refused["code"], json!(code), "{action}, {way}");
        settle(&studio).await;
        // An expired connection stays open for a minute, to be renewed.
        let left = usize::from(way == "expired");
        assert_eq!(studio.connections.of_users(&[ben]).await.unwrap().len(), left, "{action}, {way}");
    }
}

#[tokio::test]
async fn an_ended_session_cannot_renew_a_connection() {
    let studio = studio().await;
    let socket = SocketEvents::default();
    studio.connect(&socket, &format!("token={}", studio.token), &[]).await;
    let renewal = studio.harness.token(studio.ana, Role::User).await;
    studio.harness.revoke(Mark::Session(login_of(&studio, &renewal))).await;
    studio.harness.clock.advance_seconds(6);
    assert_eq!(studio.ask(&socket, json!({"action": "auth", "ref": "1", "token": renewal})).await["code"], json!("session_revoked"));
    assert_eq!(studio.ask(&socket, json!({"action": "ping", "ref": "1"})).await["action"], json!("pong"), "its own login goes on");
}

/// An expiry mark that is written after a concurrent renewal has no effect.
#[tokio::test]
async fn a_late_expiry_mark_does_not_change_a_renewed_connection() {
    let studio = studio().await;
    let socket = SocketEvents::default();
    studio.connect(&socket, &format!("token={}", studio.token), &[]).await;
    studio.harness.clock.advance_seconds(661);
    let expired = studio.connections.of_users(&[studio.ana]).await.unwrap().remove(0);
    let fresh = studio.harness.token(studio.ana, Role::User).await;
    assert_eq!(studio.ask(&socket, json!({"action": "auth", "ref": "a", "token": fresh})).await["action"], json!("ack"));
    studio.connections.told_expired(&expired).await.unwrap();
    assert_eq!(studio.connections.of_users(&[studio.ana]).await.unwrap()[0].told_expired_at, None);
    assert_eq!(studio.connections.find(socket.connection_id()).await.unwrap().unwrap().told_expired_at, None);
}
