//! The second factor, with a clock that is moved.

use data_encoding::BASE32_NOPAD;
use totp_rs::{Builder, Secret, Totp};

use super::*;

/// An authenticator app.
struct Authenticator(Totp);

impl Authenticator {
    fn new(secret: &Value) -> Self {
        let secret: [u8; 20] = BASE32_NOPAD.decode(secret.as_str().unwrap().as_bytes()).unwrap().try_into().unwrap();
        Self(Builder::new().with_secret(Secret::new_stack(secret)).build().unwrap())
    }

    fn code(&self, studio: &Studio) -> String {
        self.0.generate(u64::try_from(studio.harness.clock.now().seconds()).unwrap()).to_string()
    }
}

impl Studio {
    /// Turns ben's second factor on.
    async fn enrolled(&self, token: &Value) -> (Authenticator, Vec<String>) {
        let begun = self.ask(Method::POST, "/auth/mfa/totp", token, json!({"currentPassword": PASSWORD})).await.expect(200);
        let app = Authenticator::new(&begun["secret"]);
        let code = app.code(self);
        let codes = self.ask(Method::POST, "/auth/mfa/totp/confirm", token, json!({"code": code})).await.expect(200);
        (app, serde_json::from_value(codes["recoveryCodes"].clone()).unwrap())
    }

    /// The challenge of ben's login.
    async fn challenge(&self) -> Value {
        let body = json!({"email": "ben@mylg.test", "password": PASSWORD});
        self.post("/auth/login", body).await.expect_error(403, "mfa_required")["challenge"].clone()
    }

    async fn second_step(&self, challenge: &Value, code: &str) -> Answer {
        self.post("/auth/login/mfa", json!({"challenge": challenge, "code": code})).await
    }
}

#[tokio::test]
async fn a_login_needs_a_code_and_a_code_counts_once() {
    let studio = mailing_studio(unhurried()).await;
    let token = studio.login_as(&studio.ben).await["accessToken"].clone();
    let state = |enabled: bool, left: usize| json!({"enabled": enabled, "required": false, "recoveryCodesLeft": left});
    assert_eq!(studio.get("/auth/mfa", &token).await.expect(200), state(false, 0));
    studio.ask(Method::POST, "/auth/mfa/totp", &token, json!({"currentPassword": "wrong"})).await.expect_error(403, "invalid_credentials");
    studio.ask(Method::POST, "/auth/mfa/totp/confirm", &token, json!({"code": "123456"})).await.expect_error(409, "conflict");
    let (app, codes) = studio.enrolled(&token).await;
    assert_eq!(codes.len(), 10);
    assert_eq!(studio.get("/auth/mfa", &token).await.expect(200), state(true, 10));
    studio.ask(Method::POST, "/auth/mfa/totp", &token, json!({"currentPassword": PASSWORD})).await.expect_error(409, "conflict");
    assert_eq!(studio.subjects("ben@mylg.test").await, ["Two-step sign-in for MYLG is on"]);

    // Until the password is right, nothing tells that it is on.
    let wrong = studio.post("/auth/login", json!({"email": "ben@mylg.test", "password": "wrong"})).await;
    wrong.expect_error(401, "invalid_credentials");
    let challenge = studio.challenge().await;
    // The code that turned it on is used.
    studio.second_step(&challenge, &app.code(&studio)).await.expect_error(401, "invalid_code");
    studio.harness.clock.advance_seconds(60);
    let code = app.code(&studio);
    let session = studio.second_step(&challenge, &code).await.expect(200);
    studio.me(&session["accessToken"]).await.expect(200);
    assert!(session.get("recoveryCodes").is_none());
    // A challenge is for one login, and so is a code.
    studio.second_step(&challenge, &code).await.expect_error(401, "invalid_challenge");
    let challenge = studio.challenge().await;
    studio.second_step(&challenge, &code).await.expect_error(401, "invalid_code");
    // A challenge dies with time.
    studio.harness.clock.advance_seconds(300);
    studio.second_step(&challenge, &app.code(&studio)).await.expect_error(401, "invalid_challenge");
    studio.second_step(&json!("nonsense"), &app.code(&studio)).await.expect_error(401, "invalid_challenge");
}

#[tokio::test]
async fn two_logins_with_one_code_start_one_session() {
    let studio = studio().await;
    let token = studio.login_as(&studio.ben).await["accessToken"].clone();
    let (app, _) = studio.enrolled(&token).await;
    studio.harness.clock.advance_seconds(60);
    let (first, second, code) = (studio.challenge().await, studio.challenge().await, app.code(&studio));
    let (first, second) = tokio::join!(studio.second_step(&first, &code), studio.second_step(&second, &code));
    let mut statuses = [first.status, second.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 401]);
}

#[tokio::test]
async fn recovery_codes_count_once_and_are_replaced() {
    let studio = studio().await;
    let token = studio.login_as(&studio.ben).await["accessToken"].clone();
    let (app, codes) = studio.enrolled(&token).await;
    let spelling = codes[0].to_lowercase().replace('-', " ");
    studio.second_step(&studio.challenge().await, &spelling).await.expect(200);
    studio.second_step(&studio.challenge().await, &codes[0]).await.expect_error(401, "invalid_code");
    assert_eq!(studio.get("/auth/mfa", &token).await.expect(200)["recoveryCodesLeft"], json!(9));
    let replace = |code: &str| studio.ask(Method::POST, "/auth/mfa/recovery-codes", &token, json!({"code": code}));
    replace(&codes[1]).await.expect_error(403, "invalid_code");
    studio.harness.clock.advance_seconds(60);
    let fresh = replace(&app.code(&studio)).await.expect(200);
    studio.second_step(&studio.challenge().await, &codes[2]).await.expect_error(401, "invalid_code");
    studio.second_step(&studio.challenge().await, fresh["recoveryCodes"][0].as_str().unwrap()).await.expect(200);
}

#[tokio::test]
async fn wrong_codes_lock_the_account_and_not_its_password() {
    let studio = studio().await;
    let token = studio.login_as(&studio.ben).await["accessToken"].clone();
    let (app, _) = studio.enrolled(&token).await;
    studio.harness.clock.advance_seconds(60);
    for _ in 0..5 {
        studio.second_step(&studio.challenge().await, "000000").await.expect_error(401, "invalid_code");
    }
    let challenge = studio.challenge().await;
    studio.second_step(&challenge, &app.code(&studio)).await.expect_error(429, "too_many_attempts");
    studio.harness.clock.advance_seconds(2);
    studio.second_step(&challenge, &app.code(&studio)).await.expect(200);
}

#[tokio::test]
async fn the_second_factor_is_turned_off_by_its_person_or_an_administrator() {
    let studio = mailing_studio(unhurried()).await;
    let token = studio.login_as(&studio.ben).await["accessToken"].clone();
    let (_, codes) = studio.enrolled(&token).await;
    let disable =
        |password: &str, code: &str| studio.ask(Method::POST, "/auth/mfa/disable", &token, json!({"currentPassword": password, "code": code}));
    disable("wrong", &codes[0]).await.expect_error(403, "invalid_credentials");
    disable(PASSWORD, "000000").await.expect_error(403, "invalid_code");
    disable(PASSWORD, &codes[0]).await.expect(204);
    disable(PASSWORD, &codes[1]).await.expect_error(409, "conflict");
    studio.login_as(&studio.ben).await;

    studio.enrolled(&token).await;
    let admin = studio.login().await["accessToken"].clone();
    let path = format!("/auth/users/{}/mfa", studio.ben.user_id);
    studio.ask(Method::DELETE, &path, &token, Value::Null).await.expect_error(403, "forbidden");
    // The person is told first: without the mail nothing changes.
    studio.settle().await;
    studio.mails.fail_next(3);
    studio.ask(Method::DELETE, &path, &admin, Value::Null).await.expect_error(503, "unavailable");
    studio.challenge().await;
    studio.ask(Method::DELETE, &path, &admin, Value::Null).await.expect(204);
    assert_eq!(studio.subjects("ben@mylg.test").await.last().unwrap(), "Two-step sign-in for MYLG is off");
    studio.login_as(&studio.ben).await;
    studio.ask(Method::DELETE, &path, &admin, Value::Null).await.expect_error(409, "conflict");
}

#[tokio::test]
async fn administrators_may_have_to_set_it_up_at_login() {
    let studio = studio_with(Settings { admins_need_second_factor: true, ..unhurried() }).await;
    studio.login_as(&studio.ben).await;
    let login = json!({"email": "ana@mylg.test", "password": PASSWORD});
    let refused = studio.post("/auth/login", login.clone()).await.expect_error(403, "mfa_enrolment_required");
    let challenge = refused["challenge"].clone();
    studio.second_step(&challenge, "123456").await.expect_error(401, "invalid_challenge");
    let begun = studio.post("/auth/login/mfa/enrol", json!({"challenge": challenge})).await.expect(200);
    let app = Authenticator::new(&begun["secret"]);
    studio.second_step(&challenge, "000000").await.expect_error(401, "invalid_code");
    let session = studio.second_step(&challenge, &app.code(&studio)).await.expect(200);
    assert_eq!(session["recoveryCodes"].as_array().unwrap().len(), 10);
    assert_eq!(studio.get("/auth/mfa", &session["accessToken"]).await.expect(200)["required"], json!(true));
    studio.post("/auth/login", login).await.expect_error(403, "mfa_required");
    studio.post("/auth/login/mfa/enrol", json!({"challenge": challenge})).await.expect_error(401, "invalid_challenge");
}

#[tokio::test]
async fn a_new_password_may_be_required_after_the_code() {
    let studio = studio().await;
    let token = studio.login_as(&studio.ben).await["accessToken"].clone();
    let (_, codes) = studio.enrolled(&token).await;
    let admin = studio.login().await["accessToken"].clone();
    let path = format!("/auth/users/{}", studio.ben.user_id);
    let account = studio.ask(Method::PATCH, &path, &admin, json!({"passwordExpired": true})).await.expect(200);
    assert_eq!((&account["passwordExpired"], &account["mfa"]), (&json!(true), &json!(true)));
    let challenge = studio.challenge().await;
    let set = json!({"challenge": challenge, "newPassword": "a new and long password"});
    // The password alone does not set a new one.
    studio.post("/auth/login/password", set.clone()).await.expect_error(401, "invalid_challenge");
    let next = studio.second_step(&challenge, &codes[0]).await.expect_error(403, "password_change_required");
    assert_eq!(next["challenge"], challenge);
    studio.post("/auth/login/password", set).await.expect(200);
    studio.me(&token).await.expect_error(401, "session_revoked");
}
