//! What is logged, and what is never logged. Every test stack searches its own logs at its end. These tests produce the log lines.

use std::collections::BTreeMap;

use end_to_end::{TestStack, text};
use local_stack::faults::{Effect, InjectedFault};
use reqwest::Method;
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn audit_lines_name_people_by_id() {
    let world = TestStack::start().await;
    let (ana, ben) = (world.login("ana").await, world.login("ben").await);
    for _ in 0..6 {
        world.anonymous().post("/auth/login", json!({"email": "ghost-of-the-studio@mylg.test", "password": "wrong password here"})).await;
    }
    let refreshed = ben.post("/auth/refresh", json!({"refreshToken": ben.refresh_token})).await.expect(200);
    ben.post("/auth/refresh", json!({"refreshToken": refreshed["refreshToken"]})).await.expect(200);
    ben.post("/auth/refresh", json!({"refreshToken": ben.refresh_token})).await.expect_error(401, "invalid_refresh_token");
    let ben = world.login_again(&ben).await;
    let project = world.project(&ana, "Atrium", &[(&ben, "viewer")]).await;
    ben.patch(&format!("/projects/{project}"), json!({"status": "1%"})).await.expect_error(403, "forbidden");
    let dana = world.login("dana").await;
    dana.get(&format!("/projects/{project}")).await.expect_error(404, "not_found");
    ana.patch(&format!("/auth/users/{}", ben.id), json!({"role": "builder"})).await.expect(200);
    ana.patch(&format!("/auth/users/{}", ben.id), json!({"email": "benjamin@mylg.test"})).await.expect(200);
    let change = json!({"currentPassword": local_stack::people::PASSWORD, "newPassword": "another long password"});
    assert_eq!(dana.post("/auth/password", change).await.status, 204);
    dana.post("/auth/logout", json!({})).await;
    world.settled().await;

    // Lines come through a pipe, so they arrive after the responses.
    while !world.stack().log_lines().iter().any(|line| line.contains("\"audit\":\"logout\"")) {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let lines = world.stack().log_lines();
    let mut audits: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for line in &lines {
        assert!(!line.contains("ghost-of-the-studio") && !line.contains("ana@mylg.test"), "an address is in a line: {line}");
        let line: Value = serde_json::from_str(line).unwrap_or_else(|_| panic!("a line that is no JSON: {line}"));
        if let Some(event) = line["audit"].as_str() {
            audits.entry(event.to_owned()).or_default().push(line);
        }
    }
    let events: Vec<_> = audits.keys().map(String::as_str).collect();
    assert_eq!(
        events,
        ["access_denied", "address_changed", "login", "login_failed", "login_locked", "logout", "password_changed", "refresh_reuse", "role_changed"]
    );
    assert_eq!(audits["login_failed"].len(), 5);
    assert_eq!(audits["refresh_reuse"][0]["userId"], json!(ben.id));
    assert_eq!((&audits["role_changed"][0]["userId"], &audits["role_changed"][0]["by"]), (&json!(ben.id), &json!(ana.id)));
    assert_eq!((&audits["address_changed"][0]["userId"], &audits["address_changed"][0]["by"]), (&json!(ben.id), &json!(ana.id)));
    assert_eq!((audits["password_changed"].len(), &audits["password_changed"][0]["userId"]), (1, &json!(dana.id)));
    assert!(!lines.iter().any(|line| line.contains("benjamin@")), "an address is in a line");
    let denied: Vec<_> = audits["access_denied"].iter().map(|line| text(&line["userId"])).collect();
    assert!(denied.contains(&ben.id) && denied.contains(&dana.id), "{denied:?}");
}

/// Sends secrets and texts in every possible place, in requests that succeed, that are refused, and that fail internally.
#[tokio::test(flavor = "multi_thread")]
async fn no_secret_or_message_text_is_logged() {
    let world = TestStack::start().await;
    let (ana, ben) = (world.login("ana").await, world.login("ben").await);
    let conversation = world.direct(&ana, &ben).await;
    let path = format!("/messages/conversations/{conversation}/messages");
    let mut socket = ben.connect().await;
    let faults = &world.stack().faults;
    for round in 0..3 {
        if round == 1 {
            faults.add(InjectedFault { action: None, effect: Effect::ServerError, skip: 0, times: usize::MAX });
        } else if round == 2 {
            faults.clear();
            faults.add(InjectedFault { action: None, effect: Effect::Throttle, skip: 2, times: usize::MAX });
        }
        let phrase = |what: &str| format!("canary {what} {round} {}", test_harness::random_name());
        let secret = |what: &str| phrase(what).replace(' ', "-");
        ana.post(&path, json!({"text": phrase("text"), "optimisticId": format!("o-{round}")})).await;
        ana.send(Method::POST, &path, &[], &json!({"text": phrase("text"), "attachments": "none", "password": secret("password")})).await;
        socket.ask(json!({"action": "sendMessage", "ref": "s", "conversationId": conversation, "text": phrase("frame"), "optimisticId": format!("s-{round}")})).await;
        socket.ask(json!({"action": "sendMessage", "ref": "s", "conversationId": "cnv_x", "text": phrase("frame"), "nonsense": 1})).await;
        socket.ask(json!({"action": "auth", "ref": "a", "token": secret("token")})).await;
        socket.ask(json!({"action": phrase("text"), "ref": "u", "text": phrase("frame")})).await;
        let nobody = world.with_token(&secret("bearer"));
        nobody.get("/auth/me").await;
        nobody.post("/auth/login", json!({"email": "ana@mylg.test", "password": secret("password")})).await;
        nobody.post("/auth/refresh", json!({"refreshToken": secret("refresh")})).await;
        nobody.post("/auth/logout", json!({"refreshToken": ben.refresh_token.replace('.', ".x")})).await;
        for query in ["token", "ticket"] {
            let _ = nobody.try_connect(&format!("?{query}={}", secret("credential")), &[]).await;
            nobody.get(&format!("/auth/me?{query}={}", secret("credential"))).await;
        }
        let protocol = format!("mylg.v1, ticket.{}", secret("protocol"));
        let _ = nobody.try_connect("", &[("sec-websocket-protocol", &protocol)]).await;
        let cookie = format!("__Host-refresh={}", secret("cookie"));
        nobody
            .send(
                Method::POST,
                "/auth/refresh",
                &[("x-session-transport", "cookie"), ("origin", test_harness::ORIGIN), ("cookie", &cookie)],
                &json!({}),
            )
            .await;
        ana.post("/auth/password", json!({"currentPassword": secret("password"), "newPassword": secret("password")})).await;
        ana.post("/auth/users", json!({"email": format!("c{round}@mylg.test"), "password": secret("password")})).await;
        ana.post("/auth/ws-ticket", json!({})).await;
        world.settled().await;
    }
    faults.clear();
    let lines = world.stack().log_lines();
    assert!(lines.iter().any(|line| line.contains("\"level\":\"ERROR\"")), "something went wrong inside and was logged");
    let told: Vec<_> = lines.iter().filter(|line| line.contains("canary")).collect();
    assert!(told.is_empty(), "{told:?}");
    for event in world.stack().records.events() {
        assert!(!event.label.contains("canary"), "{}", event.label);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_line_names_the_event_that_caused_it() {
    let world = TestStack::start().await;
    let (ana, ben) = (world.login("ana").await, world.login("ben").await);
    let conversation = world.direct(&ana, &ben).await;
    let mut socket = ben.connect().await;
    let sent = ana.post(&format!("/messages/conversations/{conversation}/messages"), json!({"text": "plans", "optimisticId": "o-1"})).await;
    let request_id = sent.headers["x-request-id"].to_str().unwrap().to_owned();
    socket.ask(json!({"action": "markRead", "ref": "m", "conversationId": conversation, "seq": 1})).await;
    socket.ask(json!({"action": "markRead", "ref": "m", "conversationId": conversation, "seq": "one"})).await;
    socket.ask(json!({"action": "paint", "ref": "p"})).await;
    world.settled().await;
    let socket_lines = |lines: &[Value]| lines.iter().filter(|line| line["message"] == "socket event").cloned().collect::<Vec<_>>();
    let mut lines: Vec<Value> = Vec::new();
    // Lines come through a pipe, so they arrive after the replies.
    while socket_lines(&lines).len() < 4 || !lines.iter().any(|line| line["message"] == "broadcast" && line["action"] == "newMessage") {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        lines = world.stack().log_lines().iter().filter_map(|line| serde_json::from_str(line).ok()).collect();
    }
    for line in &lines {
        for member in ["requestId", "lambdaRequestId", "traceId", "version"] {
            assert!(line[member].as_str().is_some_and(|id| !id.is_empty()), "{member}: {line}");
        }
        assert!(line["coldStart"].is_boolean() && line["calls"].is_u64(), "{line}");
    }
    // What is delivered after the response has the id of the request, which the client has too.
    let delivery = lines.iter().find(|line| line["message"] == "broadcast" && line["action"] == "newMessage").unwrap();
    assert_eq!((&delivery["requestId"], &delivery["delivered"]), (&json!(request_id), &json!(1)));
    let request = lines.iter().find(|line| line["message"] == "request" && line["requestId"] == json!(request_id)).unwrap();
    assert_eq!(request["lambdaRequestId"], delivery["lambdaRequestId"]);
    assert!(request["calls"].as_u64() > Some(0) && delivery["calls"].as_u64() > request["calls"].as_u64(), "{request} {delivery}");
    let frames: Vec<_> = socket_lines(&lines).into_iter().filter(|line| line["route"] != "$connect").collect();
    let said: Vec<_> = frames.iter().map(|line| (text(&line["action"]), line["code"].as_str().map(str::to_owned))).collect();
    let refused = |action: &str, code: &str| (action.to_owned(), Some(code.to_owned()));
    assert_eq!(said, [("markRead".to_owned(), None), refused("markRead", "validation_failed"), refused("unknown", "unknown_action")]);
    for line in &frames {
        assert_eq!((&line["userId"], line["connectionId"].is_string(), line["durationMs"].is_u64()), (&json!(ben.id), true, true), "{line}");
    }
}
