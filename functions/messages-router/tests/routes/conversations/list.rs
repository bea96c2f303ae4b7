//! The list of conversations.

use crate::*;

#[tokio::test]
async fn conversations_are_listed_by_activity() {
    let studio = studio().await;
    let (ana, ben) = (studio.person("ana").await, studio.person("ben").await);
    let group = |key: &str, title: &str| {
        EventBuilder::new(Method::POST, "/messages/conversations")
            .header("idempotency-key", key)
            .json(&json!({"type": "group", "title": title, "participants": [ben.id]}))
    };
    let made = join_all((0..4).map(|_| ana.call(group("k", "A")))).await;
    assert!(made.iter().all(|answer| answer.status == 201 && answer.body["conversationId"] == made[0].body["conversationId"]), "{made:?}");
    assert_eq!(ana.call(group("k", "B")).await.body["code"], json!("idempotency_mismatch"));
    assert_eq!(ana.call(group("", "B")).await.body["code"], json!("invalid_parameter"));
    studio.harness.clock.advance_seconds(1);
    let second = ana.call(group("k2", "B")).await.body;
    let titles = async || {
        let list = ben.get("/messages/conversations").await.body;
        list["items"].as_array().unwrap().iter().map(|item| item["title"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(titles().await, ["B", "A"]);
    studio.harness.clock.advance_seconds(1);
    ana.post(&messages_of(made[0].body["conversationId"].as_str().unwrap()), json!({"text": "up"})).await;
    assert_eq!(titles().await, ["A", "B"]);
    assert_eq!(second["unread"], json!(0));
}
