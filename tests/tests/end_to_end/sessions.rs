//! The end of sessions, rights and sockets: at once in the function that is called, and within seconds in all others.

use std::time::Duration;

use end_to_end::{Answer, Person, Socket, TestStack, claims_of, text};
use local_stack::config::Options;
use local_stack::people::PASSWORD;
use serde_json::{Value, json};

use crate::streams::message;

/// One path of each function.
const PATHS: [&str; 3] = ["/auth/me", "/projects/list", "/messages/conversations"];
/// The maximum age of a function's revocations, plus time to finish the requests that it allowed with them.
pub(crate) const KNOWN: Duration = Duration::from_secs(8);
/// The same time on a busy machine.
const SOON: Duration = Duration::from_secs(20);

/// Waits until a function refuses. This may take as long as its revocations count as fresh.
pub(crate) async fn refused(person: &Person, path: &str) -> Answer {
    let refused = async {
        loop {
            let answer = person.get(path).await;
            if answer.status != 200 {
                return answer;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(SOON, refused).await.unwrap_or_else(|_| panic!("{path} still answers"))
}

/// The frames until the end of a socket.
async fn last_words(socket: &mut Socket) -> Vec<Value> {
    let mut frames = Vec::new();
    while let Ok(frame) = socket.next().await {
        frames.push(frame);
    }
    frames
}

#[tokio::test(flavor = "multi_thread")]
async fn logout_is_known_in_every_function_and_spares_other_sessions() {
    let world = TestStack::start().await;
    let phone = world.login("ben").await;
    let laptop = world.login_again(&phone).await;
    // Every function has just read the revocations, so it reads them again as late as possible.
    for path in PATHS {
        phone.get(path).await.expect(200);
    }
    let (mut on_phone, mut on_laptop) = (phone.connect().await, laptop.connect().await);
    let ticket = text(&phone.post("/auth/ws-ticket", json!({})).await.expect(200)["ticket"]);
    assert_eq!(phone.post("/auth/logout", json!({})).await.status, 204);
    for path in PATHS {
        refused(&phone, path).await.expect_error(401, "session_revoked");
    }
    assert_eq!(last_words(&mut on_phone).await.last().unwrap()["action"], json!("sessionRevoked"));
    // A ticket that was requested before is no longer valid.
    tokio::time::sleep(KNOWN).await;
    assert_eq!(phone.try_connect(&format!("?ticket={ticket}"), &[]).await.err(), Some(world.refusal(401)));
    for path in PATHS {
        laptop.get(path).await.expect(200);
    }
    assert_eq!(on_laptop.ask(json!({"action": "ping", "ref": "1"})).await.0["action"], json!("pong"));
}

#[tokio::test(flavor = "multi_thread")]
async fn ending_a_session_closes_only_its_sockets() {
    let world = TestStack::start().await;
    let ben = world.login("ben").await;
    for way in ["reuse", "session", "password", "too many"] {
        let (device, other) = (world.login_again(&ben).await, world.login_again(&ben).await);
        let (mut ends, mut stays) = (device.connect().await, other.connect().await);
        match way {
            "reuse" => {
                // A well-formed secret that never belonged to this session.
                let (family, secret) = device.refresh_token.split_once('.').unwrap();
                let forged = format!("{family}.{}", secret.chars().rev().skip(1).collect::<String>() + "A");
                device.post("/auth/refresh", json!({"refreshToken": forged})).await.expect_error(401, "invalid_refresh_token");
            }
            "session" => {
                let session = text(&claims_of(device.token.as_deref().unwrap())["sid"]);
                assert_eq!(other.delete(&format!("/auth/sessions/{session}")).await.status, 204);
            }
            "password" => {
                let change = json!({"currentPassword": PASSWORD, "newPassword": PASSWORD});
                assert_eq!(other.post("/auth/password", change).await.status, 204);
            }
            _ => {
                // The least recently used session ends. The other session was used after it.
                other.post("/auth/refresh", json!({"refreshToken": other.refresh_token})).await.expect(200);
                for _ in 0..19 {
                    world.login_again(&ben).await;
                }
            }
        }
        assert_eq!(last_words(&mut ends).await.last().unwrap()["action"], json!("sessionRevoked"), "{way}");
        assert_eq!(stays.ask(json!({"action": "ping", "ref": "1"})).await.0["action"], json!("pong"), "{way}");
        if way == "password" {
            for path in PATHS {
                refused(&device, path).await.expect_error(401, "session_revoked");
            }
            tokio::time::sleep(KNOWN).await;
            let query = format!("?token={}", device.token.as_deref().unwrap());
            assert_eq!(device.try_connect(&query, &[]).await.err(), Some(world.refusal(401)));
        }
        other.post("/auth/logout", json!({})).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn account_changes_reach_open_sockets() {
    let world = TestStack::start().await;
    let (ana, ben) = (world.login("ana").await, world.login("ben").await);
    let path = format!("/auth/users/{}", ben.id);
    for (rights, action, reason, reconnect) in [
        (json!({"role": "builder"}), "closing", "rights_changed", true),
        (json!({"pending": true}), "closing", "account_pending", false),
        (json!({"pending": false}), "", "", false),
        (json!({"disabled": true}), "sessionRevoked", "session_revoked", false),
    ] {
        if action.is_empty() {
            ana.patch(&path, rights).await.expect(200);
            continue;
        }
        let device = world.login_again(&ben).await;
        let mut socket = device.connect().await;
        ana.patch(&path, rights).await.expect(200);
        let last = last_words(&mut socket).await;
        assert_eq!(last.last().unwrap(), &json!({"action": action, "reason": reason, "reconnect": reconnect}));
        for path in PATHS {
            assert_eq!(refused(&device, path).await.status, 401, "{action}");
        }
    }
    ben.post("/auth/refresh", json!({"refreshToken": ben.refresh_token})).await.expect_error(401, "invalid_refresh_token");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_opens_one_socket() {
    let world = TestStack::start().await;
    let ana = world.login("ana").await;
    let ticket = format!("?ticket={}", text(&ana.post("/auth/ws-ticket", json!({})).await.expect(200)["ticket"]));
    let mut socket = ana.try_connect(&ticket, &[]).await.unwrap();
    assert_eq!(socket.ask(json!({"action": "ping", "ref": "1"})).await.0["action"], json!("pong"));
    assert_eq!(ana.try_connect(&ticket, &[]).await.err(), Some(world.refusal(401)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_may_be_a_subprotocol() {
    let world = TestStack::start().await;
    let ana = world.login("ana").await;
    let ticket = text(&ana.post("/auth/ws-ticket", json!({})).await.expect(200)["ticket"]);
    let mut socket = ana.try_connect("", &[("sec-websocket-protocol", &format!("mylg.v1, ticket.{ticket}"))]).await.unwrap();
    assert_eq!(socket.protocol.as_deref(), Some("mylg.v1"), "and never the credential");
    assert_eq!(socket.ask(json!({"action": "ping", "ref": "1"})).await.0["action"], json!("pong"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_connection_gets_auth_expired_until_renewed() {
    let world = TestStack::start().await;
    let (ana, ben) = (world.login("ana").await, world.login("ben").await);
    let conversation = world.direct(&ana, &ben).await;
    let path = format!("/messages/conversations/{conversation}/messages");
    // A token whose leeway is over in twenty seconds.
    let good = ben.token.clone().unwrap();
    let mut claims = claims_of(&good);
    let now = i64::try_from(std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs()).unwrap();
    claims["iat"] = json!(now - 600);
    claims["exp"] = json!(now - 40);
    let short = world.forge().unwrap().sign(&claims).await;
    let mut socket = ben.try_connect(&format!("?token={short}"), &[]).await.unwrap();
    ana.post(&path, json!({"text": "in time"})).await.expect(201);
    assert_eq!(socket.next().await.unwrap()["action"], json!("newMessage"));
    tokio::time::sleep(Duration::from_secs(21)).await;
    ana.post(&path, json!({"text": "too late"})).await.expect(201);
    world.settled().await;
    ana.post(&path, json!({"text": "later still"})).await.expect(201);
    world.settled().await;
    // The socket is notified once. All further frames are only for a renewed connection.
    assert_eq!(socket.next().await.unwrap(), json!({"action": "auth_expired", "reason": "token_expired", "reconnect": true}));
    let refused = socket.ask(json!({"action": "ping", "ref": "1"})).await;
    assert_eq!((&refused.0["code"], refused.1), (&json!("auth_expired"), vec![]));
    let renewed = socket.ask(json!({"action": "auth", "ref": "2", "token": good})).await.0;
    assert_eq!(renewed["action"], json!("ack"), "{renewed}");
    world.settled().await;
    ana.post(&path, json!({"text": "back again"})).await.expect(201);
    assert_eq!(socket.next().await.unwrap()["text"], json!("back again"));
    // Another person's token ends the connection.
    let refused = socket.ask(json!({"action": "auth", "ref": "3", "token": ana.token})).await.0;
    assert_eq!(refused["code"], json!("forbidden"));
    assert_eq!(last_words(&mut socket).await.last().unwrap()["reason"], json!("another_person"));
}

#[tokio::test(flavor = "multi_thread")]
async fn rates_come_from_the_environment() {
    let mut options = Options::for_tests();
    for (name, rate) in [("LOGIN_RATE", "2/min"), ("CONNECT_RATE", "2/min"), ("ACTION_RATE", "3/min"), ("SEND_RATE", "1/min:2")] {
        options.passed.insert(name.to_owned(), rate.to_owned());
    }
    let world = TestStack::start_with(options).await;
    let (ana, ben) = (world.login("ana").await, world.login("ben").await);
    // Each sandbox counts separately, and there are at most sixteen.
    let mut refused = None;
    for n in 0..40 {
        let answer = world.anonymous().post("/auth/login", json!({"email": format!("nobody{n}@mylg.test"), "password": "whatever"})).await;
        if answer.status == 429 {
            refused = Some(answer);
            break;
        }
    }
    let refused = refused.unwrap();
    assert!((10..=30).contains(&refused.header("retry-after").parse::<u64>().unwrap()));
    refused.expect_error(429, "too_many_requests");
    let path = format!("/messages/conversations/{}/messages", world.direct(&ana, &ben).await);
    for n in 0..2 {
        ana.post(&path, message(n)).await.expect(201);
    }
    let refused = ana.post(&path, message(2)).await;
    assert!((40..=60).contains(&refused.header("retry-after").parse::<u64>().unwrap()));
    refused.expect_error(429, "too_many_requests");
    let mut socket = ana.connect().await;
    for _ in 0..3 {
        assert_eq!(socket.ask(json!({"action": "ping", "ref": "1"})).await.0["action"], json!("pong"));
    }
    let refused = socket.ask(json!({"action": "ping", "ref": "1"})).await.0;
    assert_eq!(refused["code"], json!("too_many_requests"));
    assert!(refused["retryAfterMs"].as_u64().is_some_and(|wait| wait > 0 && wait <= 20_000));
    let _second = ana.connect().await;
    let query = format!("?token={}", ana.token.as_deref().unwrap());
    assert_eq!(ana.try_connect(&query, &[]).await.err(), Some(429));
}
