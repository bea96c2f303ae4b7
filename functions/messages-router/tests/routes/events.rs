//! Requests with outdated tokens, and published example events.

use crate::*;

#[tokio::test]
async fn outdated_tokens_cannot_write() {
    let studio = studio().await;
    let (ana, ben) = (studio.person("ana").await, studio.person("ben").await);
    let path = messages_of(&direct(&ana, &ben).await);
    let sent = ana.post(&path, json!({"text": "before"})).await.body;
    let message = format!("/messages/{}", sent["messageId"].as_str().unwrap());
    studio.harness.outdate_tokens(ana.id).await;
    // The requests above filled the revocation cache, which is valid for five seconds.
    studio.harness.clock.advance_seconds(5);
    for (method, path, body) in [
        (Method::POST, path.as_str(), json!({"text": "after"})),
        (Method::PATCH, &message, json!({"text": "after"})),
        (Method::DELETE, &message, Value::Null),
        (Method::POST, "/messages/conversations", json!({"type": "group", "title": "T", "participants": [ben.id]})),
    ] {
        assert_eq!(ana.send(method, path, body).await.body["code"], json!("invalid_token"), "{path}");
    }
    let page = ben.get(&path).await.body;
    assert_eq!((page["items"].as_array().unwrap().len(), &page["items"][0]["text"]), (1, &json!("before")));
    assert_eq!(ben.get("/messages/conversations").await.body["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn published_events_are_answered() {
    let studio = studio().await;
    for (name, event) in published_events("example-apigw-v2-request") {
        let answer = studio.app.handle(serde_json::from_value(event).unwrap()).await;
        assert!([404, 405].contains(&answer.status_code), "{name}: {}", answer.status_code);
    }
}
