//! The content of frames, and their error replies.

use super::*;

#[tokio::test]
async fn sender_and_time_in_a_frame_are_ignored() {
    let studio = studio().await;
    let socket = SocketEvents::default();
    studio.connect(&socket, &format!("token={}", studio.token), &[]).await;
    let frame = json!({"action": "sendMessage", "ref": "1", "conversationId": "cnv_x", "text": "hi", "optimisticId": "o", "senderId": "usr_x", "timestamp": "never"});
    let refused = studio.ask(&socket, frame).await;
    assert_eq!((&refused["code"], &refused["optimisticId"]), (&json!("not_found"), &json!("o")));
    let faulty = studio.ask(&socket, json!({"action": "ping", "ref": "1", "nonsense": true})).await;
    assert_eq!(faulty["errors"][0]["pointer"], json!("/nonsense"));
}

#[tokio::test]
async fn a_throttled_table_is_an_error_frame() {
    let studio = studio().await;
    let socket = SocketEvents::default();
    studio.connect(&socket, &format!("token={}", studio.token), &[]).await;
    studio.harness.faults.add(InjectedFault { action: Some("GetItem".to_owned()), effect: Effect::Throttle, skip: 0, times: 4 });
    let busy = studio.ask(&socket, json!({"action": "sendMessage", "ref": "1", "conversationId": "cnv_x", "optimisticId": "o"})).await;
    assert_eq!((&busy["code"], &busy["ref"], &busy["optimisticId"]), (&json!("unavailable"), &json!("1"), &json!("o")));
    studio.harness.faults.clear();
    assert_eq!(studio.ask(&socket, json!({"action": "ping", "ref": "2"})).await["action"], json!("pong"));
}
