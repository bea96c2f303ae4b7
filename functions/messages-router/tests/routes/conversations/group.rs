//! Groups: who may manage them, joining and leaving, size limits, and deleted projects.

use crate::*;

fn participant(conversation: &str, person: UserId) -> String {
    format!("/messages/conversations/{conversation}/participants/{person}")
}

async fn people(person: &Person<'_>, conversation: &str) -> Vec<String> {
    let view = conversation_of(person, conversation).await;
    view["participants"].as_array().unwrap().iter().map(|participant| participant["userId"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn only_the_owner_manages_a_group_and_anyone_may_leave() {
    let studio = studio().await;
    let (ana, ben, cleo, dana) = (studio.person("ana").await, studio.person("ben").await, studio.person("cleo").await, studio.person("dana").await);
    let group = new_group(&ana, "Atrium", &[&ben]).await;
    say(&ana, &group, "before").await;
    for (person, status) in [(&ben, 403), (&cleo, 404), (&ana, 204), (&ana, 204)] {
        assert_eq!(person.put(&participant(&group, cleo.id)).await.status, status);
    }
    assert_eq!(people(&cleo, &group).await.len(), 3);
    let view = conversation_of(&cleo, &group).await;
    assert_eq!((&view["readSeq"], &view["unread"], &view["lastSeq"]), (&json!(1), &json!(0), &json!(1)), "it begins at its end");
    assert_eq!(cleo.get(&messages_of(&group)).await.body["items"][0]["text"], json!("before"), "and shows what was said before");
    let rename = |title: Value| json!({"title": title});
    let path = format!("/messages/conversations/{group}");
    for (person, title, status) in [
        (&ben, json!("Mine"), 403),
        (&dana, json!("Mine"), 404),
        (&ana, json!(" "), 422),
        (&ana, json!(null), 422),
        (&ana, json!("x".repeat(121)), 422),
        (&ana, json!("Hall"), 200),
    ] {
        assert_eq!(person.patch(&path, rename(title)).await.status, status);
    }
    assert_eq!(conversation_of(&cleo, &group).await["title"], json!("Hall"));
    assert_eq!(ben.delete(&participant(&group, cleo.id)).await.status, 403);
    assert_eq!(ana.delete(&participant(&group, cleo.id)).await.status, 204);
    assert_eq!(ana.delete(&participant(&group, cleo.id)).await.status, 204);
    assert_eq!(cleo.get(&path).await.status, 404);
    assert_eq!(cleo.get("/messages/conversations").await.body["items"], json!([]));
    // After the group's creator has left, every participant may manage it.
    assert_eq!(ana.delete(&participant(&group, ana.id)).await.status, 204);
    assert_eq!(ana.get(&path).await.status, 404);
    assert_eq!(ben.put(&participant(&group, cleo.id)).await.status, 204);
    assert_eq!(cleo.patch(&path, rename(json!("Ours"))).await.status, 200);
    // Only existing, active people can be added.
    let nobody = UserId::generate(studio.harness.clock.now());
    assert_eq!(ben.put(&participant(&group, nobody)).await.status, 404);
    assert_eq!(ben.put("/messages/conversations/cnv_x/participants/usr_x").await.status, 404);
    assert_eq!(ben.delete(&participant(&group, nobody)).await.status, 204);
}

#[tokio::test]
async fn participants_of_direct_and_project_conversations_are_fixed() {
    let studio = studio().await;
    let (ana, ben, cleo) = (studio.person("ana").await, studio.person("ben").await, studio.person("cleo").await);
    let pair = direct(&ana, &ben).await;
    let project = ProjectId::generate(studio.harness.clock.now());
    write_project(&studio, project, &[&ana, &ben], false).await;
    let opened = ana.post("/messages/conversations", json!({"type": "project", "projectId": project})).await.body;
    for conversation in [pair.as_str(), opened["conversationId"].as_str().unwrap()] {
        for outcome in [
            ana.put(&participant(conversation, cleo.id)).await,
            ana.delete(&participant(conversation, ana.id)).await,
            ana.delete(&participant(conversation, ben.id)).await,
            ana.patch(&format!("/messages/conversations/{conversation}"), json!({"title": "Ours"})).await,
        ] {
            assert_eq!((outcome.status, &outcome.body["code"]), (409, &json!("conflict")));
        }
        assert_eq!(cleo.delete(&participant(conversation, cleo.id)).await.status, 404);
    }
}

#[tokio::test]
async fn no_send_is_accepted_after_its_sender_was_removed() {
    let studio = studio().await;
    let (ana, ben) = (studio.person("ana").await, studio.person("ben").await);
    let group = new_group(&ana, "Atrium", &[&ben]).await;
    let sends = join_all((0..40).map(|n| {
        let (ana, ben, group) = (&ana, &ben, &group);
        async move {
            if n == 20 {
                return ana.delete(&participant(group, ben.id)).await;
            }
            ben.post(&messages_of(group), json!({"text": n.to_string(), "optimisticId": n.to_string()})).await
        }
    }))
    .await;
    let accepted = sends.iter().filter(|answer| answer.status == 201).count();
    assert!(
        sends.iter().enumerate().all(|(n, answer)| if n == 20 { answer.status == 204 } else { [201, 404].contains(&answer.status) }),
        "{sends:?}"
    );
    let page = ana.get(&format!("{}?limit=100", messages_of(&group))).await.body;
    assert_eq!((page["items"].as_array().unwrap().len(), &page["lastSeq"]), (accepted, &json!(accepted)));
    assert_eq!(ben.post(&messages_of(&group), json!({"text": "after"})).await.status, 404);
}

#[tokio::test]
async fn group_size_and_conversation_count_are_limited() {
    let studio = studio().await;
    let ana = studio.person("ana").await;
    let mut others = Vec::new();
    for n in 0..50 {
        others.push(studio.person(&format!("user {n}")).await);
    }
    let group = new_group(&ana, "Full", &others[..49].iter().collect::<Vec<_>>()).await;
    let Answer { status, body: problem, .. } = ana.put(&participant(&group, others[49].id)).await;
    assert_eq!((status, &problem["code"]), (409, &json!("conflict")));
    // A person who already has the maximum number of conversations.
    let (busy, now) = (&others[49], studio.harness.clock.now());
    let listed = (0..500).map(|_| {
        let id = shared_utils::ids::ConversationId::generate(now);
        to_item(Key::new(format!("USER#{}", busy.id), format!("CONVERSATION#{id}")), "participant", &json!({"conversationId": id})).unwrap()
    });
    studio.harness.store().put_many(&studio.harness.table("messages"), listed.collect()).await.unwrap();
    let open = |person: UserId| json!({"type": "direct", "participants": [person]});
    let Answer { status, body: problem, .. } = ana.post("/messages/conversations", open(busy.id)).await;
    assert_eq!((status, &problem["errors"][0]["pointer"]), (422, &json!("/participants/0")));
    let Answer { status, body: problem, .. } = busy.post("/messages/conversations", open(ana.id)).await;
    assert_eq!((status, &problem["code"]), (409, &json!("conflict")));
    let small = new_group(&ana, "Small", &[&others[0]]).await;
    assert_eq!(ana.put(&participant(&small, busy.id)).await.body["code"], json!("conflict"));
}

#[tokio::test]
async fn orphaned_project_conversations_are_deleted_on_access() {
    let studio = studio().await;
    let (ana, ben) = (studio.person("ana").await, studio.person("ben").await);
    let project = ProjectId::generate(studio.harness.clock.now());
    write_project(&studio, project, &[&ana, &ben], false).await;
    let opened = ana.post("/messages/conversations", json!({"type": "project", "projectId": project})).await.body;
    let conversation = opened["conversationId"].as_str().unwrap();
    for n in 0..5 {
        say(&ana, conversation, &n.to_string()).await;
    }
    let store = studio.harness.store();
    let table = studio.harness.table("messages");
    let query = shared_utils::dynamo::PartitionQuery {
        table: &table,
        index: None,
        partition: ("pk", format!("CONVERSATION#{conversation}")),
        range: None,
        descending: false,
        limit: None,
    };
    assert_eq!(store.count(&query).await.unwrap(), 11, "a head, five messages, five changes");
    write_project(&studio, project, &[&ana, &ben], true).await;
    assert_eq!(ben.get(&messages_of(conversation)).await.status, 404);
    studio.app.background_tasks().run(std::time::Duration::from_secs(5)).await;
    assert_eq!(store.count(&query).await.unwrap(), 0);
}
