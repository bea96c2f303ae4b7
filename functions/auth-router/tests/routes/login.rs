//! Login: equal responses, locks, and at most twenty sessions.

use super::*;

#[tokio::test]
async fn login_returns_tokens_and_profile() {
    let studio = studio().await;
    let body = studio.post("/auth/login", json!({"email": "  ANA@mylg.TEST", "password": PASSWORD})).await.expect(200);
    assert_eq!((&body["tokenType"], &body["user"]["userId"]), (&json!("Bearer"), &json!(studio.ana.user_id)));
    assert!((570..=600).contains(&body["expiresIn"].as_u64().unwrap()));
    assert_eq!(body["user"]["phoneNumber"], Value::Null, "absent values are null, never left out");
    assert!(!body.to_string().contains("argon2"));
    assert_eq!(studio.me(&body["accessToken"]).await.expect(200), body["user"]);
}

#[tokio::test]
async fn unknown_addresses_and_wrong_passwords_get_the_same_answer() {
    let studio = studio().await;
    let mut answers = Vec::new();
    for (email, password) in [("ana@mylg.test", "wrong password"), ("nobody@mylg.test", PASSWORD), ("ana@mylg.test", "")] {
        let mut answer = studio.post("/auth/login", json!({"email": email, "password": password})).await;
        answer.body["requestId"] = Value::Null;
        answer.headers.remove("x-request-id");
        answers.push((answer.status, answer.headers, answer.body));
    }
    assert_eq!(answers[0].0, 401);
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
}

#[tokio::test]
async fn the_fifth_failure_locks_known_and_unknown_addresses_alike() {
    let studio = studio().await;
    for email in ["ana@mylg.test", "nobody@mylg.test"] {
        for _ in 0..5 {
            assert_eq!(studio.login_from([1, 1, 1, 1], email, "wrong").await, (401, None));
        }
        // Locked for one second, even for the right password. Attempts during the lock do not extend it.
        for _ in 0..3 {
            assert_eq!(studio.login_from([1, 1, 1, 1], email, PASSWORD).await, (429, Some("1".to_owned())));
        }
        studio.harness.clock.advance_seconds(1);
        assert_eq!(studio.login_from([1, 1, 1, 1], email, "wrong").await, (401, None));
        assert_eq!(studio.login_from([1, 1, 1, 1], email, "wrong").await, (429, Some("2".to_owned())));
        studio.harness.clock.advance_seconds(900);
        assert_eq!(studio.login_from([1, 1, 1, 1], email, "wrong").await, (401, None));
    }
}

#[tokio::test]
async fn failures_elsewhere_do_not_lock_a_known_network() {
    let studio = studio().await;
    assert_eq!(studio.login_from([10, 0, 0, 1], "ana@mylg.test", PASSWORD).await.0, 200);
    for _ in 0..5 {
        studio.login_from([6, 6, 6, 6], "ana@mylg.test", "guess").await;
    }
    assert_eq!(studio.login_from([6, 6, 6, 6], "ana@mylg.test", PASSWORD).await.0, 429);
    assert_eq!(studio.login_from([10, 0, 0, 1], "ana@mylg.test", PASSWORD).await.0, 200);
}

#[tokio::test]
async fn the_twenty_first_session_ends_the_least_recently_used() {
    let studio = studio().await;
    let mut logins = Vec::new();
    for _ in 0..21 {
        logins.push(studio.login().await);
        studio.harness.clock.advance_seconds(1);
    }
    assert_eq!(studio.refresh(&logins[0]["refreshToken"]).await.status, 401);
    assert_eq!(studio.refresh(&logins[1]["refreshToken"]).await.status, 200);
}

#[tokio::test]
async fn concurrent_logins_leave_twenty_sessions() {
    let studio = studio().await;
    // Each network has a successful login, so it gets its own failure count.
    for n in 0..12 {
        studio.login_from([10, 0, 0, n], "ana@mylg.test", PASSWORD).await;
    }
    for _ in 0..3 {
        studio.harness.clock.advance_seconds(1);
        // From separate networks: the fifth concurrent attempt from one network would lock.
        let body = json!({"email": "ana@mylg.test", "password": PASSWORD});
        let at_once = (0..12).map(|n| {
            let event = EventBuilder::new(Method::POST, "/auth/login").peer(IpAddr::from([10, 0, 0, n]));
            studio.call(event.json(&body))
        });
        let answers = futures_util::future::join_all(at_once).await;
        let signed_in = answers.iter().filter(|answer| answer.status == 200).count();
        assert!(signed_in > 6, "{signed_in}");
    }
    let listed = studio.get("/auth/sessions", &studio.login().await["accessToken"]).await.expect(200);
    assert_eq!(listed["items"].as_array().unwrap().len(), 20);
}

#[tokio::test]
async fn login_replaces_a_hash_with_outdated_parameters() {
    let studio = studio().await;
    let hash = async || {
        let client = studio.harness.aws().dynamodb();
        let key = [("pk", format!("USER#{}", studio.ana.user_id)), ("sk", "PROFILE".to_owned())];
        let key = key.map(|(name, value)| (name.to_owned(), aws_sdk_dynamodb::types::AttributeValue::S(value)));
        let item = client.get_item().table_name(studio.harness.table("auth")).set_key(Some(key.into())).send().await.unwrap().item.unwrap();
        item["passwordHash"].as_s().unwrap().clone()
    };
    let before = hash().await;
    studio.login_from([1, 1, 1, 1], "ana@mylg.test", "wrong").await;
    studio.login().await;
    studio.app.background_tasks().run(std::time::Duration::from_secs(10)).await;
    let after = hash().await;
    assert_ne!(before, after);
    assert!(after.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
    studio.login().await;
    studio.app.background_tasks().run(std::time::Duration::from_secs(10)).await;
    assert_eq!(hash().await, after, "once is enough");
}
