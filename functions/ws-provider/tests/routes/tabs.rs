//! Which connections of a person stay open: one per tab, and the recently active ones.

use super::*;

async fn open_ids(studio: &Studio) -> std::collections::BTreeSet<String> {
    let all = studio.connections.of_users(&[studio.ana]).await.unwrap();
    all.into_iter().map(|connection| connection.connection_id).collect()
}

fn ids(sockets: &[&SocketEvents]) -> std::collections::BTreeSet<String> {
    sockets.iter().map(|socket| socket.connection_id().to_owned()).collect()
}

#[tokio::test]
async fn the_newer_connection_of_a_tab_stays_open() {
    let studio = studio().await;
    let query = format!("token={}&tabId=t1", studio.token);
    for gap in [1, 20, 400] {
        for is_newer_first in [false, true] {
            let opened = studio.harness.clock.now();
            let (older, newer) = (SocketEvents::opened_at(opened), SocketEvents::opened_at(opened.plus_millis(gap)));
            for socket in if is_newer_first { [&newer, &older] } else { [&older, &newer] } {
                assert_eq!(studio.connect(socket, &query, &[]).await, 200);
            }
            settle(&studio).await;
            assert_eq!(open_ids(&studio).await, ids(&[&newer]), "{gap} ms");
            studio.app.handle(newer.disconnect()).await;
            studio.app.handle(older.disconnect()).await;
            settle(&studio).await;
        }
    }
}

#[tokio::test]
async fn the_least_recently_active_connection_is_closed_for_a_new_one() {
    let studio = studio().await;
    let query = format!("token={}", studio.token);
    let mut sockets = Vec::new();
    for _ in 0..10 {
        let socket = SocketEvents::opened_at(studio.harness.clock.now());
        assert_eq!(studio.connect(&socket, &query, &[]).await, 200);
        studio.harness.clock.advance_seconds(3);
        sockets.push(socket);
    }
    settle(&studio).await;
    // The first connection was used last. The third was used shortly before it.
    for used in [2, 0] {
        assert_eq!(studio.ask(&sockets[used], json!({"action": "ping", "ref": 1})).await["action"], json!("pong"));
        studio.harness.clock.advance_seconds(1);
    }
    for expected in [1, 3] {
        let eleventh = SocketEvents::opened_at(studio.harness.clock.now());
        assert_eq!(studio.connect(&eleventh, &query, &[]).await, 200);
        settle(&studio).await;
        let open = open_ids(&studio).await;
        assert_eq!(open.len(), 10);
        assert!(!open.contains(sockets[expected].connection_id()) && open.contains(eleventh.connection_id()), "the {expected}th is idle the longest");
    }
    assert!(open_ids(&studio).await.is_superset(&ids(&[&sockets[0], &sockets[2]])));
}

#[tokio::test]
async fn ref_is_echoed_unchanged() {
    let studio = studio().await;
    let socket = SocketEvents::default();
    studio.connect(&socket, &format!("token={}", studio.token), &[]).await;
    for reference in [json!(7), json!("7"), json!(0), json!(-1.5), json!("x".repeat(64))] {
        let reply = studio.ask(&socket, json!({"action": "ping", "ref": reference})).await;
        assert_eq!((&reply["action"], &reply["ref"]), (&json!("pong"), &reference));
    }
    for reference in [json!(true), json!([1]), json!({}), json!(null), json!("x".repeat(65))] {
        let reply = studio.ask(&socket, json!({"action": "ping", "ref": reference})).await;
        assert_eq!((&reply["code"], &reply["errors"][0]["pointer"]), (&json!("validation_failed"), &json!("/ref")), "{reply}");
    }
}

#[tokio::test]
async fn frame_member_names_have_no_special_meaning() {
    let studio = studio().await;
    let socket = SocketEvents::default();
    studio.connect(&socket, &format!("token={}", studio.token), &[]).await;
    for name in ["$serde_json::private::RawValue", "$serde_json::private::Number"] {
        for value in [json!("[".repeat(15_000)), json!("{\"action\":\"ping\"}"), json!("7")] {
            let reply = studio.ask(&socket, json!({name: value})).await;
            assert_eq!(reply["action"], json!("error"), "{reply}");
            let reply = studio.ask(&socket, json!({"action": "ping", "ref": 1, name: value})).await;
            assert_eq!((&reply["code"], &reply["errors"][0]["code"]), (&json!("validation_failed"), &json!("unknown_field")), "{reply}");
        }
    }
}
