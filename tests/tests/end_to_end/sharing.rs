//! The frames that people get when they begin to share something, while they share it, and when one of them leaves.

use std::time::Duration;

use end_to_end::{Person, Socket, TestStack, text};
use local_stack::config::Options;
use local_stack::faults::{Effect, InjectedFault};
use reqwest::Method;
use serde_json::{Value, json};

/// The frames that a socket got, and separately the presence: who is online and who is not.
async fn heard(socket: &mut Socket) -> (Vec<Value>, Vec<(String, bool)>) {
    let frames = socket.drain().await;
    let presence = std::mem::take(&mut socket.presence);
    (frames, presence.iter().map(|frame| (text(&frame["userId"]), frame["online"].as_bool().unwrap())).collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn new_team_members_get_project_conversation_and_presence() {
    let world = TestStack::start().await;
    let (ana, ben, cleo) = (world.login("ana").await, world.login("ben").await, world.login("cleo").await);
    let project = world.project(&ben, "Atrium", &[]).await;
    let (mut bens, mut cleos) = (ben.connect().await, cleo.connect().await);
    world.settled().await;
    assert_eq!(heard(&mut bens).await.1, []);
    let path = format!("/projects/{project}");
    ben.put(&format!("{path}/team/{}", cleo.id), json!({"role": "editor"})).await.expect(200);
    world.settled().await;
    let (frames, presence) = heard(&mut cleos).await;
    assert_eq!(presence, [(ben.id.clone(), true)], "the newcomer learns who is there");
    let [frame] = frames.as_slice() else { panic!("{frames:?}") };
    assert_eq!((&frame["action"], &frame["userId"], &frame["role"]), (&json!("teamChanged"), &json!(cleo.id), &json!("editor")));
    // The frame contains what three calls would return.
    let listed = &cleo.get("/projects/list").await.expect(200)["items"][0];
    assert_eq!((&frame["project"], &frame["project"]["partial"]), (listed, &json!(true)));
    let conversations = cleo.get("/messages/conversations").await.expect(200);
    assert_eq!([frame["conversation"].clone()], conversations["items"].as_array().unwrap().as_slice(), "without anyone's opening it");
    let (frames, presence) = heard(&mut bens).await;
    assert_eq!(presence, [(cleo.id.clone(), true)], "and those who were there learn of the newcomer");
    assert_eq!((frames.len(), &frames[0]["conversation"]["participants"].as_array().unwrap().len()), (1, &2));
    assert!(frames[0].get("project").is_none(), "they have it");

    // A new role does not change the conversation, and sends no presence.
    ben.put(&format!("{path}/team/{}", cleo.id), json!({"role": "viewer"})).await.expect(200);
    world.settled().await;
    let (frames, presence) = heard(&mut cleos).await;
    assert_eq!((frames.len(), &frames[0]["role"], frames[0].get("project"), presence), (1, &json!("viewer"), None, vec![]));
    ben.delete(&format!("{path}/team/{}", cleo.id)).await;
    world.settled().await;
    let (frames, _) = heard(&mut cleos).await;
    let removed = frames.iter().find(|frame| frame["action"] == "conversationRemoved").unwrap();
    assert_eq!(removed["conversationId"], conversations["items"][0]["conversationId"]);

    // The same applies to a project that is created with a team, and to a group.
    let mut anas = ana.connect().await;
    world.settled().await;
    let made = ben.post("/projects", json!({"title": "Second", "team": [{"userId": ana.id, "role": "viewer"}]})).await.expect(201);
    world.settled().await;
    let (frames, presence) = heard(&mut anas).await;
    assert_eq!(
        (&frames[0]["action"], &frames[0]["project"]["projectId"], &frames[0]["conversation"]["title"]),
        (&json!("teamChanged"), &made["projectId"], &json!("Second"))
    );
    assert_eq!(presence, [(ben.id.clone(), true)]);
    let group = json!({"type": "group", "title": "Third", "participants": [cleo.id]});
    ana.post("/messages/conversations", group).await.expect(201);
    world.settled().await;
    let (frames, presence) = heard(&mut cleos).await;
    assert_eq!((&frames[0]["action"], presence), (&json!("conversationAdded"), vec![(ana.id.clone(), true)]));
}

#[tokio::test(flavor = "multi_thread")]
async fn renaming_a_project_renames_its_conversation() {
    let world = TestStack::start().await;
    let (ben, cleo) = (world.login("ben").await, world.login("cleo").await);
    let project = world.project(&ben, "Atrium", &[(&cleo, "viewer")]).await;
    let before = cleo.get("/messages/conversations").await.expect(200)["items"][0].clone();
    let since = text(&cleo.get("/messages/sync").await.expect(200)["cursor"]);
    ben.patch(&format!("/projects/{project}"), json!({"title": "Courtyard"})).await.expect(200);
    let after = cleo.get("/messages/conversations").await.expect(200)["items"][0].clone();
    assert_eq!(after["title"], json!("Courtyard"));
    assert!(after["version"].as_u64() > before["version"].as_u64());
    let page = cleo.get(&format!("/messages/sync?since={since}")).await.expect(200);
    assert_eq!(page["changes"], json!([{"type": "updated", "conversationId": after["conversationId"], "conversation": after}]));
    // Another change of the project does not change the conversation.
    ben.patch(&format!("/projects/{project}"), json!({"status": "5%", "title": "Courtyard"})).await.expect(200);
    let page = cleo.get(&format!("/messages/sync?since={}", text(&page["cursor"]))).await.expect(200);
    assert_eq!(page["changes"], json!([]));
    assert_eq!(cleo.get("/messages/conversations").await.expect(200)["items"][0]["version"], after["version"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn administrators_act_as_owners_even_as_viewers() {
    let world = TestStack::start().await;
    let (ana, ben) = (world.login("ana").await, world.login("ben").await);
    let project = world.project(&ben, "Atrium", &[(&ana, "viewer")]).await;
    let opened = ben.post("/messages/conversations", json!({"type": "project", "projectId": project})).await.expect(200);
    let messages = format!("/messages/conversations/{}/messages", text(&opened["conversationId"]));
    let mut anas = ana.connect().await;
    for over_socket in [false, true] {
        let sent = ben.post(&messages, json!({"text": "x"})).await.expect(201);
        if over_socket {
            let (reply, _) = anas.ask(json!({"action": "deleteMessage", "ref": "d", "messageId": sent["messageId"]})).await;
            assert_eq!(reply["action"], json!("ack"), "{reply}");
        } else {
            assert_eq!(ana.delete(&format!("/messages/{}", text(&sent["messageId"]))).await.status, 204);
        }
    }
    world.settled().await;
    anas.drain().await;
    let budget = format!("/projects/{project}/budget");
    let written = ben.patch(&budget, json!({"lines": [{"quantity": 1}], "clientRevision": 1})).await.expect(200);
    let mut bens = ben.connect().await;
    let line = &written["lines"][0]["budgetItemId"];
    let lock = |action: &str| json!({"action": action, "ref": "l", "projectId": project, "lineId": line, "revision": 1});
    bens.ask(lock("lineLocked")).await;
    bens.ask(lock("lineUnlocked")).await;
    world.settled().await;
    let mut actions: Vec<String> = anas.drain().await.iter().map(|frame| text(&frame["action"])).collect();
    actions.sort();
    assert_eq!(actions, ["budgetUpdated", "clientRevisionUpdated", "lineLocked", "lineUnlocked"]);
    assert_eq!(anas.ask(lock("lineLocked")).await.0["action"], json!("ack"));
}

/// A line in Ana's project that a person has locked, with a watching socket of Ana and the person's socket.
async fn locked(world: &TestStack, ana: &Person, person: &Person) -> (String, Value, Socket, Socket) {
    let project = world.project(ana, "Atrium", &[(person, "editor")]).await;
    let written = ana.patch(&format!("/projects/{project}/budget"), json!({"lines": [{"quantity": 1}]})).await.expect(200);
    let line = written["lines"][0]["budgetItemId"].clone();
    // Earlier announcements must not find a connection that is just opening.
    world.settled().await;
    let watcher = ana.connect().await;
    world.settled().await;
    let mut owner = person.connect().await;
    world.settled().await;
    let (ack, _) = owner.ask(json!({"action": "lineLocked", "ref": "l", "projectId": project, "lineId": line, "revision": 1})).await;
    assert_eq!(ack["action"], json!("ack"), "{ack}");
    world.settled().await;
    (project, line, watcher, owner)
}

#[tokio::test(flavor = "multi_thread")]
async fn locks_are_released_before_presence_is_sent() {
    let world = TestStack::start().await;
    let (ana, ben) = (world.login("ana").await, world.login("ben").await);
    let (project, line, mut watcher, owner) = locked(&world, &ana, &ben).await;
    let locked_frame = heard(&mut watcher).await.0.pop().unwrap();
    // The connection ends: first the lock is released, then the presence is sent.
    let order = |frames: &[Value]| frames.iter().map(|frame| text(&frame["action"])).collect::<Vec<_>>();
    drop(owner);
    let mut frames = Vec::new();
    while frames.len() < 2 {
        frames.push(watcher.next_of_any().await.unwrap());
    }
    assert_eq!(order(&frames), ["lineUnlocked", "presenceChanged"]);
    assert_eq!((&frames[0]["lineId"], &frames[0]["projectId"], &frames[0]["userId"]), (&line, &json!(project), &json!(ben.id)));
    assert!(text(&frames[0]["at"]) > text(&locked_frame["at"]), "what orders them");
    assert_eq!((&frames[1]["userId"], &frames[1]["online"]), (&json!(ben.id), &json!(false)));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_function_broadcasts_a_gone_connection() {
    for finder in ["projects-router", "messages-router", "auth-router", "ws-provider"] {
        let mut options = Options::for_tests();
        options.limits.connected_before = Duration::from_mins(1);
        let world = TestStack::start_with(options).await;
        let (ana, ben) = (world.login("ana").await, world.login("ben").await);
        let pair = world.direct(&ana, &ben).await;
        let (project, _, mut watcher, _owner) = locked(&world, &ana, &ben).await;
        world.settled().await;
        let mut second = ana.connect().await;
        world.settled().await;
        heard(&mut watcher).await;
        world.stack().faults.add(InjectedFault { action: Some("PostToConnection".to_owned()), effect: Effect::Gone, skip: 0, times: usize::MAX });
        let sends = json!({"action": "sendMessage", "ref": "s", "conversationId": pair, "text": "x", "optimisticId": "o"});
        match finder {
            "projects-router" => drop(ana.patch(&format!("/projects/{project}"), json!({"status": "1%"})).await.expect(200)),
            "messages-router" => drop(ana.post(&format!("/messages/conversations/{pair}/messages"), json!({"text": "x"})).await.expect(201)),
            "auth-router" => assert_eq!(ben.post("/auth/logout", json!({"refreshToken": ben.refresh_token})).await.status, 204),
            // The function's post to the sender also fails as gone, so that the sender gets no reply.
            _ => second.send(&sends).await,
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
        world.settled().await;
        world.stack().faults.clear();
        // Afterwards, neither the lock nor the person is shown.
        let budget = ana.get(&format!("/projects/{project}/budget")).await.expect(200);
        assert_eq!(budget["locks"], json!([]), "{finder}");
        let mut fresh = ana.connect().await;
        let (snapshot, _) = fresh.ask(json!({"action": "presenceLookup", "ref": "p"})).await;
        assert_eq!(snapshot["userIds"], json!([ana.id]), "{finder}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gone_connection_is_broadcast_to_contacts() {
    let mut options = Options::for_tests();
    options.limits.connected_before = Duration::from_mins(1);
    let world = TestStack::start_with(options).await;
    let (ana, ben, cleo) = (world.login("ana").await, world.login("ben").await, world.login("cleo").await);
    let pair = world.direct(&ben, &cleo).await;
    let (_, line, mut watcher, _owner) = locked(&world, &ana, &ben).await;
    heard(&mut watcher).await;
    // Cleo's message goes only to Ben, and its post is the only one that fails.
    world.stack().faults.add(InjectedFault { action: Some("PostToConnection".to_owned()), effect: Effect::Gone, skip: 0, times: 1 });
    cleo.post(&format!("/messages/conversations/{pair}/messages"), json!({"text": "x"})).await.expect(201);
    let mut frames = Vec::new();
    while frames.len() < 2 {
        frames.push(watcher.next_of_any().await.unwrap());
    }
    let told: Vec<_> = frames.iter().map(|frame| (text(&frame["action"]), frame["lineId"].clone(), text(&frame["userId"]))).collect();
    assert_eq!(told, [("lineUnlocked".to_owned(), line, ben.id.clone()), ("presenceChanged".to_owned(), Value::Null, ben.id.clone())]);
    assert_eq!(ana.request(Method::GET, "/auth/me", &[], None).await.status, 200);
}
