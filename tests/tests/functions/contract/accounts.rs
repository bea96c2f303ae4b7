//! Refusals of the routes by which people come in: limits, states and settings of an environment.

use std::future::Future;

use end_to_end::{Answer, totp_code, totp_code_after};
use local_stack::config::Options;

use super::*;

const NEW: &str = "a new and long password";
const NOBODY: &str = "/auth/users/usr_01ARZ3NDEKTSV4RRFFQ69G5FAV";

/// A world whose functions have these variables.
async fn world_with(passed: &[(&str, &str)]) -> TestStack {
    let mut options = Options::for_tests();
    options.passed.extend(passed.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    TestStack::start_with(options).await
}

/// Repeats a request until it is refused with this code and 429.
async fn until_429<F: Future<Output = Answer>>(code: &str, request: impl Fn() -> F) {
    for _ in 0..50 {
        let answer = request().await;
        if answer.status == 429 {
            answer.expect_error(429, code);
            return;
        }
    }
    panic!("fifty requests were not refused with {code}");
}

async fn bare(person: &Person, method: Method, path: &str) -> Answer {
    person.request(method, path, &[], None).await
}

/// The token of the newest mail to an address.
async fn mailed_token(world: &TestStack, to: &str) -> String {
    world.settled().await;
    let mail = world.stack().mails.mails(Some(to)).into_iter().next().expect("a mail");
    mail.text.split_once("#token=").expect("a link").1.lines().next().expect("a token").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn one_place_has_a_rate_for_all_links_and_steps() {
    let world = world_with(&[("LOGIN_RATE", "10/min")]).await;
    let nobody = world.anonymous();
    for (path, body) in [
        ("/auth/password/reset", json!({"token": "x", "newPassword": NEW})),
        ("/auth/email/confirm", json!({"token": "x"})),
        ("/auth/sign-up/confirm", json!({"token": "x", "password": NEW})),
        ("/auth/login/mfa", json!({"challenge": "x", "code": "x"})),
        ("/auth/login/mfa/enrol", json!({"challenge": "x"})),
        ("/auth/login/password", json!({"challenge": "x", "newPassword": NEW})),
    ] {
        until_429("too_many_requests", || nobody.post(path, body.clone())).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_address_has_a_rate_for_all_mails() {
    let world = world_with(&[("MAIL_RATE", "3/h")]).await;
    let (ana, nobody) = (world.login("ana").await, world.anonymous());
    let made = ana.post("/auth/users", json!({"email": "eve@mylg.test"})).await.expect(201);
    let eve = format!("/auth/users/{}", text(&made["userId"]));
    for path in [format!("{eve}/invitation"), format!("{eve}/password-reset")] {
        until_429("too_many_requests", || bare(&ana, Method::POST, &path)).await;
    }
    let change = json!({"email": "eve@mylg.test", "currentPassword": PASSWORD});
    until_429("too_many_requests", || ana.post("/auth/me/email", change.clone())).await;
    for path in ["/auth/password/forgot", "/auth/sign-up"] {
        until_429("too_many_requests", || nobody.post(path, json!({"email": "gil@mylg.test"}))).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_passwords_and_codes_lock_each_route_of_the_second_factor() {
    let world = TestStack::start().await;
    let (ben, cleo, dana) = (world.login("ben").await, world.login("cleo").await, world.login("dana").await);
    let begin = json!({"currentPassword": PASSWORD});

    let secret = text(&cleo.post("/auth/mfa/totp", begin.clone()).await.expect(200)["secret"]);
    cleo.post("/auth/mfa/totp/confirm", json!({"code": totp_code(&secret)})).await.expect(200);
    cleo.post("/auth/mfa/totp", begin.clone()).await.expect_error(409, "conflict");
    // A code counts once, so the next one is used, which counts already.
    let codes = cleo.post("/auth/mfa/recovery-codes", json!({"code": totp_code_after(&secret, 30)})).await.expect(200);
    assert_eq!(codes["recoveryCodes"].as_array().unwrap().len(), 10);
    until_429("too_many_attempts", || cleo.post("/auth/mfa/recovery-codes", json!({"code": "000000"}))).await;
    let disable = json!({"currentPassword": "wrong", "code": "000000"});
    until_429("too_many_attempts", || cleo.post("/auth/mfa/disable", disable.clone())).await;

    dana.post("/auth/mfa/totp", begin).await.expect(200);
    until_429("too_many_attempts", || dana.post("/auth/mfa/totp/confirm", json!({"code": "000000"}))).await;
    until_429("too_many_attempts", || ben.post("/auth/mfa/totp", json!({"currentPassword": "wrong"}))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_is_taken_by_the_first_who_confirms_it() {
    let world = TestStack::start().await;
    let (ana, ben, nobody) = (world.login("ana").await, world.login("ben").await, world.anonymous());
    let mut tokens = Vec::new();
    for person in [&ana, &ben] {
        person.post("/auth/me/email", json!({"email": "new@mylg.test", "currentPassword": PASSWORD})).await.expect(202);
        tokens.push(mailed_token(&world, "new@mylg.test").await);
    }
    nobody.post("/auth/email/confirm", json!({"token": tokens[1]})).await.expect(204);
    nobody.post("/auth/email/confirm", json!({"token": tokens[0]})).await.expect_error(409, "conflict");

    nobody.post("/auth/sign-up", json!({"email": "gil@mylg.test"})).await.expect(202);
    let token = mailed_token(&world, "gil@mylg.test").await;
    ana.post("/auth/users", json!({"email": "gil@mylg.test"})).await.expect(201);
    nobody.post("/auth/sign-up/confirm", json!({"token": token, "password": NEW})).await.expect_error(409, "conflict");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_environment_may_send_no_mail_and_take_no_sign_ups() {
    let world = world_with(&[("MAIL_FROM", ""), ("SIGN_UP", "off")]).await;
    let (ana, ben, nobody) = (world.login("ana").await, world.login("ben").await, world.anonymous());
    nobody.post("/auth/password/forgot", json!({"email": "ben@mylg.test"})).await.expect_error(409, "conflict");
    let change = json!({"email": "new@mylg.test", "currentPassword": PASSWORD});
    ben.post("/auth/me/email", change).await.expect_error(409, "conflict");
    for link in ["invitation", "password-reset"] {
        bare(&ana, Method::POST, &format!("/auth/users/{}/{link}", ben.id)).await.expect_error(409, "conflict");
    }
    nobody.post("/auth/sign-up", json!({"email": "gil@mylg.test"})).await.expect_error(403, "forbidden");
    let confirmation = json!({"token": "x", "password": NEW});
    nobody.post("/auth/sign-up/confirm", confirmation).await.expect_error(403, "forbidden");
    // Without mails, the first password of an account is in the response.
    let made = ana.post("/auth/users", json!({"email": "eve@mylg.test"})).await.expect(201);
    assert!(!text(&made["oneTimePassword"]).is_empty());

    let no_mail = world_with(&[("MAIL_FROM", "")]).await;
    no_mail.anonymous().post("/auth/sign-up", json!({"email": "gil@mylg.test"})).await.expect_error(409, "conflict");
}

#[tokio::test(flavor = "multi_thread")]
async fn administrators_of_some_environments_need_a_second_factor() {
    let world = world_with(&[("ADMIN_MFA", "required")]).await;
    let nobody = world.anonymous();
    let login = nobody.post("/auth/login", json!({"email": "ana@mylg.test", "password": PASSWORD})).await;
    let challenge = login.expect_error(403, "mfa_enrolment_required")["challenge"].clone();
    let begun = nobody.post("/auth/login/mfa/enrol", json!({"challenge": challenge})).await.expect(200);
    let body = json!({"challenge": challenge, "code": totp_code(&text(&begun["secret"]))});
    let session = nobody.post("/auth/login/mfa", body).await.expect(200);
    let ana = world.with_token(&text(&session["accessToken"]));
    assert_eq!(ana.get("/auth/mfa").await.expect(200)["required"], json!(true));
}

#[tokio::test(flavor = "multi_thread")]
async fn steps_of_a_login_refuse_other_origins_and_administration_unknown_people() {
    let world = TestStack::start().await;
    let (ana, nobody) = (world.login("ana").await, world.anonymous());
    let elsewhere = [("x-session-transport", "cookie"), ("origin", "https://evil.test")];
    for (path, body) in
        [("/auth/login/mfa", json!({"challenge": "x", "code": "x"})), ("/auth/login/password", json!({"challenge": "x", "newPassword": NEW}))]
    {
        nobody.send(Method::POST, path, &elsewhere, &body).await.expect_error(403, "forbidden");
    }
    for (method, link) in [(Method::POST, "invitation"), (Method::DELETE, "invitation"), (Method::POST, "password-reset"), (Method::DELETE, "mfa")] {
        bare(&ana, method, &format!("{NOBODY}/{link}")).await.expect_error(404, "not_found");
    }
}
