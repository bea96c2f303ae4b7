//! Requests with outdated tokens, and published example events.

use crate::*;

#[tokio::test]
async fn outdated_tokens_cannot_write() {
    let studio = studio().await;
    let (ana, ben) = (studio.person("ana").await, studio.person("ben").await);
    let path = project(&ana, json!({"title": "Atrium", "team": [{"userId": ben.id, "role": "owner"}]})).await;
    let budget = format!("{path}/budget");
    let before = (ben.get(&path).await.body, ben.get(&budget).await.body);
    studio.harness.outdate_tokens(ana.id).await;
    // The requests above filled the revocation cache, which is valid for five seconds.
    studio.harness.clock.advance_seconds(5);
    let member = format!("{path}/team/{}", ben.id);
    for event in [
        EventBuilder::new(Method::POST, "/projects").json(&json!({"title": "New"})),
        EventBuilder::new(Method::PATCH, &path).json(&json!({"title": "Changed"})),
        EventBuilder::new(Method::PATCH, &budget).json(&json!({"lines": [{"quantity": 1}]})),
        EventBuilder::new(Method::PUT, &member).json(&json!({"role": "viewer"})),
        EventBuilder::new(Method::DELETE, &member),
        EventBuilder::new(Method::DELETE, &path),
        EventBuilder::new(Method::GET, &path),
    ] {
        assert_eq!(ana.call(event.clone()).await.body["code"], json!("invalid_token"), "{event:?}");
    }
    assert_eq!((ben.get(&path).await.body, ben.get(&budget).await.body), before);
}

#[tokio::test]
async fn published_events_are_answered() {
    let studio = studio().await;
    for (name, event) in published_events("example-apigw-v2-request") {
        let answer = studio.app.handle(serde_json::from_value(event).unwrap()).await;
        assert!([404, 405].contains(&answer.status_code), "{name}: {}", answer.status_code);
    }
}
