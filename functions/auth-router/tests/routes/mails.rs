//! Forgotten passwords, invitations, changes of address and sign-ups, through the mails that were caught.

use super::*;

const NEW: &str = "a new and long password";

fn settings() -> Settings {
    Settings { sign_up_is_open: true, rates: Rates { mail: Rate::OFF, ..unhurried().rates }, ..unhurried() }
}

impl Studio {
    async fn reset(&self, token: &str, password: &str) -> Answer {
        self.post("/auth/password/reset", json!({"token": token, "newPassword": password})).await
    }

    async fn can_log_in(&self, email: &str, password: &str) -> bool {
        self.post("/auth/login", json!({"email": email, "password": password})).await.status == 200
    }
}

#[tokio::test]
async fn a_forgotten_password_is_set_with_the_link_once() {
    let studio = mailing_studio(settings()).await;
    let before = studio.login_as(&studio.ben).await;
    for email in [" BEN@mylg.test ", "nobody@mylg.test", "not an address"] {
        studio.post("/auth/password/forgot", json!({"email": email})).await.expect(202);
    }
    let token = studio.mailed_token("ben@mylg.test").await;
    assert_eq!(studio.mails.mails(None).len(), 1, "no mail to unknown addresses");
    let mail = &studio.mails.mails(None)[0];
    assert!(mail.text.contains(&format!("{ORIGIN}/reset-password#token={token}")) && mail.html.contains(&token));
    assert!(!mail.text.contains(PASSWORD) && !mail.html.contains(PASSWORD));

    // Values are checked, and the link stays usable.
    studio.reset(&token, "short").await.expect_error(422, "validation_failed");
    studio.reset(&token, NEW).await.expect(204);
    studio.reset(&token, NEW).await.expect_error(400, "invalid_link");
    assert!(studio.can_log_in("ben@mylg.test", NEW).await && !studio.can_log_in("ben@mylg.test", PASSWORD).await);
    // Every session has ended.
    studio.refresh(&before["refreshToken"]).await.expect_error(401, "invalid_refresh_token");
    studio.me(&before["accessToken"]).await.expect_error(401, "session_revoked");
    assert_eq!(studio.subjects("ben@mylg.test").await, ["Set a new password for MYLG", "Your password for MYLG was changed"]);
}

#[tokio::test]
async fn links_die_with_time_and_with_the_password() {
    let studio = mailing_studio(settings()).await;
    let forgot = || studio.post("/auth/password/forgot", json!({"email": "ben@mylg.test"}));
    forgot().await.expect(202);
    let first = studio.mailed_token("ben@mylg.test").await;
    forgot().await.expect(202);
    let second = studio.mailed_token("ben@mylg.test").await;
    assert_ne!(first, second);
    // An older link works too, until the password changes.
    studio.reset(&first, NEW).await.expect(204);
    studio.reset(&second, NEW).await.expect_error(400, "invalid_link");

    forgot().await.expect(202);
    let late = studio.mailed_token("ben@mylg.test").await;
    studio.harness.clock.advance_seconds(30 * 60);
    studio.reset(&late, "another long password").await.expect_error(400, "invalid_link");
    for bad in ["", "x", &late[..late.len() - 1], &format!("{late}A"), &late.replace('.', ""), &late.replace("usr_", "ses_")] {
        let answer = studio.reset(bad, NEW).await;
        assert!(answer.status == 400 || bad.is_empty() && answer.status == 422, "{bad}: {}", answer.status);
    }
    // A change while signed in kills links too.
    forgot().await.expect(202);
    let token = studio.mailed_token("ben@mylg.test").await;
    let session = studio.post("/auth/login", json!({"email": "ben@mylg.test", "password": NEW})).await.expect(200);
    let change = json!({"currentPassword": NEW, "newPassword": "yet another password"});
    studio.ask(Method::POST, "/auth/password", &session["accessToken"], change).await.expect(204);
    studio.reset(&token, NEW).await.expect_error(400, "invalid_link");
}

#[tokio::test]
async fn a_mail_that_cannot_be_sent_is_sent_with_the_next_request() {
    let studio = mailing_studio(settings()).await;
    let session = studio.login_as(&studio.ben).await;
    studio.mails.fail_next(3);
    let change = json!({"currentPassword": PASSWORD, "newPassword": NEW});
    studio.ask(Method::POST, "/auth/password", &session["accessToken"], change).await.expect(204);
    assert!(studio.subjects("ben@mylg.test").await.is_empty());
    studio.me(&session["accessToken"]).await.expect(200);
    assert_eq!(studio.subjects("ben@mylg.test").await, ["Your password for MYLG was changed"]);
    studio.me(&session["accessToken"]).await.expect(200);
    assert_eq!(studio.subjects("ben@mylg.test").await.len(), 1, "sent once");
    // One failure is repeated at once.
    studio.mails.fail_next(1);
    studio.post("/auth/password/forgot", json!({"email": "ben@mylg.test"})).await.expect(202);
    assert_eq!(studio.subjects("ben@mylg.test").await.len(), 2);
}

#[tokio::test]
async fn mails_to_an_address_are_limited_whether_or_not_it_has_an_account() {
    let studio = mailing_studio(unhurried()).await;
    for email in ["ben@mylg.test", "nobody@mylg.test"] {
        for _ in 0..5 {
            studio.post("/auth/password/forgot", json!({"email": email})).await.expect(202);
        }
        let refused = studio.post("/auth/password/forgot", json!({"email": email})).await;
        refused.expect_error(429, "too_many_requests");
    }
    assert_eq!(studio.subjects("ben@mylg.test").await.len(), 1, "one mail for requests at once");
}

#[tokio::test]
async fn an_invitation_sets_the_first_password() {
    let studio = mailing_studio(settings()).await;
    let admin = studio.login().await["accessToken"].clone();
    let made = studio.ask(Method::POST, "/auth/users", &admin, json!({"email": "eve@mylg.test", "firstName": "Eve"})).await.expect(201);
    assert_eq!((&made["invited"], made.get("oneTimePassword")), (&json!(true), None));
    let path = format!("/auth/users/{}/invitation", made["userId"].as_str().unwrap());
    let first = studio.mailed_token("eve@mylg.test").await;
    // Sent again: the older link dies.
    studio.ask(Method::POST, &path, &admin, Value::Null).await.expect(202);
    let second = studio.mailed_token("eve@mylg.test").await;
    studio.reset(&first, NEW).await.expect_error(400, "invalid_link");
    // Withdrawn: no link works.
    studio.ask(Method::DELETE, &path, &admin, Value::Null).await.expect(204);
    studio.reset(&second, NEW).await.expect_error(400, "invalid_link");
    studio.ask(Method::POST, &path, &admin, Value::Null).await.expect(202);
    let third = studio.mailed_token("eve@mylg.test").await;
    studio.harness.clock.advance_seconds(6 * 86_400);
    studio.reset(&third, NEW).await.expect(204);
    assert!(studio.can_log_in("eve@mylg.test", NEW).await);
    let admin = studio.login().await["accessToken"].clone();
    studio.ask(Method::POST, &path, &admin, Value::Null).await.expect_error(409, "conflict");
    assert_eq!(studio.subjects("eve@mylg.test").await, ["You are invited to MYLG"; 3]);
    // With a password there is no invitation.
    let body = json!({"email": "fay@mylg.test", "password": NEW});
    assert_eq!(studio.ask(Method::POST, "/auth/users", &admin, body).await.expect(201)["invited"], json!(false));
    let bens = studio.login_as(&studio.ben).await["accessToken"].clone();
    studio.ask(Method::POST, &path, &bens, Value::Null).await.expect_error(403, "forbidden");
    studio.ask(Method::POST, "/auth/users/usr_00000000000000000000000000/invitation", &admin, Value::Null).await.expect_error(404, "not_found");
}

#[tokio::test]
async fn an_administrator_sends_a_reset_and_requires_a_new_password() {
    let studio = mailing_studio(settings()).await;
    let admin = studio.login().await["accessToken"].clone();
    let ben = format!("/auth/users/{}", studio.ben.user_id);
    studio.ask(Method::POST, &format!("{ben}/password-reset"), &admin, Value::Null).await.expect(202);
    let token = studio.mailed_token("ben@mylg.test").await;

    let account = studio.ask(Method::PATCH, &ben, &admin, json!({"passwordExpired": true})).await.expect(200);
    assert_eq!(account["passwordExpired"], json!(true));
    let login = json!({"email": "ben@mylg.test", "password": PASSWORD});
    let refused = studio.post("/auth/login", login.clone()).await.expect_error(403, "password_change_required");
    assert_eq!(refused["expiresIn"], json!(300));
    let step = |new: &str| studio.post("/auth/login/password", json!({"challenge": refused["challenge"], "newPassword": new}));
    step("short").await.expect_error(422, "validation_failed");
    step(PASSWORD).await.expect_error(422, "validation_failed");
    let session = step(NEW).await.expect(200);
    assert_eq!(session["user"]["email"], json!("ben@mylg.test"));
    studio.me(&session["accessToken"]).await.expect(200);
    step("one more long password").await.expect_error(401, "invalid_challenge");
    assert!(studio.can_log_in("ben@mylg.test", NEW).await);
    studio.reset(&token, NEW).await.expect_error(400, "invalid_link");
    // A challenge dies with time.
    studio.ask(Method::PATCH, &ben, &admin, json!({"passwordExpired": true})).await.expect(200);
    let login = json!({"email": "ben@mylg.test", "password": NEW});
    let late = studio.post("/auth/login", login).await.expect_error(403, "password_change_required")["challenge"].clone();
    studio.harness.clock.advance_seconds(300);
    let answer = studio.post("/auth/login/password", json!({"challenge": late, "newPassword": "one more long password"})).await;
    answer.expect_error(401, "invalid_challenge");
}

#[tokio::test]
async fn a_new_address_counts_when_its_owner_confirms_it() {
    let studio = mailing_studio(settings()).await;
    let session = studio.login_as(&studio.ben).await["accessToken"].clone();
    let change =
        |email: &str, password: &str| studio.ask(Method::POST, "/auth/me/email", &session, json!({"email": email, "currentPassword": password}));
    change("benny@mylg.test", "wrong").await.expect_error(403, "invalid_credentials");
    change("benny", PASSWORD).await.expect_error(422, "validation_failed");
    change("Benny@mylg.test", PASSWORD).await.expect(202);
    let token = studio.mailed_token("benny@mylg.test").await;
    assert_eq!(studio.me(&session).await.expect(200)["email"], json!("ben@mylg.test"));
    // The link sets no password.
    studio.reset(&token, NEW).await.expect_error(400, "invalid_link");
    let confirm = |token: String| studio.post("/auth/email/confirm", json!({"token": token}));
    confirm(token.clone()).await.expect(204);
    confirm(token).await.expect_error(400, "invalid_link");
    assert_eq!(studio.me(&session).await.expect(200)["email"], json!("benny@mylg.test"));
    assert!(studio.can_log_in("benny@mylg.test", PASSWORD).await && !studio.can_log_in("ben@mylg.test", PASSWORD).await);
    assert_eq!(studio.subjects("ben@mylg.test").await, ["Your address for MYLG was changed"]);
    // An address that somebody has.
    change("ana@mylg.test", PASSWORD).await.expect(202);
    let of_somebody = studio.mailed_token("ana@mylg.test").await;
    confirm(of_somebody).await.expect_error(409, "conflict");
    // An administrator's correction counts at once, and the old address is told.
    let admin = studio.login().await["accessToken"].clone();
    let path = format!("/auth/users/{}", studio.ben.user_id);
    studio.ask(Method::PATCH, &path, &admin, json!({"email": "ben2@mylg.test"})).await.expect(200);
    assert_eq!(studio.subjects("benny@mylg.test").await.last().unwrap(), "Your address for MYLG was changed");
}

#[tokio::test]
async fn a_sign_up_is_confirmed_and_then_waits_for_approval() {
    let studio = mailing_studio(settings()).await;
    for email in ["Gil@mylg.test", "ben@mylg.test"] {
        studio.post("/auth/sign-up", json!({"email": email, "firstName": "Gil"})).await.expect(202);
    }
    assert_eq!(studio.subjects("ben@mylg.test").await, ["You have an account at MYLG"]);
    let token = studio.mailed_token("gil@mylg.test").await;
    let confirm = |token: &str, password: &str| studio.post("/auth/sign-up/confirm", json!({"token": token, "password": password}));
    confirm(&token, "short").await.expect_error(422, "validation_failed");
    let profile = confirm(&token, NEW).await.expect(201);
    assert_eq!((&profile["email"], &profile["pending"], &profile["role"]), (&json!("gil@mylg.test"), &json!(true), &json!("user")));
    confirm(&token, NEW).await.expect_error(400, "invalid_link");
    let session = studio.post("/auth/login", json!({"email": "gil@mylg.test", "password": NEW})).await.expect(200);
    studio.get("/auth/sessions", &session["accessToken"]).await.expect_error(403, "account_pending");
    confirm("x.y", NEW).await.expect_error(400, "invalid_link");

    let closed = mailing_studio(unhurried()).await;
    closed.post("/auth/sign-up", json!({"email": "gil@mylg.test"})).await.expect_error(403, "forbidden");
}

#[tokio::test]
async fn without_a_mailer_nothing_is_promised() {
    let studio = studio().await;
    studio.post("/auth/password/forgot", json!({"email": "ben@mylg.test"})).await.expect_error(409, "conflict");
    let admin = studio.login().await["accessToken"].clone();
    let made = studio.ask(Method::POST, "/auth/users", &admin, json!({"email": "eve@mylg.test"})).await.expect(201);
    assert_eq!(made["invited"], json!(false));
    assert!(studio.can_log_in("eve@mylg.test", made["oneTimePassword"].as_str().unwrap()).await);
}
