//! Rate limits.

use shared_utils::env::Environment;
use shared_utils::http::cloudfront::{CloudFront, serve_behind_cloudfront};

use super::*;

#[tokio::test]
async fn logins_are_limited_by_address() {
    let studio = studio_with(Settings::default()).await;
    for n in 0..20 {
        assert_eq!(studio.login_from([1, 1, 1, 1], &format!("nobody-{n}@mylg.test"), "wrong").await.0, 401);
    }
    assert_eq!(studio.login_from([1, 1, 1, 1], "ana@mylg.test", PASSWORD).await, (429, Some("3".to_owned())));
    assert_eq!(studio.login_from([2, 2, 2, 2], "ana@mylg.test", PASSWORD).await.0, 200);
    // The client's own `X-Forwarded-For` is ignored.
    let event = EventBuilder::new(Method::POST, "/auth/login").peer(IpAddr::from([1, 1, 1, 1])).header("x-forwarded-for", "3.3.3.3");
    let answer = studio.call(event.json(&json!({"email": "ana@mylg.test", "password": PASSWORD}))).await;
    answer.expect_error(429, "too_many_requests");
    studio.harness.clock.advance_seconds(3);
    assert_eq!(studio.login_from([1, 1, 1, 1], "ana@mylg.test", PASSWORD).await.0, 200);
}

#[tokio::test]
async fn a_session_refreshes_thirty_times_a_minute_and_survives_more() {
    let studio = studio_with(Settings::default()).await;
    let mut token = studio.login().await["refreshToken"].clone();
    for _ in 0..30 {
        token = studio.refresh(&token).await.expect(200)["refreshToken"].clone();
    }
    for _ in 0..2 {
        let answer = studio.refresh(&token).await;
        assert_eq!(answer.headers["retry-after"], "2");
        answer.expect_error(429, "too_many_requests");
    }
    // Another session of the same person has its own rate.
    let other = studio.login().await["refreshToken"].clone();
    studio.refresh(&other).await.expect(200);
    studio.harness.clock.advance_seconds(2);
    studio.refresh(&token).await.expect(200);
}

#[tokio::test]
async fn refreshes_are_limited_by_address() {
    let studio = studio_with(Settings::default()).await;
    for _ in 0..300 {
        studio.refresh(&json!("nonsense")).await.expect(401);
    }
    let answer = studio.refresh(&json!("nonsense")).await;
    assert_eq!(answer.headers["retry-after"], "1");
    answer.expect_error(429, "too_many_requests");
}

#[tokio::test]
async fn a_person_gets_ten_tickets_a_minute() {
    let studio = studio().await;
    let token = studio.login().await["accessToken"].clone();
    let ask = || studio.ask(Method::POST, "/auth/ws-ticket", &token, Value::Null);
    for _ in 0..10 {
        let body = ask().await.expect(200);
        assert_eq!((body["ticket"].as_str().unwrap().len(), &body["expiresIn"]), (43, &json!(30)));
    }
    let answer = ask().await;
    assert_eq!(answer.headers["retry-after"], "6");
    answer.expect_error(429, "too_many_requests");
    let bens = studio.login_as(&studio.ben).await["accessToken"].clone();
    studio.ask(Method::POST, "/auth/ws-ticket", &bens, json!({})).await.expect(200);
    studio.harness.clock.advance_seconds(6);
    ask().await.expect(200);
    ask().await.expect(429);
}

#[tokio::test]
async fn refused_tickets_say_when_to_retry() {
    let studio = studio().await;
    let token = studio.login().await["accessToken"].clone();
    let ask = || studio.ask(Method::POST, "/auth/ws-ticket", &token, Value::Null);
    for _ in 0..10 {
        ask().await.expect(200);
    }
    let mut waits: Vec<i64> = Vec::new();
    for _ in 0..6 {
        let answer = ask().await;
        waits.push(answer.headers["retry-after"].to_str().unwrap().parse().unwrap());
        answer.expect(429);
    }
    assert_eq!(waits, [6, 12, 18, 24, 30, 36], "one ticket frees every six seconds");
    let mut waited = 0;
    for wait in waits {
        studio.harness.clock.advance_seconds(wait - waited);
        waited = wait;
        ask().await.expect(200);
    }
}

#[tokio::test]
async fn behind_cloudfront_the_viewers_address_counts_and_nothing_passes_beside() {
    let studio = studio_with(Settings::default()).await;
    // `printf 0123456789abcdef0123456789abcdef | sha256sum`
    let hash = "3eb1bd439947eb762998e566ccc2e099c791118b2f40579cc4f7da2b5061b7f9";
    let cloudfront = CloudFront::from_env(&Environment::of([("EDGE_SECRET_SHA256".to_owned(), hash.to_owned())].into())).unwrap();
    let login = async |secret: &str, viewer: &str| {
        let event = EventBuilder::new(Method::POST, "/auth/login").header("x-origin-secret", secret).header("cloudfront-viewer-address", viewer);
        Answer::from(
            serve_behind_cloudfront(cloudfront.as_ref(), &studio.app, event.json(&json!({"email": "nobody@mylg.test", "password": "wrong"})).event())
                .await,
        )
    };
    for n in 0..20 {
        assert_eq!(login("0123456789abcdef0123456789abcdef", "198.51.100.10:46532").await.status, if n < 5 { 401 } else { 429 });
    }
    let limited = login("0123456789abcdef0123456789abcdef", "198.51.100.10:46532").await;
    assert_eq!(limited.body["code"], "too_many_requests");
    assert_ne!(login("0123456789abcdef0123456789abcdef", "198.51.100.11:46532").await.body["code"], "too_many_requests");
    login("another secret", "198.51.100.11:46532").await.expect_error(403, "forbidden");
    let health = EventBuilder::new(Method::GET, "/auth/health").event();
    Answer::from(serve_behind_cloudfront(cloudfront.as_ref(), &studio.app, health).await).expect_error(403, "forbidden");
}
