//! Logout.

use super::*;

#[tokio::test]
async fn logout_ends_both_tokens_and_is_idempotent() {
    let studio = studio().await;
    let (one, other) = (studio.login().await, studio.login().await);
    let body = json!({"refreshToken": one["refreshToken"]});
    assert_eq!(studio.post("/auth/logout", body.clone()).await.status, 204);
    assert_eq!(studio.post("/auth/logout", body).await.status, 204);
    assert_eq!(studio.refresh(&one["refreshToken"]).await.status, 401);
    assert_eq!(studio.me(&one["accessToken"]).await.body["code"], json!("session_revoked"));
    assert_eq!(studio.me(&other["accessToken"]).await.status, 200);
    // Global logout with only a bearer and no refresh token. An expired bearer works too.
    studio.harness.clock.advance_seconds(3_600);
    let bearer = other["accessToken"].as_str().unwrap();
    let third = studio.login().await;
    let everywhere = EventBuilder::new(Method::POST, "/auth/logout").bearer(bearer).json(&json!({"scope": "global"}));
    assert_eq!(studio.call(everywhere).await.status, 204);
    assert_eq!(studio.refresh(&third["refreshToken"]).await.status, 401);
    assert_eq!(studio.call(EventBuilder::new(Method::POST, "/auth/logout")).await.body["code"], json!("missing_token"));
    assert_eq!(studio.call(EventBuilder::new(Method::POST, "/auth/logout").bearer("a.b.c")).await.body["code"], json!("invalid_token"));
    assert_eq!(studio.post("/auth/logout", json!({"refreshToken": "dead"})).await.status, 204);
    assert_eq!(studio.post("/auth/logout", json!({"scope": "all"})).await.status, 422);
}

#[tokio::test]
async fn only_a_current_token_ends_other_sessions() {
    let studio = studio().await;
    let logout = |token: &Value, scope: &str| studio.post("/auth/logout", json!({"refreshToken": token, "scope": scope}));
    let stays = studio.login().await;
    // A token of an ended session.
    let ended = studio.login().await;
    logout(&ended["refreshToken"], "local").await.expect(204);
    logout(&ended["refreshToken"], "global").await.expect(204);
    logout(&ended["refreshToken"], "others").await.expect(204);
    // The previous token after its grace ends only its own session.
    for scope in ["others", "global"] {
        let replaced = studio.login().await;
        studio.refresh(&replaced["refreshToken"]).await.expect(200);
        studio.harness.clock.advance_seconds(31);
        logout(&replaced["refreshToken"], scope).await.expect(204);
        studio.me(&replaced["accessToken"]).await.expect_error(401, "session_revoked");
        studio.me(&stays["accessToken"]).await.expect(200);
    }
    // An access token of an ended session ends nothing, whatever the scope.
    for scope in ["others", "global"] {
        let event = EventBuilder::new(Method::POST, "/auth/logout").bearer(ended["accessToken"].as_str().unwrap());
        studio.call(event.json(&json!({"scope": scope}))).await.expect(204);
        studio.me(&stays["accessToken"]).await.expect(200);
    }
    // A token that was just replaced (by another tab, or because a response was lost) counts like the current one.
    let (before, elsewhere) = (studio.login().await, studio.login().await);
    studio.refresh(&before["refreshToken"]).await.expect(200);
    logout(&before["refreshToken"], "others").await.expect(204);
    studio.me(&before["accessToken"]).await.expect(200);
    for gone in [&stays, &elsewhere] {
        studio.me(&gone["accessToken"]).await.expect_error(401, "session_revoked");
    }
    let stays = studio.login().await;
    // The current token ends other sessions.
    let (here, there) = (studio.login().await, studio.login().await);
    logout(&here["refreshToken"], "others").await.expect(204);
    studio.me(&here["accessToken"]).await.expect(200);
    for gone in [&stays, &there] {
        studio.me(&gone["accessToken"]).await.expect_error(401, "session_revoked");
    }
    // A valid refresh token decides, even if the request has another person's bearer.
    let bens = studio.login_as(&studio.ben).await;
    let event = EventBuilder::new(Method::POST, "/auth/logout").bearer(bens["accessToken"].as_str().unwrap());
    studio.call(event.json(&json!({"refreshToken": here["refreshToken"]}))).await.expect(204);
    studio.me(&here["accessToken"]).await.expect(401);
    studio.me(&bens["accessToken"]).await.expect(200);
}
