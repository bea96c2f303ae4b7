//! Refresh tokens in a cookie.

use super::*;

const LOGIN: &str = "/auth/login";
const REFRESH: &str = "/auth/refresh";

fn by_cookie(path: &str) -> EventBuilder {
    EventBuilder::new(Method::POST, path).header("x-session-transport", "cookie").header("origin", ORIGIN)
}

/// The value of the only cookie that a response sets.
#[track_caller]
fn cookie(answer: &Answer) -> String {
    let [cookie] = &answer.cookies()[..] else { panic!("{:?}", answer.cookies()) };
    let (pair, attributes) = cookie.split_once("; ").unwrap();
    assert!(attributes.ends_with("Secure; HttpOnly; SameSite=Strict") && attributes.starts_with("Path=/; Max-Age="), "{attributes}");
    pair.strip_prefix("__Host-refresh=").unwrap().to_owned()
}

#[tokio::test]
async fn cookie_transport_never_puts_the_token_in_a_body() {
    let studio = studio().await;
    let login = studio.call(by_cookie(LOGIN).json(&json!({"email": "ana@mylg.test", "password": PASSWORD}))).await;
    let first = cookie(&login);
    assert!(login.cookies()[0].contains("Max-Age=604800;"));
    assert_eq!(login.clone().expect(200)["refreshToken"], Value::Null);
    let with = |token: &str| by_cookie(REFRESH).header("cookie", &format!("theme=d\u{e9}rk; __Host-refresh={token}; other=1"));
    // The body may be empty, but the content type must be JSON.
    let refreshed = studio.call(with(&first).body("application/json", "")).await;
    let second = cookie(&refreshed);
    assert_ne!(first, second);
    assert_eq!(refreshed.expect(200)["refreshToken"], Value::Null);
    assert_eq!(cookie(&studio.call(with(&first).json(&json!({}))).await), second, "a second tab");

    studio.call(with(&second).body("text/plain", "{}")).await.expect_error(415, "unsupported_media_type");
    studio.call(with(&second)).await.expect_error(415, "unsupported_media_type");
    studio.call(with(&second).json(&json!({"refreshToken": second}))).await.expect_error(422, "validation_failed");
    for origin in [None, Some("https://evil.test"), Some("null")] {
        let event =
            EventBuilder::new(Method::POST, REFRESH).header("x-session-transport", "cookie").header("cookie", &format!("__Host-refresh={second}"));
        let event = origin.map_or(event.clone(), |origin| event.header("origin", origin));
        let answer = studio.call(event.json(&json!({}))).await;
        assert!(answer.cookies().is_empty());
        answer.expect_error(403, "forbidden");
    }
    // Without the header, the cookie is ignored.
    let event = EventBuilder::new(Method::POST, REFRESH).header("cookie", &format!("__Host-refresh={second}"));
    studio.call(event.json(&json!({}))).await.expect_error(422, "validation_failed");
    let pigeon = EventBuilder::new(Method::POST, REFRESH).header("x-session-transport", "pigeon").header("origin", ORIGIN);
    studio.call(pigeon.json(&json!({}))).await.expect_error(400, "invalid_parameter");

    // A refusal clears the cookie.
    let answer = studio.call(with("nonsense").json(&json!({}))).await;
    assert_eq!(cookie(&answer), "");
    assert!(answer.cookies()[0].contains("Max-Age=0;"));
    assert!(answer.headers.contains_key("www-authenticate"));
    answer.expect_error(401, "invalid_refresh_token");
    // A first visit has no cookie. This is not an error, and no cookie is cleared.
    for event in [by_cookie(REFRESH).json(&json!({})), by_cookie(REFRESH).body("application/json", "")] {
        let answer = studio.call(event).await;
        assert!(answer.cookies().is_empty());
        answer.expect(204);
    }
    let elsewhere = EventBuilder::new(Method::POST, LOGIN).header("x-session-transport", "cookie").header("origin", "https://evil.test");
    let refused = studio.call(elsewhere.json(&json!({"email": "ana@mylg.test", "password": PASSWORD}))).await;
    assert!(refused.cookies().is_empty());
    refused.expect_error(403, "forbidden");

    let out = |token: &str| by_cookie("/auth/logout").header("cookie", &format!("__Host-refresh={token}")).json(&json!({}));
    for _ in 0..2 {
        let answer = studio.call(out(&second)).await;
        assert_eq!(cookie(&answer), "");
        answer.expect(204);
    }
    studio.call(with(&second).json(&json!({}))).await.expect_error(401, "invalid_refresh_token");
    let nobody = studio.call(by_cookie("/auth/logout").json(&json!({}))).await;
    assert_eq!(cookie(&nobody), "");
    nobody.expect_error(401, "missing_token");
}
