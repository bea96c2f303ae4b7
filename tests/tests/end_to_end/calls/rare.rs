//! Calls that are rare, for the permissions that they need.

use super::*;

/// Calls that need a permission and are rare: a second page, a large budget, a logout with an open socket.
pub(super) async fn rarer_paths(world: &TestStack, ana: &Person, cleo: &Person) {
    world.stack().faults.clear();
    let project = world.project(ana, "Large", &[]).await;
    world.project(ana, "Second", &[]).await;
    assert!(ana.get("/projects/list?limit=1").await.expect(200)["nextCursor"].is_string());
    let lines: Vec<_> = (0..120).map(|n| json!({"itemBudgetedCost": n})).collect();
    let budget = format!("/projects/{project}/budget");
    let written = ana.patch(&budget, json!({"lines": lines})).await.expect(200);
    ana.patch(&budget, json!({"deleteLines": [written["lines"][0]["budgetItemId"]]})).await.expect(200);
    ana.delete(&format!("/projects/{project}")).await;
    // The rest of a deleted project's conversation is deleted when someone requests it.
    let gone = world.project(ana, "Gone", &[]).await;
    let chat = ana.post("/messages/conversations", json!({"type": "project", "projectId": gone})).await.expect(200);
    let chat = format!("/messages/conversations/{}", text(&chat["conversationId"]));
    ana.post(&format!("{chat}/messages"), json!({"text": "x"})).await.expect(201);
    ana.delete(&format!("/projects/{gone}")).await;
    ana.get(&chat).await.expect_error(404, "not_found");
    world.settled().await;
    let opened = ana.post("/messages/conversations", json!({"type": "group", "title": "G", "participants": [cleo.id]})).await.expect(201);
    let messages = format!("/messages/conversations/{}/messages", text(&opened["conversationId"]));
    for n in 0..3 {
        ana.post(&messages, json!({"text": "x", "optimisticId": format!("r-{n}")})).await.expect(201);
    }
    ana.post(&messages, json!({"text": "x", "optimisticId": "r-0"})).await.expect(200);
    assert!(ana.get(&format!("{messages}?limit=1")).await.expect(200)["nextCursor"].is_string());
    assert!(ana.get("/auth/users?q=user&limit=1").await.expect(200)["nextCursor"].is_null());
    assert!(ana.get("/auth/users?pending=true").await.expect(200)["items"].is_array());
    let leaver = world.login("cleo").await;
    let mut socket = leaver.connect().await;
    socket.ask(json!({"action": "sendMessage", "ref": "1", "conversationId": opened["conversationId"], "text": "x", "optimisticId": "s"})).await;
    let (replayed, _) =
        socket.ask(json!({"action": "sendMessage", "ref": "2", "conversationId": opened["conversationId"], "text": "x", "optimisticId": "s"})).await;
    assert_eq!(replayed["action"], json!("ack"));
    leaver.post("/auth/logout", json!({"refreshToken": leaver.refresh_token})).await;
    world.settled().await;
}

/// Lets every function that posts find a gone connection. The function removes the connection, and notifies others.
pub(super) async fn lost_connections() -> TestStack {
    let mut options = Options::for_tests();
    options.limits.connected_before = Duration::from_mins(1);
    let world = TestStack::start_with(options).await;
    let (ana, cleo) = (&world.login("ana").await, &world.login("cleo").await);
    let project = world.project(ana, "Lost", &[(cleo, "editor")]).await;
    let group = ana.post("/messages/conversations", json!({"type": "group", "title": "G", "participants": [cleo.id]})).await.expect(201);
    let messages = format!("/messages/conversations/{}/messages", text(&group["conversationId"]));
    // Earlier announcements must not find a connection that is just opening.
    world.settled().await;
    let _watcher = ana.connect().await;
    for finder in ["projects-router", "messages-router", "auth-router"] {
        let lost = world.login("cleo").await;
        world.settled().await;
        let mut socket = lost.connect().await;
        let (ack, _) = socket.ask(json!({"action": "lineLocked", "ref": "l", "projectId": project, "lineId": finder, "revision": 1})).await;
        assert_eq!(ack["action"], json!("ack"), "{ack}");
        world.settled().await;
        world.stack().faults.add(InjectedFault { action: Some("PostToConnection".to_owned()), effect: Effect::Gone, skip: 0, times: usize::MAX });
        match finder {
            "projects-router" => drop(ana.patch(&format!("/projects/{project}"), json!({"status": finder})).await.expect(200)),
            "messages-router" => drop(ana.post(&messages, json!({"text": "x"})).await.expect(201)),
            _ => assert_eq!(lost.post("/auth/logout", json!({"refreshToken": lost.refresh_token})).await.status, 204),
        }
        world.settled().await;
        world.stack().faults.clear();
        let budget = ana.get(&format!("/projects/{project}/budget")).await.expect(200);
        assert_eq!(budget["locks"], json!([]), "{finder} has released what the connection had locked");
    }
    world
}
