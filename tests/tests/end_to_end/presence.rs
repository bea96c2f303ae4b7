//! Presence and typing.

use std::time::Duration;

use end_to_end::{Person, Socket, TestStack, text};
use serde_json::{Value, json};

/// The presence changes that a socket got, in order.
async fn told(socket: &mut Socket) -> Vec<(String, bool)> {
    let _ = socket.drain().await;
    std::mem::take(&mut socket.presence).iter().map(|frame| (text(&frame["userId"]), frame["online"].as_bool().unwrap())).collect()
}

async fn online(socket: &mut Socket) -> Vec<Value> {
    let (snapshot, _) = socket.ask(json!({"action": "presenceLookup", "ref": "p"})).await;
    assert_eq!((&snapshot["action"], snapshot["at"].is_string()), (&json!("presenceSnapshot"), true));
    let mut ids = snapshot["userIds"].as_array().unwrap().clone();
    ids.sort_by_key(ToString::to_string);
    ids
}

fn sorted(people: &[&Person]) -> Vec<Value> {
    let mut ids: Vec<Value> = people.iter().map(|person| json!(person.id)).collect();
    ids.sort_by_key(ToString::to_string);
    ids
}

/// Waits until a socket gets the frame that says that a person went offline.
async fn goes(socket: &mut Socket, person: &Person) {
    loop {
        let frame = match socket.presence.pop() {
            Some(frame) => frame,
            None => socket.next_of_any().await.unwrap(),
        };
        if frame["action"] == "presenceChanged" && frame["userId"] == person.id && frame["online"] == json!(false) {
            return;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn presence_is_sent_only_to_people_who_share_something() {
    let world = TestStack::start().await;
    let (ana, ben, cleo, dana) = (world.login("ana").await, world.login("ben").await, world.login("cleo").await, world.login("dana").await);
    // Ana and Ben share a project. Ben and Cleo share a conversation. Dana shares nothing.
    world.project(&ana, "Atrium", &[(&ben, "viewer")]).await;
    world.direct(&ben, &cleo).await;
    let (mut by_ana, mut with_cleo, mut dana_alone) = (ana.connect().await, cleo.connect().await, dana.connect().await);
    world.settled().await;
    let first = ben.connect().await;
    let mut second = ben.connect().await;
    world.settled().await;
    assert_eq!(told(&mut by_ana).await, [(ben.id.clone(), true)], "once, however many tabs");
    assert_eq!(told(&mut with_cleo).await, [(ben.id.clone(), true)]);
    assert_eq!(online(&mut by_ana).await, sorted(&[&ana, &ben]));
    assert_eq!(online(&mut second).await, sorted(&[&ana, &ben, &cleo]));
    assert_eq!(online(&mut dana_alone).await, sorted(&[&dana]), "whoever asks is there");
    drop(first);
    tokio::time::sleep(Duration::from_millis(300)).await;
    world.settled().await;
    assert_eq!(told(&mut by_ana).await, [], "one tab of two");
    drop(second);
    goes(&mut by_ana, &ben).await;
    goes(&mut with_cleo, &ben).await;
    assert_eq!(online(&mut by_ana).await, sorted(&[&ana]));
    // Signing out closes the socket, and this sends presence as well.
    let last = ben.connect().await;
    assert_eq!(ben.post("/auth/logout", json!({})).await.status, 204);
    goes(&mut by_ana, &ben).await;
    drop(last);
    assert_eq!(told(&mut dana_alone).await, []);
}

/// The presence that a client shows. Of several frames about one person, the frame with the latest `at` counts.
fn latest(frames: &[Value], person: &Person) -> Option<bool> {
    let of_person = frames.iter().filter(|frame| frame["userId"] == person.id);
    of_person.max_by_key(|frame| text(&frame["at"])).map(|frame| frame["online"].as_bool().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reloaded_page_ends_up_online() {
    let world = TestStack::start().await;
    let (ana, ben) = (world.login("ana").await, world.login("ben").await);
    world.direct(&ana, &ben).await;
    let mut by_ana = ana.connect().await;
    let mut page = ben.connect().await;
    world.settled().await;
    assert_eq!(told(&mut by_ana).await, [(ben.id.clone(), true)]);
    for _ in 0..5 {
        drop(page);
        page = ben.connect().await;
        tokio::time::sleep(Duration::from_millis(100)).await;
        world.settled().await;
        let _ = by_ana.drain().await;
        let frames = std::mem::take(&mut by_ana.presence);
        assert_ne!(latest(&frames, &ben), Some(false), "{frames:?}");
    }
    drop(page);
    goes(&mut by_ana, &ben).await;
    let _page = ben.connect().await;
    world.settled().await;
    assert_eq!(told(&mut by_ana).await, [(ben.id.clone(), true)], "and there again");
}

#[tokio::test(flavor = "multi_thread")]
async fn typing_is_broadcast_at_most_every_three_seconds() {
    let world = TestStack::start().await;
    let (ana, ben, cleo) = (world.login("ana").await, world.login("ben").await, world.login("cleo").await);
    let (conversation, other) = (world.direct(&ana, &ben).await, world.direct(&ana, &cleo).await);
    let (mut typist, mut own, mut at_ben, mut with_cleo) = (ana.connect().await, ana.connect().await, ben.connect().await, cleo.connect().await);
    // All frames are sent at once, so that they are within three seconds even on a busy machine.
    let mut types = async |conversations: &[&str]| {
        for conversation in conversations {
            typist.send(&json!({"action": "typing", "ref": "t", "conversationId": conversation})).await;
        }
        for _ in conversations {
            assert_eq!(typist.next().await.unwrap()["action"], json!("ack"), "also where it is not passed on");
        }
        world.settled().await;
    };
    // Typing on another device is typing of the same person.
    own.send(&json!({"action": "typing", "ref": "t", "conversationId": conversation})).await;
    types(&[&conversation, &conversation, &other]).await;
    own.expect("ack").await;
    world.settled().await;
    let first = at_ben.drain().await;
    let frame = |at: &Value| json!({"action": "typing", "conversationId": conversation, "userId": ana.id, "at": at});
    assert_eq!(first, [frame(&first[0]["at"])]);
    assert!(text(&first[0]["at"]).parse::<shared_utils::clock::Timestamp>().is_ok());
    assert_eq!(with_cleo.drain().await.len(), 1, "each conversation has its own time");
    tokio::time::sleep(Duration::from_millis(3_100)).await;
    types(&[&conversation]).await;
    let second = at_ben.drain().await;
    assert_eq!(second, [frame(&second[0]["at"])]);
    assert!(text(&second[0]["at"]) > text(&first[0]["at"]));
    assert_eq!(own.drain().await, Vec::<Value>::new(), "not to the typist's other tabs");
}

#[tokio::test(flavor = "multi_thread")]
async fn ephemeral_frames_are_not_sent_to_more_than_fifty_others() {
    let world = TestStack::start_peopled(51).await;
    let (ana, ben) = (world.login("ana").await, world.login("ben").await);
    let (mut team, mut query) = (Vec::new(), String::new());
    while team.len() < 51 {
        let page = ana.get(&format!("/auth/users?q=user{query}")).await.expect(200);
        team.extend(page["items"].as_array().unwrap().iter().map(|person| person["userId"].clone()));
        query = format!("&cursor={}", page["nextCursor"].as_str().unwrap_or_default());
    }
    let (mut by_ana, mut by_ben) = (ana.connect().await, ben.connect().await);
    // With Ana and Ben, a team of fifty-one people, then one of fifty-three.
    for (others, is_sent) in [(&team[..49], true), (&team[..51], false)] {
        let members: Vec<Value> = others.iter().chain([&json!(ben.id)]).map(|id| json!({"userId": id, "role": "viewer"})).collect();
        let project = text(&ana.post("/projects", json!({"title": "Crowd", "team": members})).await.expect(201)["projectId"]);
        let opened = ana.post("/messages/conversations", json!({"type": "project", "projectId": project})).await.expect(200);
        let typing = json!({"action": "typing", "ref": "t", "conversationId": opened["conversationId"]});
        world.settled().await;
        let _ = (by_ben.drain().await, told(&mut by_ben).await);
        assert_eq!(by_ana.ask(typing).await.0["action"], json!("ack"));
        world.settled().await;
        let frames = by_ben.drain().await;
        assert_eq!(frames.iter().any(|frame| frame["action"] == "typing"), is_sent, "{frames:?}");
        let ended = || world.stack().records.events().iter().filter(|event| event.label == "$disconnect").count();
        let before = ended();
        drop(by_ana);
        while ended() == before {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        by_ana = ana.connect().await;
        world.settled().await;
        let expected = if is_sent { vec![(ana.id.clone(), false), (ana.id.clone(), true)] } else { Vec::new() };
        assert_eq!(told(&mut by_ben).await, expected);
    }
    assert_eq!(online(&mut by_ben).await, sorted(&[&ana, &ben]), "every snapshot has it");
}
