//! Published example events.

use test_harness::published_events;

use super::*;

#[tokio::test]
async fn published_events_are_answered() {
    let studio = studio().await;
    let events = published_events("example-apigw-v2-request").into_iter().chain(published_events("example-apigw-sam-http"));
    for (name, event) in events {
        let answer = studio.app.handle(serde_json::from_value(event).unwrap()).await;
        assert!([404, 405].contains(&answer.status_code), "{name}: {}", answer.status_code);
        assert_eq!(answer.headers["content-type"], "application/problem+json", "{name}");
    }
}
