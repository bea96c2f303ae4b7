//! Refresh cases R1 to R15 of the design table of the refresh-token chain. R5 cannot occur, because a token does not contain its index in the chain.

use futures_util::future::join_all;
use shared_utils::aws::AwsConfig;

use super::*;

#[tokio::test]
async fn refresh_rotates_and_repeats_within_the_grace_period() {
    let studio = studio().await;
    let first = studio.login().await["refreshToken"].clone();
    let second = studio.refresh(&first).await.expect(200);
    assert_ne!(second["refreshToken"], first);
    assert_eq!((&second["user"]["userId"], &second["user"]["email"]), (&json!(studio.ana.user_id), &json!(studio.ana.email)));
    studio.harness.clock.advance_seconds(29);
    // A second tab or a lost response: the same successor.
    assert_eq!(studio.refresh(&first).await.expect(200)["refreshToken"], second["refreshToken"]);
    let third = studio.refresh(&second["refreshToken"]).await.expect(200);
    assert_ne!(third["refreshToken"], second["refreshToken"]);
    studio.me(&third["accessToken"]).await.expect(200);
}

#[tokio::test]
async fn concurrent_refreshes_get_the_same_token() {
    let studio = studio().await;
    let token = studio.login().await["refreshToken"].clone();
    let mut seen: Vec<Value> =
        join_all((0..16).map(|_| studio.refresh(&token))).await.into_iter().map(|answer| answer.expect(200)["refreshToken"].clone()).collect();
    seen.dedup();
    assert_eq!(seen.len(), 1);
}

#[tokio::test]
async fn reuse_after_the_grace_period_ends_the_session() {
    let studio = studio().await;
    let login = studio.login().await;
    let next = studio.refresh(&login["refreshToken"]).await.expect(200);
    studio.harness.clock.advance_seconds(31);
    for token in [&login["refreshToken"], &next["refreshToken"]] {
        studio.refresh(token).await.expect_error(401, "invalid_refresh_token");
    }
    studio.me(&next["accessToken"]).await.expect_error(401, "session_revoked");
}

#[tokio::test]
async fn a_wrong_secret_ends_only_its_own_family() {
    let studio = studio().await;
    let login = studio.login().await;
    let token = login["refreshToken"].as_str().unwrap().to_owned();
    let (family, secret) = token.split_once('.').unwrap();
    for nonsense in
        ["", "x", family, secret, &format!("{family}."), &format!("{family}.{secret}A"), &format!("{family}.short"), &format!("fam_x.{secret}")]
    {
        assert_eq!(studio.refresh(&json!(nonsense)).await.status, 401);
    }
    let unknown = token.replacen("fam_01", "fam_00", 1);
    assert_eq!(studio.refresh(&json!(unknown)).await.status, 401);
    // None of these requests changed anything.
    let next = studio.refresh(&json!(token)).await.expect(200);
    let forged = format!("{family}.{}", shared_utils::random::secret());
    assert_eq!(studio.refresh(&json!(forged)).await.status, 401);
    assert_eq!(studio.refresh(&next["refreshToken"]).await.status, 401, "the forgery ended the family");
}

#[tokio::test]
async fn sessions_end_after_idle_or_absolute_expiry() {
    let studio = studio().await;
    let day = 86_400;
    let idle = studio.login().await["refreshToken"].clone();
    studio.harness.clock.advance_seconds(7 * day + 121);
    assert_eq!(studio.refresh(&idle).await.status, 401);
    let mut token = studio.login().await["refreshToken"].clone();
    for _ in 0..5 {
        studio.harness.clock.advance_seconds(6 * day - 60);
        token = studio.refresh(&token).await.expect(200)["refreshToken"].clone();
    }
    studio.harness.clock.advance_seconds(600);
    assert_eq!(studio.refresh(&token).await.status, 401, "thirty days are over");
}

/// The parts of a response that are equal for every refusal.
fn refusal(answer: Answer) -> (u16, Value, Option<http::HeaderValue>) {
    let mut body = answer.body;
    body["requestId"] = Value::Null;
    (answer.status, body, answer.headers.get("www-authenticate").cloned())
}

/// R3, R4, R6, R7, R8: every invalid refresh token gets the same response.
#[tokio::test]
async fn all_refresh_refusals_are_identical() {
    let studio = studio().await;
    let mut refusals = Vec::new();
    // R3 and R4: an older token, and the previous token after its grace.
    let first = studio.login().await["refreshToken"].clone();
    let second = studio.refresh(&first).await.expect(200)["refreshToken"].clone();
    studio.refresh(&second).await.expect(200);
    refusals.push(refusal(studio.refresh(&first).await));
    let login = studio.login().await;
    studio.refresh(&login["refreshToken"]).await.expect(200);
    studio.harness.clock.advance_seconds(31);
    refusals.push(refusal(studio.refresh(&login["refreshToken"]).await));
    // R6: a malformed token.
    refusals.push(refusal(studio.refresh(&json!("v1.nonsense")).await));
    // R7: a revoked session, a disabled user, an idle session.
    let ended = studio.login().await;
    studio.post("/auth/logout", json!({"refreshToken": ended["refreshToken"]})).await.expect(204);
    refusals.push(refusal(studio.refresh(&ended["refreshToken"]).await));
    let bens = studio.login_as(&studio.ben).await;
    let shut = studio.login().await["accessToken"].clone();
    studio.ask(Method::PATCH, &format!("/auth/users/{}", studio.ben.user_id), &shut, json!({"disabled": true})).await.expect(200);
    refusals.push(refusal(studio.refresh(&bens["refreshToken"]).await));
    // R8: an access token cannot be used as a refresh token, or a refresh token as an access token.
    let other = studio.login().await;
    refusals.push(refusal(studio.refresh(&other["accessToken"]).await));
    studio.me(&other["refreshToken"]).await.expect_error(401, "invalid_token");
    let idle = studio.login().await;
    studio.harness.clock.advance_seconds(8 * 86_400);
    refusals.push(refusal(studio.refresh(&idle["refreshToken"]).await));
    assert_eq!(refusals[0].0, 401);
    for refused in &refusals {
        assert_eq!(refused, &refusals[0]);
    }
}

/// R10: a throttled or failing table is never treated as reuse.
#[tokio::test]
async fn database_errors_end_no_session() {
    use local_stack::faults::{Effect, InjectedFault};
    let studio = studio().await;
    let token = studio.login().await["refreshToken"].clone();
    for effect in [Effect::Throttle, Effect::ServerError] {
        studio.harness.faults.add(InjectedFault { action: Some("UpdateItem".to_owned()), effect, skip: 0, times: usize::MAX });
        let answer = studio.refresh(&token).await;
        assert!(answer.headers.contains_key("retry-after"));
        answer.expect_error(503, "unavailable");
        studio.harness.faults.clear();
    }
    studio.refresh(&token).await.expect(200);
}

/// R11: the rotation succeeded but its response was lost. A retry gets the same response.
#[tokio::test]
async fn a_refresh_can_be_repeated_after_a_lost_response() {
    use local_stack::faults::{Effect, InjectedFault};
    let studio = studio().await;
    let token = studio.login().await["refreshToken"].clone();
    // The SDK repeats its write, which then finds its own rotation.
    studio.harness.faults.add(InjectedFault { action: Some("UpdateItem".to_owned()), effect: Effect::DropResponse, skip: 0, times: 1 });
    let next = studio.refresh(&token).await.expect(200)["refreshToken"].clone();
    assert_eq!(studio.refresh(&token).await.expect(200)["refreshToken"], next);
    studio.refresh(&next).await.expect(200);
}

/// R12 and R14: code compares expiries with two minutes of slack, even if TTL has not deleted the item. The grace also works with a clock that is
/// behind.
#[tokio::test]
async fn clock_skew_is_tolerated() {
    let studio = studio().await;
    let token = studio.login().await["refreshToken"].clone();
    studio.harness.clock.advance_seconds(7 * 86_400 + 119);
    let next = studio.refresh(&token).await.expect(200)["refreshToken"].clone();
    // A sandbox whose clock is twenty seconds behind.
    studio.harness.clock.advance_seconds(-20);
    assert_eq!(studio.refresh(&token).await.expect(200)["refreshToken"], next);
    studio.harness.clock.advance_seconds(-20);
    studio.refresh(&token).await.expect_error(401, "invalid_refresh_token");
}

/// R15: a logout wins against concurrent refreshes.
#[tokio::test]
async fn revocation_wins_against_concurrent_refreshes() {
    let studio = studio().await;
    for _ in 0..20 {
        let token = studio.login().await["refreshToken"].clone();
        let logout = studio.post("/auth/logout", json!({"refreshToken": token}));
        let (_, left) = futures_util::future::join(join_all((0..4).map(|_| studio.refresh(&token))), logout).await;
        left.expect(204);
        studio.refresh(&token).await.expect_error(401, "invalid_refresh_token");
    }
}

/// A repeated refresh does not restart the grace.
#[tokio::test]
async fn a_repeated_refresh_writes_nothing() {
    let studio = studio().await;
    let token = studio.login().await["refreshToken"].clone();
    studio.refresh(&token).await.expect(200);
    for _ in 0..3 {
        studio.harness.clock.advance_seconds(10);
        studio.refresh(&token).await.expect(200);
    }
    studio.harness.clock.advance_seconds(1);
    studio.refresh(&token).await.expect_error(401, "invalid_refresh_token");
}

/// R10: the token was rotated, but the signing key is unreachable. The session must not end.
#[tokio::test]
async fn an_unreachable_signing_key_ends_no_session() {
    let studio = studio().await;
    let unreachable = AwsConfig { endpoint: Some(NO_GATEWAY.to_owned()), ..studio.harness.aws() };
    let signer = Signer::kms(&unreachable, "arn:aws:kms:eu-central-1:000000000000:key/k".to_owned(), "test-1".to_owned());
    let dark = App::new(
        studio.harness.context(),
        studio.harness.broadcaster(),
        Services { signer, mailer: None, files: studio.harness.files(OwnerKind::Person, "auth") },
        unhurried(),
    );
    let ask = |app, path, body| send(app, EventBuilder::new(Method::POST, path).json(&body));
    let token = studio.login().await["refreshToken"].clone();
    for _ in 0..3 {
        ask(&dark, "/auth/refresh", json!({"refreshToken": token})).await.expect_error(503, "unavailable");
        studio.harness.clock.advance_seconds(120);
    }
    let next = studio.refresh(&token).await.expect(200)["refreshToken"].clone();
    studio.refresh(&next).await.expect(200);
    // A login whose token could not be signed adds no session and ends none.
    for _ in 0..25 {
        ask(&dark, "/auth/login", json!({"email": "ana@mylg.test", "password": PASSWORD})).await.expect_error(503, "unavailable");
        studio.harness.clock.advance_seconds(900);
    }
    let access = studio.login().await["accessToken"].clone();
    assert_eq!(studio.get("/auth/sessions", &access).await.expect(200)["items"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn an_idempotency_key_repeats_a_refresh_at_any_later_time() {
    let studio = studio().await;
    let first = studio.login().await["refreshToken"].clone();
    let lost = studio.refresh_under(&first, Some("k-1")).await.expect(200);
    // The client retries only after three days.
    studio.harness.clock.advance_seconds(3 * 86_400);
    for _ in 0..2 {
        let again = studio.refresh_under(&first, Some("k-1")).await;
        assert_eq!(again.headers["idempotent-replayed"], "true");
        let again = again.expect(200);
        assert_eq!(again["refreshToken"], lost["refreshToken"], "the very same successor");
        studio.me(&again["accessToken"]).await.expect(200);
    }
    // After the successor has been used, the previous token counts as a copy.
    let next = studio.refresh_under(&lost["refreshToken"], Some("k-2")).await.expect(200);
    studio.refresh_under(&first, Some("k-1")).await.expect_error(401, "invalid_refresh_token");
    studio.refresh_under(&next["refreshToken"], None).await.expect_error(401, "invalid_refresh_token");
}

#[tokio::test]
async fn a_stolen_token_without_its_idempotency_key_is_reuse() {
    let studio = studio().await;
    for (owner, attacker) in [(Some("k-1"), None), (Some("k-1"), Some("k-2")), (None, Some("k-1")), (None, None)] {
        let first = studio.login().await["refreshToken"].clone();
        let next = studio.refresh_under(&first, owner).await.expect(200);
        studio.harness.clock.advance_seconds(31);
        studio.refresh_under(&first, attacker).await.expect_error(401, "invalid_refresh_token");
        studio.refresh_under(&next["refreshToken"], owner).await.expect_error(401, "invalid_refresh_token");
    }
    let first = studio.login().await["refreshToken"].clone();
    for malformed in ["", "k\u{e9}", &"k".repeat(256)] {
        studio.refresh_under(&first, Some(malformed)).await.expect_error(400, "invalid_parameter");
    }
    studio.refresh_under(&first, Some(&"k".repeat(255))).await.expect(200);
}
