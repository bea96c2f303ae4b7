//! The way back in, through the mails that the local stack catches: forgotten passwords, invitations, addresses, sign-ups, the second factor.

use end_to_end::{Person, TestStack, text};
use local_stack::config::Options;
use local_stack::people::PASSWORD;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

const NEW: &str = "a new and long password";

async fn world() -> TestStack {
    TestStack::start_with(Options::for_tests()).await
}

/// The mails to an address, as the catcher's interface gives them: the newest first.
async fn mails(world: &TestStack, to: &str) -> Vec<Value> {
    world.settled().await;
    let found: Value = reqwest::get(format!("{}/mails?to={to}", world.stack().mail_url)).await.unwrap().json().await.unwrap();
    found["items"].as_array().unwrap().clone()
}

/// The token of the newest mail to an address.
async fn mailed_token(world: &TestStack, to: &str) -> String {
    let mails = mails(world, to).await;
    let text = text(&mails.first().expect("a mail")["text"]);
    text.split_once("#token=").expect("a link").1.lines().next().unwrap().to_owned()
}

async fn log_in(world: &TestStack, email: &str, password: &str) -> end_to_end::Answer {
    world.anonymous().post("/auth/login", json!({"email": email, "password": password})).await
}

#[tokio::test(flavor = "multi_thread")]
async fn someone_who_forgot_the_password_comes_back_in() {
    let world = world().await;
    let ben = world.login("ben").await;
    let mut socket = ben.connect().await;
    let nobody = world.anonymous();
    for email in ["ben@mylg.test", "nobody@mylg.test"] {
        nobody.post("/auth/password/forgot", json!({"email": email})).await.expect(202);
    }
    let token = mailed_token(&world, "ben@mylg.test").await;
    assert!(mails(&world, "nobody@mylg.test").await.is_empty());
    let reset = json!({"token": token, "newPassword": NEW});
    nobody.post("/auth/password/reset", reset.clone()).await.expect(204);
    nobody.post("/auth/password/reset", reset).await.expect_error(400, "invalid_link");
    log_in(&world, "ben@mylg.test", PASSWORD).await.expect_error(401, "invalid_credentials");
    log_in(&world, "ben@mylg.test", NEW).await.expect(200);
    // Every login has ended, and so have its sockets.
    ben.get("/auth/me").await.expect_error(401, "session_revoked");
    // The socket of the old login is told, and closes.
    assert_eq!(socket.expect("sessionRevoked").await["action"], json!("sessionRevoked"));
    assert!(socket.next().await.is_err());
    assert_eq!(mails(&world, "ben@mylg.test").await.len(), 2, "a mail says that the password was changed");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invited_person_sets_a_password_and_changes_the_address() {
    let world = world().await;
    let ana = world.login("ana").await;
    let made = ana.post("/auth/users", json!({"email": "eve@mylg.test"})).await.expect(201);
    assert_eq!((&made["invited"], made.get("oneTimePassword")), (&json!(true), None));
    let token = mailed_token(&world, "eve@mylg.test").await;
    world.anonymous().post("/auth/password/reset", json!({"token": token, "newPassword": NEW})).await.expect(204);
    let eve = log_in(&world, "eve@mylg.test", NEW).await.expect(200);
    let eve = world.with_token(&text(&eve["accessToken"]));
    eve.post("/auth/me/email", json!({"email": "evelyn@mylg.test", "currentPassword": NEW})).await.expect(202);
    let token = mailed_token(&world, "evelyn@mylg.test").await;
    world.anonymous().post("/auth/email/confirm", json!({"token": token})).await.expect(204);
    log_in(&world, "evelyn@mylg.test", NEW).await.expect(200);
    assert_eq!(mails(&world, "eve@mylg.test").await[0]["subject"], json!("Your address for MYLG Studio was changed"));
}

#[tokio::test(flavor = "multi_thread")]
async fn someone_who_signs_up_waits_for_approval() {
    let world = world().await;
    let nobody = world.anonymous();
    nobody.post("/auth/sign-up", json!({"email": "gil@mylg.test", "firstName": "Gil"})).await.expect(202);
    let token = mailed_token(&world, "gil@mylg.test").await;
    let account = nobody.post("/auth/sign-up/confirm", json!({"token": token, "password": NEW})).await.expect(201);
    assert_eq!(account["pending"], json!(true));
    let ana = world.login("ana").await;
    ana.patch(&format!("/auth/users/{}", text(&account["userId"])), json!({"pending": false})).await.expect(200);
    let gil = log_in(&world, "gil@mylg.test", NEW).await.expect(200);
    world.with_token(&text(&gil["accessToken"])).get("/projects/list").await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_with_a_second_factor_needs_a_code() {
    let world = world().await;
    let ben = world.login("ben").await;
    let begun = ben.post("/auth/mfa/totp", json!({"currentPassword": PASSWORD})).await.expect(200);
    assert!(text(&begun["uri"]).starts_with("otpauth://totp/MYLG%20Studio:ben%40mylg%2Etest?secret="));
    let codes = ben.post("/auth/mfa/totp/confirm", json!({"code": end_to_end::totp_code(&text(&begun["secret"]))})).await.expect(200);
    let challenge = log_in(&world, "ben@mylg.test", PASSWORD).await.expect_error(403, "mfa_required")["challenge"].clone();
    let step = |code: &Value| {
        let body = json!({"challenge": challenge, "code": code});
        let nobody = world.anonymous();
        async move { nobody.post("/auth/login/mfa", body).await }
    };
    step(&json!("000000")).await.expect_error(401, "invalid_code");
    let session = step(&codes["recoveryCodes"][0]).await.expect(200);
    world.with_token(&text(&session["accessToken"])).get("/auth/me").await.expect(200);
    // An administrator takes it away, after a mail.
    let ana = world.login("ana").await;
    ana.delete(&format!("/auth/users/{}/mfa", ben.id)).await;
    log_in(&world, "ben@mylg.test", PASSWORD).await.expect(200);
    assert_eq!(mails(&world, "ben@mylg.test").await[0]["subject"], json!("Two-step sign-in for MYLG Studio is off"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_catcher_takes_signed_mails_and_shows_them_to_this_machine_alone() {
    let world = world().await;
    world.anonymous().post("/auth/password/forgot", json!({"email": "ben@mylg.test"})).await.expect(202);
    let id = mails(&world, "ben@mylg.test").await[0]["id"].to_string();
    let (url, http) = (&world.stack().mail_url, reqwest::Client::new());
    let html = http.get(format!("{url}/mails/{id}/html")).send().await.unwrap();
    assert!(html.headers()["content-security-policy"].to_str().unwrap().contains("sandbox"));
    assert!(html.text().await.unwrap().contains("/reset-password#token="));
    // A page of another origin: no CORS headers. Another host name for this machine: refused.
    let foreign = http.get(format!("{url}/mails")).header("origin", "https://evil.test").send().await.unwrap();
    assert!(!foreign.headers().contains_key("access-control-allow-origin"));
    assert_eq!(http.get(format!("{url}/mails")).header("host", "evil.test").send().await.unwrap().status(), StatusCode::FORBIDDEN);
    let unsigned = http.request(Method::POST, format!("{url}/v2/email/outbound-emails")).body("{}").send().await.unwrap();
    assert_eq!(unsigned.status(), StatusCode::FORBIDDEN);
    assert_eq!(http.delete(format!("{url}/mails")).send().await.unwrap().status(), StatusCode::NO_CONTENT);
    assert!(mails(&world, "ben@mylg.test").await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_waits_for_its_service_and_is_not_lost() {
    let world = world().await;
    let ben: Person = world.login("ben").await;
    world.stack().mails.fail_next(3);
    ben.post("/auth/password", json!({"currentPassword": PASSWORD, "newPassword": NEW})).await;
    assert!(mails(&world, "ben@mylg.test").await.is_empty());
    log_in(&world, "ben@mylg.test", NEW).await.expect(200);
    assert_eq!(mails(&world, "ben@mylg.test").await.len(), 1);
}
