//! Opening conversations: direct, group and project.

use crate::*;

#[tokio::test]
async fn two_people_have_one_direct_conversation() {
    let studio = studio().await;
    let (ana, ben) = (studio.person("ana").await, studio.person("ben").await);
    let opened = join_all((0..10).map(|n| if n % 2 == 0 { direct(&ana, &ben) } else { direct(&ben, &ana) })).await;
    assert!(opened.iter().all(|id| *id == opened[0]), "{opened:?}");
    let list = ana.get("/messages/conversations").await.body;
    assert_eq!(list["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn unknown_people_are_errors_at_their_index() {
    let studio = studio().await;
    let (ana, ben) = (studio.person("ana").await, studio.person("ben").await);
    let nobody = UserId::generate(studio.harness.clock.now());
    let open = async |body: Value| {
        let Answer { status, body, .. } = ana.post("/messages/conversations", body).await;
        let pointers: Vec<String> =
            body["errors"].as_array().into_iter().flatten().map(|fault| fault["pointer"].as_str().unwrap().to_owned()).collect();
        (status, pointers)
    };
    let at = |pointers: &[&str]| (422, pointers.iter().map(ToString::to_string).collect::<Vec<_>>());
    assert_eq!(open(json!({"type": "direct", "participants": [nobody]})).await, at(&["/participants/0"]));
    assert_eq!(open(json!({"type": "group", "title": "T", "participants": [ben.id, nobody, "x"]})).await, at(&["/participants/2"]));
    assert_eq!(open(json!({"type": "group", "title": "T", "participants": [ben.id, nobody]})).await, at(&["/participants/1"]));
    assert_eq!(open(json!({"type": "direct", "participants": [ana.id]})).await, at(&["/participants/0"]));
    assert_eq!(open(json!({"type": "group", "participants": [ben.id]})).await, at(&["/title"]));
    assert_eq!(open(json!({"type": "meeting"})).await, at(&["/type"]));
    assert_eq!(open(json!({"type": "project", "projectId": "prj_x"})).await.0, 404);
    assert_eq!(open(json!({"type": "group", "title": "T", "participants": [ana.id, ben.id]})).await.0, 201);
}

#[tokio::test]
async fn idempotency_keys_hold_for_every_conversation_type() {
    let studio = studio().await;
    let (ana, ben) = (studio.person("ana").await, studio.person("ben").await);
    let open = |body: Value| ana.call(EventBuilder::new(Method::POST, "/messages/conversations").header("idempotency-key", "k").json(&body));
    let direct = json!({"type": "direct", "participants": [ben.id]});
    let (first, again) = (open(direct.clone()).await, open(direct).await);
    assert_eq!((first.status, again.status, &first.body), (201, 201, &again.body));
    assert_eq!(open(json!({"type": "group", "title": "T", "participants": [ben.id]})).await.body["code"], json!("idempotency_mismatch"));
    // After one day the key is free, even if TTL has not deleted its record.
    studio.harness.clock.advance_seconds(86_401);
    let ana = Person { token: studio.harness.token(ana.id, Role::User).await, ..ana };
    let group = EventBuilder::new(Method::POST, "/messages/conversations").header("idempotency-key", "k");
    assert_eq!(ana.call(group.json(&json!({"type": "group", "title": "T", "participants": [ben.id]}))).await.status, 201);
}
