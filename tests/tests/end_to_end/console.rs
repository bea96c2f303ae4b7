//! The console's control interface, and who may call the servers of the local stack.

use end_to_end::{Person, TestStack};
use local_stack::config::Options;
use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};

const DAY_MS: i64 = 24 * 3600 * 1000;

/// A request to the control interface, with the token.
async fn control(world: &TestStack, method: Method, path: &str, body: Value) -> (StatusCode, Value) {
    let stack = world.stack();
    let request = Client::new().request(method, format!("{}/control/{path}", stack.console_url)).bearer_auth(&stack.control_token).json(&body);
    let response = request.send().await.unwrap();
    (response.status(), response.json().await.unwrap_or_default())
}

async fn status_of(person: &Person, path: &str) -> u16 {
    person.get(path).await.status
}

/// DNS rebinding: a page elsewhere gives its own host name this machine's address.
#[tokio::test(flavor = "multi_thread")]
async fn every_server_answers_for_this_machine_only() {
    let world = TestStack::start().await;
    let stack = world.stack();
    let websocket = stack.websocket_url.replace("ws://", "http://");
    let runtime = local_stack::lambda::RuntimeApi::start().await.unwrap();
    let addresses = [
        format!("{}/auth/health", stack.http_url),
        format!("{websocket}/@connections/x"),
        websocket,
        stack.database_url.clone(),
        stack.console_url.clone(),
        format!("{}/explorer", stack.console_url),
        format!("{}/control/state", stack.console_url),
        format!("{}/mails", stack.mail_url),
        format!("{}/bucket/key", stack.s3_url),
        format!("http://{}/2018-06-01/runtime/init/error", runtime.address()),
    ];
    for address in addresses {
        let port = address.split(':').nth(2).unwrap().split('/').next().unwrap();
        for method in [Method::GET, Method::POST] {
            let request = Client::new().request(method, &address).header("host", format!("evil.test:{port}"));
            let response = request.bearer_auth(&stack.control_token).send().await.unwrap();
            assert_eq!(response.status(), 403, "{address}");
            assert_eq!(response.text().await.unwrap().replace("Only this machine may call.", ""), "", "{address}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_page_may_call_the_database_or_post_to_connections() {
    let world = TestStack::start().await;
    let stack = world.stack();
    let targets = [stack.database_url.clone(), format!("{}/@connections/x", stack.websocket_url.replace("ws://", "http://"))];
    for address in targets {
        for (name, value) in [("origin", "https://evil.test"), ("origin", stack.console_url.as_str()), ("sec-fetch-site", "cross-site")] {
            for method in [Method::OPTIONS, Method::POST] {
                let request = Client::new().request(method, &address).header(name, value).header("access-control-request-method", "POST");
                let request = request.header("x-amz-target", "DynamoDB_20120810.ListTables").body("{}");
                let response = request.send().await.unwrap();
                assert_eq!(response.status(), 403, "{address} {name}");
                assert!(response.headers().keys().all(|name| !name.as_str().starts_with("access-control-")), "{address} {name}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_control_interface_needs_its_token_and_has_no_cors() {
    let world = TestStack::start().await;
    let stack = world.stack();
    for path in ["state", "feed", "sockets", "tables", "mails", "objects", "faults"] {
        let address = format!("{}/control/{path}", stack.console_url);
        let statuses = [
            Client::new().get(&address).send().await.unwrap().status(),
            Client::new().get(&address).bearer_auth("x").send().await.unwrap().status(),
            Client::new().get(&address).bearer_auth(&stack.control_token).header("origin", "https://evil.test").send().await.unwrap().status(),
        ];
        assert_eq!(statuses, [StatusCode::FORBIDDEN; 3], "{path}");
        let preflight = Client::new().request(Method::OPTIONS, &address).header("origin", "https://evil.test");
        let preflight = preflight.header("access-control-request-method", "GET").send().await.unwrap();
        assert!(!preflight.headers().contains_key("access-control-allow-origin"), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_is_shown_with_its_calls_log_lines_and_frames() {
    let world = TestStack::start().await;
    let (ana, ben) = (world.login("ana").await, world.login("ben").await);
    let conversation = world.direct(&ana, &ben).await;
    let mut socket = ben.connect().await;
    ana.post(&format!("/messages/conversations/{conversation}/messages"), json!({"text": "hello"})).await;
    socket.expect("newMessage").await;
    world.settled().await;
    let send = format!("POST /messages/conversations/{conversation}/messages");
    let detail = loop {
        let stack = world.stack();
        let mut feed = Client::new().get(format!("{}/control/feed", stack.console_url)).bearer_auth(&stack.control_token).send().await.unwrap();
        let mut first = Vec::new();
        while !first.ends_with(b"\n") {
            first.extend_from_slice(&feed.chunk().await.unwrap().unwrap());
        }
        let first: Value = serde_json::from_slice(&first).unwrap();
        let event = first["events"].as_array().unwrap().iter().find(|event| event["label"] == send.as_str()).unwrap().clone();
        let (_, detail) = control(&world, Method::GET, &format!("events/{}", event["id"]), json!({})).await;
        // Log lines come through a pipe.
        if detail["userId"] == ana.id.as_str() {
            break detail;
        }
    };
    assert_eq!((&detail["status"], &detail["isDone"], &detail["function"]), (&json!(201), &json!(true), &json!("messages-router")));
    let actions: Vec<&str> = detail["allCalls"].as_array().unwrap().iter().filter_map(|call| call["action"].as_str()).collect();
    assert!(actions.contains(&"TransactWriteItems") && actions.contains(&"PostToConnection"), "{actions:?}");
    assert_eq!(detail["deliveries"][0]["direction"], "toClient");
    assert!(detail["deliveries"][0]["text"].as_str().unwrap().contains("hello"));
    assert_eq!(detail["event"]["requestContext"]["http"]["method"], "POST");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_moved_clock_holds_for_every_function_and_for_expiring_items() {
    let world = TestStack::start().await;
    let ana = world.login("ana").await;
    world.direct(&ana, &world.login("ben").await).await;
    assert_eq!(control(&world, Method::PUT, "clock", json!({"offsetMs": DAY_MS})).await.0, 204);
    for path in ["/auth/me", "/projects/list", "/messages/conversations"] {
        assert_eq!(status_of(&ana, path).await, 401, "{path}");
    }
    // Somebody who signs in then has a token of then.
    let later = world.login("ana").await;
    assert_eq!(status_of(&later, "/projects/list").await, 200);
    assert_eq!(control(&world, Method::PUT, "clock", json!({"offsetMs": 0})).await.0, 204);
    assert_eq!(status_of(&ana, "/auth/me").await, 200, "the machine's time again");

    let login = || async {
        let (_, page) = control(&world, Method::GET, "tables/auth/items?type=login", json!({})).await;
        page["items"].as_array().unwrap().len()
    };
    assert!(login().await > 0);
    assert_eq!(control(&world, Method::PUT, "clock", json!({"offsetMs": 400 * DAY_MS})).await.0, 204);
    while login().await > 0 {
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    for unusable in [json!({"offsetMs": i64::MAX}), json!({"offsetMs": "x"}), json!({})] {
        assert!(control(&world, Method::PUT, "clock", unusable).await.0.is_client_error());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_affects_the_functions_that_it_names() {
    let world = TestStack::start_with(Options { keep: false, ..Options::for_tests() }).await;
    let ana = world.login("ana").await;
    let risk = json!({"function": "projects-router", "action": "Query", "effect": "serverError", "perMillion": 1_000_000});
    assert_eq!(control(&world, Method::PUT, "faults", json!({"risks": [risk]})).await.0, 204);
    assert_eq!([status_of(&ana, "/projects/list").await, status_of(&ana, "/messages/conversations").await], [503, 200]);
    let (_, state) = control(&world, Method::GET, "state", json!({})).await;
    assert_eq!(state["faults"]["risks"][0]["function"], "projects-router");
    assert_eq!(control(&world, Method::DELETE, "faults", json!({})).await.0, 204);
    assert_eq!(status_of(&ana, "/projects/list").await, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn items_are_read_only_until_unlocked() {
    let world = TestStack::start().await;
    let ana = world.login("ana").await;
    let project = ana.post("/projects", json!({"title": "Atrium"})).await.body["projectId"].as_str().unwrap().to_owned();
    let path = format!("tables/projects/items?pk=PROJECT%23{project}");
    let (_, found) = control(&world, Method::GET, &path, json!({})).await;
    let mut header = found["items"].as_array().unwrap().iter().find(|one| one["type"] == "project").unwrap()["item"].clone();
    header["title"] = json!({"S": "Changed"});
    assert_eq!(control(&world, Method::PUT, "tables/projects/items", header.clone()).await.0, 423);
    let key = format!("tables/projects/items?pk=PROJECT%23{project}&sk=HEADER");
    assert_eq!(control(&world, Method::DELETE, &key, json!({})).await.0, 423);
    control(&world, Method::POST, "unlocked", json!({"unlocked": true})).await;
    assert_eq!(control(&world, Method::PUT, "tables/projects/items", json!({"pk": 1})).await.0, 400);
    assert_eq!(control(&world, Method::PUT, "tables/projects/items", header).await.0, 204);
    assert_eq!(ana.get(&format!("/projects/{project}")).await.body["title"], "Changed");
    assert_eq!(control(&world, Method::DELETE, &key, json!({})).await.0, 204);
    assert_eq!(status_of(&ana, &format!("/projects/{project}")).await, 404);
    assert_eq!(control(&world, Method::GET, "tables/nothing/items", json!({})).await.0, 404);
}
