//! Users change their own profile and password.

use super::*;

#[tokio::test]
async fn a_person_changes_their_profile_but_not_role_or_address() {
    let studio = studio().await;
    let token = studio.login_as(&studio.ben).await["accessToken"].clone();
    let patch = |body: Value| studio.ask(Method::PATCH, "/auth/me", &token, body);
    studio.harness.clock.advance_seconds(1);
    let body = json!({"firstName": "Ben", "lastName": "Okafor", "username": "beno", "occupation": "Set design", "company": "MYLG", "phoneNumber": "+1 555",
        "thumbnail": "public/ben.png"});
    let after = patch(body.clone()).await.expect(200);
    for (name, value) in body.as_object().unwrap() {
        assert_eq!(&after[name], value);
    }
    assert!(after["updatedAt"].as_str() > after["createdAt"].as_str());
    assert_eq!(studio.me(&token).await.expect(200), after);
    assert_eq!(patch(json!({"company": null})).await.expect(200)["company"], Value::Null);
    assert_eq!(patch(json!({})).await.expect(200)["lastName"], json!("Okafor"));
    // The directory shows the new values, but only the public fields.
    let found = studio.get(&format!("/auth/users?ids={}", studio.ben.user_id), &token).await.expect(200);
    let expected = json!({"userId": studio.ben.user_id, "firstName": "Ben", "lastName": "Okafor", "username": "beno", "thumbnail": "public/ben.png",
        "role": "designer", "occupation": "Set design"});
    assert_eq!(found, json!({"items": [expected], "nextCursor": null}));

    let refused =
        patch(json!({"role": "admin", "pending": false, "email": "x@y.z", "userId": "usr_x", "isRoot": true, "firstName": 7, "username": " "})).await;
    let refused = refused.expect_error(422, "validation_failed");
    let mut faults: Vec<_> =
        refused["errors"].as_array().unwrap().iter().map(|fault| (fault["pointer"].to_string(), fault["code"].to_string())).collect();
    faults.sort();
    let expected = [
        ("/email", "read_only"),
        ("/firstName", "wrong_type"),
        ("/isRoot", "unknown_field"),
        ("/pending", "read_only"),
        ("/role", "read_only"),
        ("/userId", "read_only"),
        ("/username", "blank"),
    ];
    assert_eq!(faults, expected.map(|(pointer, code)| (format!("{pointer:?}"), format!("{code:?}"))));
    assert_eq!(studio.me(&token).await.expect(200)["role"], json!("designer"));
}

#[tokio::test]
async fn a_password_change_ends_the_other_sessions() {
    let studio = studio().await;
    let (here, there) = (studio.login().await, studio.login().await);
    let change = |current: &str, new: &str| {
        let body = json!({"currentPassword": current, "newPassword": new});
        studio.ask(Method::POST, "/auth/password", &here["accessToken"], body)
    };
    change("wrong", "short").await.expect_error(403, "invalid_credentials");
    for (new, code) in [("short", "too_short"), ("Password123", "too_common"), (&"x".repeat(129), "too_long"), ("ana@mylg.test", "too_common")] {
        let body = change(PASSWORD, new).await.expect_error(422, "validation_failed");
        assert_eq!(body["errors"], json!([{"pointer": "/newPassword", "code": code, "detail": body["errors"][0]["detail"]}]), "{new}");
    }
    let body = studio.ask(Method::POST, "/auth/password", &here["accessToken"], json!({"newPassword": "x"})).await.expect(422);
    assert_eq!(body["errors"][0]["pointer"], json!("/currentPassword"));

    change(PASSWORD, "another long one").await.expect(204);
    studio.refresh(&there["refreshToken"]).await.expect(401);
    studio.me(&there["accessToken"]).await.expect_error(401, "session_revoked");
    studio.me(&here["accessToken"]).await.expect(200);
    studio.refresh(&here["refreshToken"]).await.expect(200);
    assert_eq!(studio.login_from([1, 1, 1, 1], "ana@mylg.test", PASSWORD).await.0, 401);
    assert_eq!(studio.login_from([1, 1, 1, 1], "ana@mylg.test", "another long one").await.0, 200);
}

#[tokio::test]
async fn wrong_current_passwords_lock_the_account() {
    let studio = studio().await;
    let token = studio.login_as(&studio.ben).await["accessToken"].clone();
    let guess = || studio.ask(Method::POST, "/auth/password", &token, json!({"currentPassword": "guess", "newPassword": "another long one"}));
    for _ in 0..5 {
        guess().await.expect_error(403, "invalid_credentials");
    }
    let locked = guess().await;
    assert_eq!(locked.headers["retry-after"], "1");
    locked.expect_error(429, "too_many_attempts");
    // A login from the same network is locked too. The existing session still works.
    assert_eq!(studio.login_from([127, 0, 0, 1], "ben@mylg.test", PASSWORD).await.0, 429);
    studio.me(&token).await.expect(200);
}

/// A session that is added with the old password during a password change ends with that change.
#[tokio::test]
async fn a_password_change_ends_sessions_that_start_meanwhile() {
    use local_stack::faults::{Effect, InjectedFault};
    let studio = studio().await;
    let here = studio.login().await;
    let effect = Effect::Delay(std::time::Duration::from_millis(400));
    studio.harness.faults.add(InjectedFault { action: Some("TransactWriteItems".to_owned()), effect, skip: 0, times: 1 });
    let body = json!({"currentPassword": PASSWORD, "newPassword": "another long one"});
    let change = studio.ask(Method::POST, "/auth/password", &here["accessToken"], body);
    let login = async {
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        studio.login_from([7, 7, 7, 7], "ana@mylg.test", PASSWORD).await
    };
    let (changed, login) = futures_util::future::join(change, login).await;
    changed.expect(204);
    assert_eq!(login.0, 200, "it came first");
    let listed = studio.get("/auth/sessions", &here["accessToken"]).await.expect(200);
    assert_eq!(listed["items"].as_array().unwrap().len(), 1);
}

/// The first check uses a revocation cache of up to five seconds. The change itself checks the session and the rights again.
#[tokio::test]
async fn an_ended_session_cannot_change_the_password() {
    let studio = studio().await;
    let (anas, bens) = (studio.login().await, studio.login_as(&studio.ben).await);
    let other = app_on(&studio.harness, studio.harness.clock.clone(), unhurried());
    let ask =
        |method, path: &str, token: &Value, body: Value| send(&other, EventBuilder::new(method, path).bearer(token.as_str().unwrap()).json(&body));
    let change = json!({"currentPassword": PASSWORD, "newPassword": "another long one"});
    // The other sandbox has just filled its revocation cache, which is valid for five seconds.
    ask(Method::PATCH, "/auth/me", &bens["accessToken"], json!({})).await.expect(200);
    studio.post("/auth/logout", json!({"refreshToken": bens["refreshToken"]})).await.expect(204);
    ask(Method::POST, "/auth/password", &bens["accessToken"], change.clone()).await.expect_error(401, "session_revoked");
    let bens = studio.login_as(&studio.ben).await;
    let account = format!("/auth/users/{}", studio.ben.user_id);
    studio.ask(Method::PATCH, &account, &anas["accessToken"], json!({"pending": true})).await.expect(200);
    for (method, path, body) in [(Method::POST, "/auth/password", change), (Method::PATCH, "/auth/me", json!({"username": "late"}))] {
        ask(method, path, &bens["accessToken"], body).await.expect_error(401, "invalid_token");
    }
    assert_eq!(studio.login_from([1, 1, 1, 1], "ben@mylg.test", PASSWORD).await.0, 200);
}

#[tokio::test]
async fn unicode_forms_of_names_and_passwords_are_equal() {
    let studio = studio().await;
    let token = studio.login().await["accessToken"].clone();
    let me = studio.ask(Method::PATCH, "/auth/me", &token, json!({"firstName": "Zoe\u{301}"})).await.expect(200);
    assert_eq!(me["firstName"], json!("Zo\u{e9}"));
    for name in ["\u{200b}", "\u{2800}", "\u{202e}", "a\u{0}"] {
        studio.ask(Method::PATCH, "/auth/me", &token, json!({"lastName": name})).await.expect_error(422, "validation_failed");
    }
    studio.ask(Method::PATCH, "/auth/me", &token, json!({"thumbnail": "javascript:alert(1)"})).await.expect_error(422, "validation_failed");
    let longest = format!(r#"{{"company": "{}", "thumbnail": "{}"}}"#, "\\ud83d\\ude00".repeat(200), "\\ud83d\\ude00".repeat(1_024));
    let event = EventBuilder::new(Method::PATCH, "/auth/me").bearer(token.as_str().unwrap()).body("application/json", &longest);
    studio.call(event).await.expect(200);

    // Set in one Unicode form, the password also works in the other, and with other kinds of spaces.
    let change = json!({"currentPassword": PASSWORD, "newPassword": "cafe\u{301} au lait"});
    studio.ask(Method::POST, "/auth/password", &token, change).await.expect(204);
    for password in ["cafe\u{301} au lait", "caf\u{e9} au lait", "caf\u{e9}\u{a0}au\u{3000}lait"] {
        studio.post("/auth/login", json!({"email": studio.ana.email, "password": password})).await.expect(200);
    }
    studio.post("/auth/login", json!({"email": studio.ana.email, "password": "Caf\u{e9} au lait"})).await.expect(401);
}

#[tokio::test]
async fn passwords_stored_before_normalisation_still_work() {
    let studio = studio().await;
    let old = "cafe\u{301} au lait";
    let new = NewUser {
        email: "cleo@mylg.test".parse().unwrap(),
        // A hash of the text as typed, without normalization.
        password_hash: cheap_hash(old),
        role: Role::User,
        first_name: None,
        last_name: None,
        pending: false,
        mail: None,
    };
    AuthStore::new(Store::new(studio.harness.aws().dynamodb()), studio.harness.table("auth"))
        .create_user(new, None, studio.harness.clock.now())
        .await
        .unwrap();
    studio.post("/auth/login", json!({"email": "cleo@mylg.test", "password": old})).await.expect(200);
}
