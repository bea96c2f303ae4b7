//! The cost of the routes of files, and the permissions on objects.

use super::*;

use end_to_end::upload::{declaration, upload};

/// The maximum number of round trips before the response, on the warm path. HEAD of S3 and reads of tags count.
const BUDGET: &[(&str, usize)] = &[
    ("POST /projects/{id}/files", 2),
    ("POST /projects/{id}/files/{id}/complete", 3),
    ("GET /projects/{id}/files", 2),
    ("GET /projects/{id}/files/{id}", 2),
    ("DELETE /projects/{id}/files/{id}", 2),
    ("POST /messages/conversations/{id}/files", 2),
    ("POST /messages/conversations/{id}/files/{id}/complete", 3),
    ("GET /messages/conversations/{id}/files", 2),
    ("GET /messages/conversations/{id}/files/{id}", 2),
    ("DELETE /messages/conversations/{id}/files/{id}", 2),
    // The file is read before the message that it goes with is written.
    ("POST /messages/conversations/{id}/messages", 3),
    ("DELETE /messages/{id}", 3),
    ("POST /auth/me/thumbnail", 2),
    ("POST /auth/me/thumbnail/{id}/complete", 3),
    ("GET /auth/users/{id}/thumbnail", 3),
    ("DELETE /auth/me/thumbnail", 3),
];

/// Routes that the other test of costs measures.
const OTHERS: [&str; 5] = ["DELETE /projects/{id}", "POST /projects", "POST /messages/conversations", "PUT /projects/{id}/team/{id}", "$connect"];

#[tokio::test(flavor = "multi_thread")]
async fn no_route_of_files_exceeds_its_call_budget() {
    let world = world_with_files().await;
    let before = delayed_and_warm(&world, &world.login("ana").await).await;
    let (mut ends, mut measured) = (Vec::new(), BTreeMap::new());
    for _ in 0..ROUNDS {
        routes_of_files(&world).await;
        world.settled().await;
        let day = world.stack().records.events().split_off(before);
        ends.push(day.len());
        measured = costs(&world, day, &ends, |_, label| route(label));
        measured.retain(|route, _| !OTHERS.contains(&route.as_str()) && route.contains('/'));
        measured.retain(|route, _| !route.starts_with("POST /auth/log"));
        if problems(&measured, BUDGET).is_empty() {
            break;
        }
    }
    hold_to_budget(&measured, BUDGET);
}

/// A world in which downloads wait for a malware scan, so that tags are read.
pub(super) async fn world_with_files() -> TestStack {
    let mut options = Options::for_tests();
    options.passed.insert("MALWARE_SCAN".to_owned(), "on".to_owned());
    TestStack::start_with(options).await
}

/// Calls every route of files once.
pub(super) async fn routes_of_files(world: &TestStack) {
    let (ana, ben) = (world.login("ana").await, world.login("ben").await);
    // Somebody who is online is told with the count of unread notifications.
    let _bens = ben.connect().await;
    let project = world.project(&ana, "Files", &[(&ben, "editor")]).await;
    let conversation = world.direct(&ana, &ben).await;
    let (of_project, of_conversation) = (format!("/projects/{project}/files"), format!("/messages/conversations/{conversation}/files"));
    for path in [&of_project, &of_conversation] {
        let file = text(&upload(&ana, path, "a.png", "image/png", b"one").await["fileId"]);
        clean(world);
        ana.get(path).await.expect(200);
        ana.get(&format!("{path}/{file}")).await.expect(200);
        let url = text(&ana.get(&format!("{path}/{file}")).await.expect(200)["url"]);
        assert_eq!(reqwest::get(url).await.unwrap().text().await.unwrap(), "one");
        ana.delete(&format!("{path}/{file}")).await;
    }
    let file = upload(&ana, &of_conversation, "b.png", "image/png", b"two").await["fileId"].clone();
    let messages = format!("/messages/conversations/{conversation}/messages");
    let sent = ana.post(&messages, json!({"attachments": [{"fileId": file}]})).await.expect(201);
    ana.delete(&format!("/messages/{}", text(&sent["messageId"]))).await;
    for content in [b"three", b"four "] {
        upload(&ana, "/auth/me/thumbnail", "me.png", "image/png", content).await;
    }
    clean(world);
    let picture = text(&ben.get(&format!("/auth/users/{}/thumbnail", ana.id)).await.expect(200)["url"]);
    assert_eq!(reqwest::get(picture).await.unwrap().text().await.unwrap(), "four ");
    ana.delete("/auth/me/thumbnail").await;
    // The same over a socket.
    let file = upload(&ana, &of_conversation, "c.png", "image/png", b"five").await["fileId"].clone();
    let mut socket = ana.connect().await;
    let frame = json!({"action": "sendMessage", "ref": "1", "conversationId": conversation, "attachments": [{"fileId": file}], "optimisticId": file});
    let (sent, _) = socket.ask(frame).await;
    assert_eq!(sent["action"], json!("ack"), "{sent}");
    let (deleted, _) = socket.ask(json!({"action": "deleteMessage", "ref": "2", "messageId": sent["message"]["messageId"]})).await;
    assert_eq!(deleted["action"], json!("ack"), "{deleted}");
    world.settled().await;
    assert_eq!(world.stack().objects.keys("files"), Vec::<String>::new(), "every object has gone");
    let pending = declaration("never.png", "image/png", b"x");
    ana.post(&of_project, pending).await.expect(201);
    world.settled().await;
    ana.request(Method::DELETE, &format!("/projects/{project}"), &[], None).await;
    world.settled().await;
}

/// Tags every object, as a scan that finds nothing does.
fn clean(world: &TestStack) {
    for key in world.stack().objects.keys("files") {
        assert!(world.stack().objects.set_tag("files", &key, "GuardDutyMalwareScanStatus", "NO_THREATS_FOUND").unwrap());
    }
}
