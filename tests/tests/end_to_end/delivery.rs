//! Delivery: everyone concerned gets a frame, once per connection, even if some connections fail.

use std::time::Duration;

use end_to_end::{Person, Socket, TestStack, is_success, text};
use futures_util::future::join_all;
use local_stack::faults::{Effect, InjectedFault};
use reqwest::Method;
use serde_json::{Value, json};
use test_harness::size;

/// The number of people in the conversation.
fn people_count() -> usize {
    size(100, 50)
}

/// The number of sockets per person.
const SOCKETS: usize = 3;

async fn fill(world: &TestStack) -> (Person, String, Vec<Socket>) {
    let owner = world.login("ana").await;
    let mut people = Vec::new();
    for chunk in (1..people_count()).collect::<Vec<_>>().chunks(8) {
        people.extend(join_all(chunk.iter().map(|n| async move { world.login(&format!("user{n:03}")).await })).await);
    }
    let named: Vec<(&Person, &str)> = people.iter().take(90).map(|person| (person, "viewer")).collect();
    let project = world.project(&owner, "Atrium", &named).await;
    for person in people.iter().skip(90) {
        owner.put(&format!("/projects/{project}/team/{}", person.id), json!({"role": "viewer"})).await.expect(200);
    }
    let opened = owner.post("/messages/conversations", json!({"type": "project", "projectId": project})).await.expect(200);
    assert_eq!(opened["participants"].as_array().unwrap().len(), people_count());
    people.push(owner.clone());
    let mut sockets = Vec::new();
    for person in &people {
        for _ in 0..SOCKETS {
            sockets.push(person.connect().await);
        }
    }
    world.settled().await;
    (owner, text(&opened["conversationId"]), sockets)
}

/// The frames that each of these sockets got since the last call.
async fn told(sockets: &mut [Socket]) -> Vec<Vec<Value>> {
    join_all(sockets.iter_mut().map(Socket::drain)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn every_socket_gets_each_message_once() {
    let world = TestStack::start_peopled(people_count()).await;
    let (owner, conversation, mut sockets) = fill(&world).await;
    told(&mut sockets).await;
    let path = format!("/messages/conversations/{conversation}/messages");
    let faults = &world.stack().faults;
    // Every call is delayed, so that concurrent calls overlap even on a busy machine.
    faults.add(InjectedFault { action: None, effect: Effect::Delay(Duration::from_millis(300)), skip: 0, times: usize::MAX });
    let before = world.stack().records.events().len();
    owner.post(&path, json!({"text": "to all"})).await.expect(201);
    world.settled().await;
    faults.clear();
    let event = world.stack().records.events().split_off(before).into_iter().find(|event| event.label.starts_with("POST")).unwrap();
    assert!(local_stack::records::round_trips(&event.calls) <= 2, "acknowledged within two round trips");
    let looked_up = event.calls_after.iter().filter(|call| call.action == "BatchGetItem").count();
    assert!(looked_up <= 2, "found within two calls: {looked_up}");
    let posts = event.calls_after.iter().filter(|call| call.action == "PostToConnection").count();
    assert_eq!(posts, people_count() * SOCKETS);
    for frames in told(&mut sockets).await {
        assert_eq!((frames.len(), &frames[0]["text"]), (1, &json!("to all")), "{frames:?}");
    }
    // Some connections are dead, some are throttled, and some fail. All others get the frame, and none gets it twice.
    let fault = |effect, times| InjectedFault { action: Some("PostToConnection".to_owned()), effect, skip: 10, times };
    for (effect, times, lost) in [(Effect::Gone, 7, 7), (Effect::ServerError, 5, 5), (Effect::Throttle, 20, 0), (Effect::DropResponse, 9, 0)] {
        faults.add(fault(effect, times));
        owner.post(&path, json!({"text": format!("{effect:?}")})).await.expect(201);
        world.settled().await;
        faults.clear();
        let told = join_all(sockets.iter_mut().map(Socket::try_drain)).await;
        assert!(told.iter().flatten().all(|frames| frames.len() <= 1), "nobody twice: {effect:?}");
        let missed = told.iter().filter(|frames| frames.as_ref().is_ok_and(Vec::is_empty)).count();
        let closed = told.iter().filter(|frames| frames.is_err()).count();
        if effect == Effect::Gone {
            // A connection that was opened just now is tried once more, and the second post may succeed. An older connection counts as gone, and is
            // notified when it sends a frame.
            assert!(missed + closed <= lost, "{missed} were not told and {closed} are closed");
        } else {
            assert_eq!((missed, closed), (lost, 0), "{effect:?}");
        }
        let mut open = told.iter().map(Result::is_ok);
        sockets.retain(|_| open.next().unwrap());
    }
}

/// One slow connection delays only itself.
#[tokio::test(flavor = "multi_thread")]
async fn a_slow_connection_does_not_delay_others() {
    let world = TestStack::start_peopled(12).await;
    let (ana, ben) = (world.login("ana").await, world.login("ben").await);
    let path = format!("/messages/conversations/{}/messages", world.direct(&ana, &ben).await);
    let (mut slow, mut quick) = (ben.connect().await, ben.connect().await);
    world.settled().await;
    let fault =
        |skip| InjectedFault { action: Some("PostToConnection".to_owned()), effect: Effect::Delay(Duration::from_millis(1_500)), skip, times: 1 };
    // The fault affects the connection that gets the first post.
    world.stack().faults.add(fault(0));
    ana.post(&path, json!({"text": "one"})).await.expect(201);
    let first = tokio::select! {
        frame = slow.next() => frame,
        frame = quick.next() => frame,
    };
    assert_eq!(first.unwrap()["text"], json!("one"));
    assert!(
        !world.stack().records.events().iter().any(|event| event.label.starts_with("POST /messages")
            && !event.calls_after.is_empty()
            && event.calls_after.iter().filter(|call| call.action == "PostToConnection").count() == 2),
        "the other is not even done"
    );
    world.settled().await;
    let frames = slow.drain().await.len() + quick.drain().await.len();
    assert_eq!(frames, 1, "and comes in the end, once");
}

/// The team at the time of the write decides who may write and who gets the frame.
#[tokio::test(flavor = "multi_thread")]
async fn people_removed_during_a_write_get_no_frame() {
    let world = TestStack::start().await;
    let (ana, ben) = (world.login("ana").await, world.login("ben").await);
    let project = world.project(&ana, "Atrium", &[(&ben, "editor")]).await;
    let member = format!("/projects/{project}/team/{}", ben.id);
    let opened = ana.post("/messages/conversations", json!({"type": "project", "projectId": project})).await.expect(200);
    let messages = format!("/messages/conversations/{}/messages", text(&opened["conversationId"]));
    let sent = ana.post(&messages, json!({"text": "before"})).await.expect(201);
    let message = format!("/messages/{}", text(&sent["messageId"]));
    let (mut at_ana, mut at_ben) = (ana.connect().await, ben.connect().await);
    for (method, path, body, action) in [
        (Method::POST, messages, json!({"text": "after"}), "newMessage"),
        (Method::PATCH, message, json!({"text": "edited"}), "editMessage"),
        (Method::PATCH, format!("/projects/{project}/budget"), json!({"lines": [{"itemBudgetedCost": 1}]}), "budgetUpdated"),
    ] {
        ana.put(&member, json!({"role": "editor"})).await.expect(200);
        world.settled().await;
        at_ana.drain().await;
        at_ben.drain().await;
        let faults = &world.stack().faults;
        let late = Effect::Delay(Duration::from_millis(1_500));
        faults.add(InjectedFault { action: Some("TransactWriteItems".to_owned()), effect: late, skip: 0, times: 1 });
        let writer = ana.clone();
        let write = tokio::spawn(async move { writer.send(method, &path, &[], &body).await });
        while faults.waiting() > 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert_eq!(ana.delete(&member).await.status, 204);
        let answer = write.await.unwrap();
        assert!(is_success(answer.status), "{}", answer.body);
        world.settled().await;
        let actions = |frames: Vec<Value>| frames.iter().map(|frame| text(&frame["action"])).collect::<Vec<_>>();
        assert!(actions(at_ana.drain().await).contains(&action.to_owned()));
        assert!(!actions(at_ben.drain().await).contains(&action.to_owned()), "{action}");
    }
}

/// The newest messages come first, however long the history is. The server does not use a client's values for sender and time.
#[tokio::test(flavor = "multi_thread")]
async fn long_histories_list_the_newest_messages_first() {
    let world = TestStack::start().await;
    let (ana, ben) = (world.login("ana").await, world.login("ben").await);
    let path = format!("/messages/conversations/{}/messages", world.direct(&ana, &ben).await);
    for n in 0..120 {
        ana.post(&path, json!({"text": n.to_string()})).await.expect(201);
    }
    let page = ben.get(&path).await.expect(200);
    let seqs: Vec<u64> = page["items"].as_array().unwrap().iter().map(|message| message["seq"].as_u64().unwrap()).collect();
    assert_eq!(seqs, (71..=120).rev().collect::<Vec<_>>());
    for forged in
        [json!({"text": "x", "senderId": ben.id}), json!({"text": "x", "timestamp": "2020-01-01T00:00:00.000Z"}), json!({"text": "x", "seq": 1})]
    {
        ana.post(&path, forged).await.expect_error(422, "validation_failed");
    }
    // Over the socket, today's client sends these fields, and the server does not use them.
    let mut socket = ana.connect().await;
    let forged = json!({
        "action": "sendMessage", "ref": "f", "conversationId": page["items"][0]["conversationId"], "text": "mine", "optimisticId": "f",
        "senderId": ben.id, "userId": ben.id, "username": "Ben", "timestamp": "2020-01-01T00:00:00.000Z",
    });
    let (ack, _) = socket.ask(forged).await;
    assert_eq!(ack["message"]["senderId"], json!(ana.id));
    assert!(ack["message"]["timestamp"].as_str().unwrap() > "2026");
}
