//! Sockets: handshake, frames and limits.

use std::time::Duration;

use end_to_end::{TestStack, text};
use local_stack::config::Options;
use local_stack::websocket_api::Limits;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};

#[tokio::test(flavor = "multi_thread")]
async fn ten_bad_frames_in_a_row_close_the_socket() {
    let world = TestStack::start().await;
    let ana = world.login("ana").await;
    let mut socket = ana.connect().await;
    let deep = format!(r#"{{"action":"ping","x":{}1{}}}"#, "[".repeat(16), "]".repeat(16));
    for (frame, code) in [
        ("not json", "invalid_json"),
        ("[]", "invalid_json"),
        (&*deep, "invalid_json"),
        (r#"{"ref":"r"}"#, "unknown_action"),
        (r#"{"action":"nonsense"}"#, "unknown_action"),
        (r#"{"action":"$connect"}"#, "unknown_action"),
        (r#"{"action":"$default"}"#, "unknown_action"),
        (r#"{"action":7}"#, "unknown_action"),
    ] {
        socket.send_text(frame).await;
        assert_eq!(socket.expect("error").await["code"], json!(code), "{frame}");
    }
    // A valid frame resets the count of bad frames. A frame with a validation error does not count as bad.
    let (pong, _) = socket.ask(json!({"action": "ping", "ref": "p"})).await;
    assert_eq!(pong["action"], json!("pong"));
    for _ in 0..9 {
        socket.send_text("{").await;
        socket.expect("error").await;
    }
    let (error, _) = socket.ask(json!({"action": "sendMessage", "ref": "v"})).await;
    assert_eq!(error["code"], json!("validation_failed"));
    for _ in 0..9 {
        socket.send_text("{").await;
        socket.expect("error").await;
    }
    socket.send_text("{").await;
    // The tenth bad frame gets a reply, and the end is announced. The two frames may overtake each other.
    let mut last = Vec::new();
    while let Ok(frame) = socket.next().await {
        last.push(frame);
    }
    let closing = last.iter().find(|frame| frame["action"] == "closing").unwrap();
    assert_eq!((&closing["reason"], &closing["reconnect"]), (&json!("strikes"), &json!(false)));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_frame_of_a_flood_is_answered() {
    let mut options = Options::for_tests();
    options.passed.remove("ACTION_RATE");
    let world = TestStack::start_with(options).await;
    let (ana, ben) = (world.login("ana").await, world.login("ben").await);
    let mut flooding = ana.connect().await;
    for n in 0..400 {
        flooding.send(&json!({"action": "ping", "ref": n.to_string()})).await;
    }
    let mut replies: Vec<(String, Value)> = Vec::new();
    while replies.len() < 400 {
        let frame = flooding.next().await.unwrap();
        replies.push((text(&frame["ref"]), frame["action"].clone()));
    }
    replies.sort_by(|a, b| a.0.cmp(&b.0));
    replies.dedup_by(|a, b| a.0 == b.0);
    assert_eq!(replies.len(), 400, "each has its own");
    // Concurrent frames may pass together, but not many more than are allowed.
    let passed = replies.iter().filter(|(_, action)| *action == "pong").count();
    assert!((60..=120).contains(&passed), "{passed} passed");
    let mut other = ben.connect().await;
    assert_eq!(other.ask(json!({"action": "ping", "ref": "1"})).await.0["action"], json!("pong"), "nobody else notices");
}

#[tokio::test(flavor = "multi_thread")]
async fn frame_size_limits() {
    let world = TestStack::start().await;
    let ana = world.login("ana").await;
    let mut socket = ana.connect().await;
    let frame = |size: usize| {
        let empty = json!({"action": "ping", "ref": "r", "pad": ""}).to_string().len();
        json!({"action": "ping", "ref": "r", "pad": "x".repeat(size - empty)}).to_string()
    };
    socket.send_text(&frame(32 * 1024)).await;
    assert_eq!(socket.expect("error").await["code"], json!("validation_failed"), "it was read");
    // A message of two frames may be larger than one frame, but not larger than the function reads.
    let text = frame(32 * 1024 + 1);
    let (one, other) = text.split_at(20_000);
    assert!(socket.send_message(Message::Frame(Frame::message(one.to_owned(), OpCode::Data(Data::Text), false))).await);
    assert!(socket.send_message(Message::Frame(Frame::message(other.to_owned(), OpCode::Data(Data::Continue), true))).await);
    assert_eq!(socket.expect("error").await["code"], json!("payload_too_large"));
    // A binary frame is read as text.
    assert!(socket.send_message(Message::binary(json!({"action": "ping", "ref": "b"}).to_string().into_bytes())).await);
    assert_eq!(socket.expect("pong").await["ref"], json!("b"));
    socket.send_text(&text).await;
    assert_eq!(socket.next().await, Err(1009));
}

#[tokio::test(flavor = "multi_thread")]
async fn each_connection_gets_each_frame_once() {
    let world = TestStack::start().await;
    let (ana, ben, cleo, dana) = (world.login("ana").await, world.login("ben").await, world.login("cleo").await, world.login("dana").await);
    let project = world.project(&ana, "Atrium", &[(&ben, "editor"), (&cleo, "viewer")]).await;
    let opened = ana.post("/messages/conversations", json!({"type": "project", "projectId": project})).await.expect(200);
    let conversation = text(&opened["conversationId"]);
    let mut sockets = Vec::new();
    for person in [&ana, &ben, &ben, &cleo] {
        sockets.push(person.connect().await);
    }
    let mut outside = dana.connect().await;
    let body = json!({"text": "to all", "attachments": [{"key": "public/a.png", "name": "a.png", "type": "image/png", "size": 7}]});
    ana.post(&format!("/messages/conversations/{conversation}/messages"), body).await.expect(201);
    // Frames of different functions may overtake each other, so the requests run one at a time.
    world.settled().await;
    ana.patch(&format!("/projects/{project}"), json!({"status": "35%"})).await.expect(200);
    world.settled().await;
    ana.patch(&format!("/projects/{project}/budget"), json!({"lines": [{"itemBudgetedCost": 10}]})).await.expect(200);
    world.settled().await;
    let names = |frames: &[Value]| frames.iter().map(|frame| text(&frame["action"])).collect::<Vec<_>>();
    for (index, socket) in sockets.iter_mut().enumerate() {
        let frames = socket.drain().await;
        // A viewer gets no frames about the budget.
        let expected = if index == 3 { vec!["newMessage", "projectUpdated"] } else { vec!["newMessage", "projectUpdated", "budgetUpdated"] };
        assert_eq!(names(&frames), expected);
        assert_eq!(frames[0]["attachments"][0]["name"], json!("a.png"));
        assert_eq!(frames[1]["fields"], json!({"status": "35%"}));
    }
    assert_eq!(names(&outside.drain().await), Vec::<String>::new());

    // A person who is removed from the team is removed from the conversation at once.
    ana.delete(&format!("/projects/{project}/team/{}", ben.id)).await;
    let (refused, _) =
        sockets[1].ask(json!({"action": "sendMessage", "ref": "s", "conversationId": conversation, "text": "still here", "optimisticId": "1"})).await;
    assert_eq!(refused["code"], json!("not_found"));
    ana.delete(&format!("/projects/{project}")).await;
    let page = format!("/messages/conversations/{conversation}/messages");
    ana.get(&page).await.expect_error(404, "not_found");
    ana.post(&page, json!({"text": "into the void"})).await.expect_error(404, "not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn logout_closes_only_the_sockets_of_its_session() {
    let world = TestStack::start().await;
    let phone = world.login("ben").await;
    let laptop = world.login_again(&phone).await;
    let (mut on_phone, mut on_laptop) = (phone.connect().await, laptop.connect().await);
    assert_eq!(phone.post("/auth/logout", json!({})).await.status, 204);
    assert_eq!(on_phone.expect("sessionRevoked").await["reconnect"], json!(false));
    assert!(on_phone.next().await.is_err());
    // Every function knows within seconds. Until then, the handshake may succeed, but nothing is delivered.
    let query = format!("?token={}", phone.token.clone().unwrap());
    let refused = async {
        loop {
            match phone.try_connect(&query, &[]).await {
                Ok(_) => tokio::time::sleep(Duration::from_millis(100)).await,
                Err(status) => return status,
            }
        }
    };
    assert_eq!(tokio::time::timeout(Duration::from_secs(20), refused).await, Ok(world.refusal(401)));
    let (pong, _) = on_laptop.ask(json!({"action": "ping", "ref": "1"})).await;
    assert_eq!(pong["action"], json!("pong"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_has_ten_sockets_and_a_tab_one() {
    let world = TestStack::start().await;
    let ben = world.login("ben").await;
    let token = ben.token.clone().unwrap();
    let mut tab = ben.try_connect(&format!("?token={token}&tabId=t1"), &[]).await.unwrap();
    let mut same_tab = ben.try_connect(&format!("?token={token}&tabId=t1"), &[]).await.unwrap();
    assert_eq!(tab.expect("closing").await["reason"], json!("replaced"));
    assert!(tab.next().await.is_err());
    world.settled().await;
    let mut others = Vec::new();
    for _ in 0..10 {
        others.push(ben.connect().await);
        world.settled().await;
    }
    assert_eq!(same_tab.expect("closing").await["reason"], json!("too_many_connections"));
    assert!(same_tab.next().await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_have_a_minute_of_leeway() {
    let mut options = Options::for_tests();
    options.passed.insert("ACCESS_TTL_S".to_owned(), "1".to_owned());
    let world = TestStack::start_with(options).await;
    let ana = world.login("ana").await;
    // Within the leeway of one minute, everything still works.
    let mut socket = ana.connect().await;
    let (pong, _) = socket.ask(json!({"action": "ping", "ref": "1"})).await;
    assert_eq!(pong["action"], json!("pong"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_connection_is_closed_by_the_gateway() {
    let limits = Limits { idle: Duration::from_millis(300), ..Limits::default() };
    let world = TestStack::start_with(Options { limits, ..Options::for_tests() }).await;
    let ana = world.login("ana").await;
    let mut socket = ana.connect().await;
    assert_eq!(socket.next().await, Err(1001));
}
