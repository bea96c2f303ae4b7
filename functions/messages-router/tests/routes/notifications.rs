//! Notifications: when one is written, pages, marking as read.

use std::time::Duration;

use crate::delivery::{Posts, open, studio_with_posts};
use crate::*;

const LIST: &str = "/messages/notifications";

/// Runs what follows the responses.
async fn settled(studio: &Studio) {
    studio.app.background_tasks().run(Duration::from_secs(5)).await;
}

async fn listed(person: &Person<'_>) -> Value {
    settled(person.studio).await;
    person.get(LIST).await.expect(200)
}

async fn mark(person: &Person<'_>, body: Value) {
    assert_eq!(person.send(Method::PUT, &format!("{LIST}/read"), body).await.status, 204);
}

fn items(page: &Value) -> &[Value] {
    page["items"].as_array().unwrap()
}

/// The `dedupeId`s of a page.
fn events(page: &Value) -> Vec<&str> {
    items(page).iter().map(|item| item["dedupeId"].as_str().unwrap()).collect()
}

/// Posted `notification` frames, and to which connection.
fn frames(posts: &Posts) -> Vec<(String, Value)> {
    let posts = posts.lock().unwrap();
    posts.iter().filter(|(_, frame)| frame["action"] == "notification").cloned().collect()
}

/// The same person ten minutes and more later, with a token for that time.
async fn later<'a>(person: &Person<'a>) -> Person<'a> {
    Person { studio: person.studio, id: person.id, token: person.studio.harness.token(person.id, Role::User).await }
}

async fn mention(person: &Person<'_>, conversation: &str, mentioned: &[&Person<'_>]) -> Value {
    person.studio.harness.clock.advance_seconds(1);
    let ids: Vec<UserId> = mentioned.iter().map(|person| person.id).collect();
    person.post(&messages_of(conversation), json!({"text": "a secret", "mentions": ids})).await.expect(201)
}

#[tokio::test]
async fn a_mention_is_noted_for_people_whom_no_socket_reached() {
    let (studio, posts) = studio_with_posts().await;
    let (ana, ben, cleo, dana) = (studio.person("ana").await, studio.person("ben").await, studio.person("cleo").await, studio.person("dana").await);
    let group = new_group(&ana, "G", &[&ben, &cleo, &dana]).await;
    settled(&studio).await;
    // Ben is online, of Cleo there is only a socket that is gone, Dana is away.
    open(&ben, "ben").await;
    open(&cleo, "gone-cleo").await;
    studio.harness.clock.advance_seconds(31);
    let sent = mention(&ana, &group, &[&ana, &ben, &cleo, &dana]).await;
    assert_eq!(events(&listed(&ben).await), [format!("conversation#{group}")], "the frame has the message");
    assert_eq!(listed(&ana).await["items"], json!([]), "nobody notifies themselves");
    for person in [&cleo, &dana] {
        let page = listed(person).await;
        let item = &items(&page)[0];
        let expected = json!({
            "notificationId": item["notificationId"], "type": "mention", "dedupeId": sent["messageId"], "conversationId": group,
            "messageId": sent["messageId"], "seq": 1, "projectId": null, "fileId": null, "actorId": ana.id, "createdAt": sent["timestamp"],
            "readAt": null,
        });
        assert_eq!((item, &page["unread"], items(&page).len()), (&expected, &json!(2), 2));
    }
    assert_eq!(frames(&posts), [], "Ben's frame has the message already, the others have no socket");
    let sync = dana.get("/messages/sync").await.expect(200);
    assert_eq!(sync["notifications"]["unread"], json!(2));
    assert_eq!(sync["notifications"]["latest"]["messageId"], sent["messageId"]);
    let since = format!("/messages/sync?since={}", sync["cursor"].as_str().unwrap());
    assert_eq!(dana.get(&since).await.expect(200)["notifications"], sync["notifications"]);
    assert_eq!(ana.get("/messages/sync").await.expect(200)["notifications"], json!({"unread": 0, "latest": null}));
}

#[tokio::test]
async fn a_replayed_or_edited_message_is_not_noted_again() {
    let studio = studio().await;
    let (ana, ben) = (studio.person("ana").await, studio.person("ben").await);
    let path = messages_of(&direct(&ana, &ben).await);
    let body = json!({"text": "@ben", "mentions": [ben.id], "optimisticId": "m"});
    let sent = ana.post(&path, body.clone()).await.expect(201);
    assert_eq!(listed(&ben).await["unread"], json!(2));
    mark(&ben, json!({"upTo": listed(&ben).await["items"][0]["notificationId"]})).await;
    ana.post(&path, body).await.expect(200);
    let message = format!("/messages/{}", sent["messageId"].as_str().unwrap());
    ana.patch(&message, json!({"text": "edited"})).await.expect(200);
    ana.delete(&message).await;
    let page = listed(&ben).await;
    assert_eq!((items(&page).len(), &page["unread"]), (2, &json!(0)), "a deletion takes nothing away");
}

#[tokio::test]
async fn an_addition_is_noted_and_told_once_for_each_conversation() {
    let (studio, posts) = studio_with_posts().await;
    let (ana, ben) = (studio.person("ana").await, studio.person("ben").await);
    open(&ben, "ben").await;
    let group = new_group(&ana, "G", &[&ben]).await;
    settled(&studio).await;
    let told = frames(&posts);
    let [(to, frame)] = told.as_slice() else { panic!("{told:?}") };
    assert_eq!((to.as_str(), &frame["unread"], &frame["notification"]["type"]), ("ben", &json!(1), &json!("conversationAdded")));
    assert_eq!(listed(&ben).await["items"], json!([frame["notification"]]));
    studio.harness.clock.advance_seconds(1);
    let pair = direct(&ana, &ben).await;
    direct(&ana, &ben).await;
    mark(&ben, json!({"upTo": listed(&ben).await["items"][0]["notificationId"]})).await;
    assert_eq!(events(&listed(&ben).await), [format!("conversation#{pair}"), format!("conversation#{group}")]);
    // Added again: the same entry moves to the front, and is unread.
    studio.harness.clock.advance_seconds(1);
    let participant = format!("/messages/conversations/{group}/participants/{}", ben.id);
    assert_eq!(ana.delete(&participant).await.status, 204);
    assert_eq!(ana.put(&participant).await.status, 204);
    assert_eq!(ana.put(&participant).await.status, 204);
    let page = listed(&ben).await;
    assert_eq!(events(&page), [format!("conversation#{group}"), format!("conversation#{pair}")]);
    assert_eq!((&page["unread"], &page["items"][0]["readAt"], page["items"][1]["readAt"].is_string()), (&json!(1), &Value::Null, true));
    assert_eq!(listed(&ana).await["items"], json!([]));
    assert_eq!(frames(&posts).len(), 3);
}

#[tokio::test]
async fn pages_neither_skip_nor_repeat_while_more_arrives() {
    let studio = studio().await;
    let (ana, ben) = (studio.person("ana").await, studio.person("ben").await);
    let mut groups = Vec::new();
    for n in 0..5 {
        studio.harness.clock.advance_seconds(1);
        groups.push(new_group(&ana, &n.to_string(), &[&ben]).await);
        mention(&ana, &groups[n], &[&ben]).await;
    }
    let whole = listed(&ben).await;
    assert_eq!((items(&whole).len(), &whole["unread"], &whole["nextCursor"]), (10, &json!(10), &Value::Null));
    mark(&ben, json!({"notificationIds": [items(&whole)[1]["notificationId"], items(&whole)[4]["notificationId"]]})).await;
    for (filter, expected) in [("", 10), ("&unread=true", 8), ("&unread=false", 10)] {
        let expected: Vec<String> = events(&whole)
            .iter()
            .enumerate()
            .filter(|(index, _)| expected == 10 || ![1, 4].contains(index))
            .map(|(_, event)| (*event).to_owned())
            .collect();
        let (mut seen, mut query) = (Vec::new(), String::new());
        loop {
            let page = ben.get(&format!("{LIST}?limit=3{filter}{query}")).await.expect(200);
            seen.extend(events(&page).into_iter().map(str::to_owned));
            // What arrives now is on no later page.
            mention(&ana, &groups[0], &[&ben]).await;
            settled(&studio).await;
            let Some(cursor) = page["nextCursor"].as_str() else { break };
            query = format!("&cursor={cursor}");
            ana.get(&format!("{LIST}?limit=3{filter}{query}")).await.expect_error(400, "invalid_cursor");
            let other = if filter == "&unread=true" { "" } else { "&unread=true" };
            ben.get(&format!("{LIST}?limit=3{other}{query}")).await.expect_error(400, "invalid_cursor");
        }
        // Those that arrived during earlier rounds come first.
        seen.retain(|event| expected.contains(event));
        assert_eq!(seen, expected, "{filter}");
    }
    for query in ["unread=1", "unread=true&unread=true", "limit=0", "cursor=x", "since=x"] {
        assert_eq!(ben.get(&format!("{LIST}?{query}")).await.status, 400, "{query}");
    }
}

#[tokio::test]
async fn marking_is_idempotent_and_ones_own() {
    let studio = studio().await;
    let (ana, ben, cleo) = (studio.person("ana").await, studio.person("ben").await, studio.person("cleo").await);
    let group = new_group(&ana, "G", &[&ben, &cleo]).await;
    for _ in 0..3 {
        mention(&ana, &group, &[&ben, &cleo]).await;
    }
    let before = listed(&ben).await;
    let id = |index: usize| items(&before)[index]["notificationId"].clone();
    // Someone without notifications, unknown ids, and no ids.
    mark(&ana, json!({"notificationIds": [id(0)]})).await;
    mark(&ana, json!({"upTo": id(0)})).await;
    mark(&ben, json!({"notificationIds": ["ntf_01ARZ3NDEKTSV4RRFFQ69G5FAV"]})).await;
    mark(&ben, json!({"notificationIds": []})).await;
    assert_eq!(listed(&ben).await, before);
    mark(&ben, json!({"upTo": id(1)})).await;
    let after = listed(&ben).await;
    let unread: Vec<bool> = items(&after).iter().map(|item| item["readAt"].is_null()).collect();
    assert_eq!((unread, &after["unread"]), (vec![true, false, false, false], &json!(1)));
    studio.harness.clock.advance_seconds(5);
    for body in [json!({"upTo": id(1)}), json!({"upTo": id(3)}), json!({"notificationIds": [id(1), id(1), id(3)]})] {
        mark(&ben, body).await;
        assert_eq!(listed(&ben).await, after, "a time of reading stays");
    }
    mark(&ben, json!({"notificationIds": [id(0), id(3)]})).await;
    assert_eq!(ben.get("/messages/sync").await.expect(200)["notifications"], json!({"unread": 0, "latest": null}));
    assert_eq!(listed(&cleo).await["unread"], json!(4), "nobody else's are marked");
    for (body, pointer) in [
        (json!({}), ""),
        (json!({"upTo": null}), ""),
        (json!({"upTo": id(0), "notificationIds": [id(0)]}), ""),
        (json!({"upTo": "ntf_1"}), "/upTo"),
        (json!({"notificationIds": [id(0), "x"]}), "/notificationIds/1"),
        (json!({"notificationIds": vec![id(0); 101]}), "/notificationIds"),
    ] {
        let refused = ben.send(Method::PUT, &format!("{LIST}/read"), body).await;
        assert_eq!((refused.status, refused.pointers()), (422, vec![pointer]));
    }
}

#[tokio::test]
async fn more_than_a_hundred_are_counted_as_a_hundred_and_marked_at_once() {
    let studio = studio().await;
    let (ana, ben) = (studio.person("ana").await, studio.person("ben").await);
    let group = new_group(&ana, "G", &[&ben]).await;
    for _ in 0..120 {
        mention(&ana, &group, &[&ben]).await;
    }
    let page = listed(&ben).await;
    assert_eq!((items(&page).len(), &page["unread"]), (50, &json!(100)));
    assert_eq!(ben.get("/messages/sync").await.expect(200)["notifications"], json!({"unread": 100, "latest": page["items"][0]}));
    mark(&ben, json!({"upTo": page["items"][5]["notificationId"]})).await;
    assert_eq!(listed(&ben).await["unread"], json!(5));
    assert_eq!(items(&ben.get(&format!("{LIST}?unread=true")).await.expect(200)).len(), 5);
}

#[tokio::test]
async fn notifications_are_kept_for_ninety_days() {
    let studio = studio().await;
    let (ana, ben) = (studio.person("ana").await, studio.person("ben").await);
    let group = new_group(&ana, "G", &[&ben]).await;
    mention(&ana, &group, &[&ben]).await;
    mention(&ana, &group, &[&ben]).await;
    mark(&ben, json!({"notificationIds": [listed(&ben).await["items"][0]["notificationId"]]})).await;
    studio.harness.clock.advance_seconds(90 * 86_400 - 5);
    let ben = later(&ben).await;
    assert_eq!(items(&listed(&ben).await).len(), 3);
    studio.harness.clock.advance_seconds(6);
    // The table deletes them later.
    assert_eq!(listed(&ben).await, json!({"items": [], "nextCursor": null, "unread": 0}));
    assert_eq!(ben.get("/messages/sync").await.expect(200)["notifications"], json!({"unread": 0, "latest": null}));
}

#[tokio::test]
async fn a_failed_write_changes_no_response() {
    let (studio, posts) = studio_with_posts().await;
    let (ana, ben) = (studio.person("ana").await, studio.person("ben").await);
    let group = new_group(&ana, "G", &[&ben]).await;
    settled(&studio).await;
    studio.harness.faults.add(InjectedFault { action: Some("PutItem".to_owned()), effect: Effect::Throttle, skip: 0, times: usize::MAX });
    mention(&ana, &group, &[&ben]).await;
    direct(&ana, &ben).await;
    assert_eq!(items(&listed(&ben).await).len(), 1);
    assert_eq!(frames(&posts), []);
    studio.harness.faults.clear();
    mention(&ana, &group, &[&ben]).await;
    assert_eq!(items(&listed(&ben).await).len(), 2);
}
