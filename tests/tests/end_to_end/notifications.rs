//! Notifications of the running system: for people who were away, for people with a socket, and what they cost.

use std::collections::BTreeMap;

use end_to_end::{Person, Socket, TestStack, text};
use local_stack::records::CallRecord;
use reqwest::Method;
use serde_json::{Value, json};

const LIST: &str = "/messages/notifications";

/// A person's notifications, and how many are unread. What follows the responses is done.
async fn listed(world: &TestStack, person: &Person) -> (Vec<Value>, u64) {
    world.settled().await;
    let page = person.get(LIST).await.expect(200);
    (page["items"].as_array().unwrap().clone(), page["unread"].as_u64().unwrap())
}

/// The `notification` frames that a socket got.
async fn told(world: &TestStack, socket: &mut Socket) -> Vec<Value> {
    world.settled().await;
    socket.drain().await;
    std::mem::take(&mut socket.notifications)
}

/// A group of `owner` and these people. Its notifications are read.
async fn group(world: &TestStack, owner: &Person, others: &[&Person]) -> String {
    let ids: Vec<&str> = others.iter().map(|person| person.id.as_str()).collect();
    let group = owner.post("/messages/conversations", json!({"type": "group", "title": "G", "participants": ids})).await.expect(201);
    for person in others {
        let (items, _) = listed(world, person).await;
        let ids: Vec<&Value> = items.iter().map(|item| &item["notificationId"]).collect();
        assert_eq!(person.put(&format!("{LIST}/read"), json!({"notificationIds": ids})).await.status, 204);
    }
    text(&group["conversationId"])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mention_is_noted_for_people_who_are_away_and_told_by_sync() {
    let world = TestStack::start().await;
    let (ana, ben, cleo) = (world.login("ana").await, world.login("ben").await, world.login("cleo").await);
    let group = group(&world, &ana, &[&ben, &cleo]).await;
    let cursor = text(&ben.get("/messages/sync").await.expect(200)["cursor"]);
    let mut online = cleo.connect().await;
    world.settled().await;
    let path = format!("/messages/conversations/{group}/messages");
    let sent = ana.post(&path, json!({"text": "a secret", "mentions": [ben.id, cleo.id, ana.id]})).await.expect(201);
    let (items, unread) = listed(&world, &ben).await;
    let noted = items.iter().find(|item| item["type"] == "mention").unwrap();
    assert_eq!((unread, &noted["messageId"], &noted["seq"], &noted["actorId"]), (1, &sent["messageId"], &json!(1), &json!(ana.id)));
    assert!(!json!(items).to_string().contains("secret"), "ids only");
    // Ben was away: one call tells the message and the notification.
    let page = ben.get(&format!("/messages/sync?since={cursor}")).await.expect(200);
    assert_eq!((&page["notifications"], &page["changes"][0]["message"]), (&json!({"unread": 1, "latest": noted}), &sent));
    // Cleo's socket has the message, and Ana wrote it.
    assert_eq!((told(&world, &mut online).await, listed(&world, &cleo).await.1, listed(&world, &ana).await.0), (vec![], 0, vec![]));
    assert!(listed(&world, &cleo).await.0.iter().all(|item| item["type"] != "mention"));
    // Once away, she is told as well.
    drop(online);
    ana.post(&path, json!({"text": "b", "mentions": [cleo.id]})).await.expect(201);
    // The gateway may not have noticed the close before the message. Then nobody was away.
    while listed(&world, &cleo).await.1 == 0 {
        ana.post(&path, json!({"text": "c", "mentions": [cleo.id]})).await;
    }
    let read = json!({"upTo": noted["notificationId"]});
    for _ in 0..2 {
        assert_eq!(ben.put(&format!("{LIST}/read"), read.clone()).await.status, 204);
        let page = ben.get(&format!("/messages/sync?since={cursor}")).await.expect(200);
        assert_eq!(page["notifications"], json!({"unread": 0, "latest": null}));
    }
    assert!(listed(&world, &cleo).await.1 > 0, "nobody else's are marked");
}

/// HTTP and the socket write the same message and the same notification.
#[tokio::test(flavor = "multi_thread")]
async fn mentions_over_http_and_socket_are_alike() {
    let world = TestStack::start().await;
    let (ana, ben, dana) = (world.login("ana").await, world.login("ben").await, world.login("dana").await);
    let group = group(&world, &ana, &[&ben]).await;
    let mut socket = ana.connect().await;
    let path = format!("/messages/conversations/{group}/messages");
    let over_http = ana.post(&path, json!({"text": "x", "mentions": [ben.id], "optimisticId": "1"})).await.expect(201);
    let frame = |mentions: Value, id: &str| json!({"action": "sendMessage", "ref": id, "conversationId": group, "text": "x", "mentions": mentions, "optimisticId": id});
    let (reply, _) = socket.ask(frame(json!([ben.id]), "2")).await;
    let (items, _) = listed(&world, &ben).await;
    let mentions: Vec<&Value> = items.iter().filter(|item| item["type"] == "mention").collect();
    assert_eq!(mentions.len(), 2);
    for message in [&over_http, &reply["message"]] {
        assert_eq!(message["mentions"], json!([ben.id]));
        let noted = mentions.iter().find(|item| item["messageId"] == message["messageId"]).unwrap();
        let expected = json!({
            "notificationId": noted["notificationId"], "type": "mention", "dedupeId": message["messageId"], "conversationId": group,
            "messageId": message["messageId"], "seq": message["seq"], "projectId": null, "fileId": null, "actorId": ana.id,
            "createdAt": message["timestamp"], "readAt": null,
        });
        assert_eq!(**noted, expected);
    }
    // A stranger is refused at the same place, and an edit takes no mentions.
    let refused = ana.post(&path, json!({"text": "x", "mentions": [ben.id, dana.id]})).await.expect_error(422, "validation_failed");
    let (reply, _) = socket.ask(frame(json!([ben.id, dana.id]), "3")).await;
    assert_eq!((&reply["code"], &reply["errors"]), (&refused["code"], &refused["errors"]));
    let message = text(&over_http["messageId"]);
    let refused = ana.patch(&format!("/messages/{message}"), json!({"text": "y", "mentions": [ben.id]})).await.expect_error(422, "validation_failed");
    let (reply, _) = socket.ask(json!({"action": "editMessage", "ref": "4", "messageId": message, "text": "y", "mentions": [ben.id]})).await;
    assert_eq!((&reply["code"], &reply["errors"]), (&refused["code"], &refused["errors"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn additions_and_shared_budgets_reach_the_sockets() {
    let world = TestStack::start().await;
    let (ana, ben, cleo) = (world.login("ana").await, world.login("ben").await, world.login("cleo").await);
    let (mut bens, mut cleos) = (ben.connect().await, cleo.connect().await);
    world.settled().await;
    let project = world.project(&ana, "Atrium", &[(&ben, "editor"), (&cleo, "viewer")]).await;
    ana.patch(&format!("/projects/{project}/budget"), json!({"lines": [{"itemBudgetedCost": 1}], "clientRevision": 1})).await.expect(200);
    world.direct(&ana, &ben).await;
    let frames = told(&world, &mut bens).await;
    let types: Vec<&Value> = frames.iter().map(|frame| &frame["notification"]["type"]).collect();
    assert_eq!(types, ["projectAdded", "budgetShared", "conversationAdded"]);
    assert_eq!(frames.iter().map(|frame| &frame["unread"]).collect::<Vec<_>>(), [1, 2, 3]);
    let by_id = |items: Vec<Value>| items.into_iter().map(|item| (text(&item["notificationId"]), item)).collect::<BTreeMap<_, _>>();
    let of_frames = by_id(frames.iter().map(|frame| frame["notification"].clone()).collect());
    assert_eq!(of_frames, by_id(listed(&world, &ben).await.0), "a frame has the whole item");
    let frames = told(&world, &mut cleos).await;
    assert_eq!((frames.len(), &frames[0]["notification"]["projectId"]), (1, &json!(project)), "a viewer sees no budget");
    // A person who was removed and is added again has one entry, unread again. It has ids only, so it stays after a removal.
    assert_eq!(cleo.put(&format!("{LIST}/read"), json!({"upTo": frames[0]["notification"]["notificationId"]})).await.status, 204);
    let member = format!("/projects/{project}/team/{}", cleo.id);
    assert_eq!(ana.request(Method::DELETE, &member, &[], None).await.status, 204);
    let (items, unread) = listed(&world, &cleo).await;
    assert_eq!((items.len(), unread), (1, 0));
    ana.put(&member, json!({"role": "viewer"})).await.expect(200);
    let (items, unread) = listed(&world, &cleo).await;
    assert_eq!((items.len(), unread, &items[0]["readAt"]), (1, 1, &Value::Null));
    assert_eq!(told(&world, &mut cleos).await[0]["unread"], json!(1));
}

/// The writes of notifications in these calls, with the number of people.
fn writes(calls: &[CallRecord]) -> usize {
    let is_write = |call: &&CallRecord| !["Query", "BatchGetItem", "GetItem"].contains(&call.action.as_str());
    let keys = calls.iter().filter(is_write).flat_map(|call| &call.accesses).flat_map(|access| &access.keys);
    keys.filter(|key| key.starts_with("NOTIFICATIONS#")).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notification_is_one_write_after_the_response() {
    let world = TestStack::start().await;
    let (ana, ben, cleo) = (world.login("ana").await, world.login("ben").await, world.login("cleo").await);
    let group = group(&world, &ana, &[&ben, &cleo]).await;
    let online = cleo.connect().await;
    world.settled().await;
    let before = world.stack().records.events().len();
    let path = format!("/messages/conversations/{group}/messages");
    ana.post(&path, json!({"text": "nobody"})).await.expect(201);
    ana.post(&path, json!({"text": "both", "mentions": [ben.id, cleo.id, ana.id]})).await.expect(201);
    ana.post(&path, json!({"text": "online", "mentions": [cleo.id]})).await.expect(201);
    world.project(&ana, "Atrium", &[(&ben, "editor"), (&cleo, "viewer")]).await;
    world.settled().await;
    let events = world.stack().records.events().split_off(before);
    let counts: Vec<(usize, usize)> = events
        .iter()
        .filter(|event| event.label.starts_with("POST /messages") || event.label == "POST /projects")
        .map(|event| (writes(&event.calls), writes(&event.calls_after)))
        .collect();
    assert_eq!(counts, [(0, 0), (0, 1), (0, 0), (0, 2)]);
    drop(online);
}
