//! Groups: who decides, who comes and goes, and what nobody can take part in any more.

use super::*;

fn participant(conversation: &str, person: UserId) -> String {
    format!("/messages/conversations/{conversation}/participants/{person}")
}

async fn people(person: &Person<'_>, conversation: &str) -> Vec<String> {
    let view = person.conversation(conversation).await;
    view["participants"].as_array().unwrap().iter().map(|participant| participant["userId"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn whoever_opened_a_group_decides_and_anyone_leaves() {
    let studio = studio().await;
    let (ana, ben, cleo, dana) = (studio.person("ana").await, studio.person("ben").await, studio.person("cleo").await, studio.person("dana").await);
    let group = ana.group("Atrium", &[&ben]).await;
    ana.say(&group, "before").await;
    for (person, status) in [(&ben, 403), (&cleo, 404), (&ana, 204), (&ana, 204)] {
        assert_eq!(person.put(&participant(&group, cleo.id)).await.0, status);
    }
    assert_eq!(people(&cleo, &group).await.len(), 3);
    let view = cleo.conversation(&group).await;
    assert_eq!((&view["readSeq"], &view["unread"], &view["lastSeq"]), (&json!(1), &json!(0), &json!(1)), "it begins at its end");
    assert_eq!(cleo.get(&messages(&group)).await.1["items"][0]["text"], json!("before"), "and shows what was said before");
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
        assert_eq!(person.send(Method::PATCH, &path, rename(title)).await.0, status);
    }
    assert_eq!(cleo.conversation(&group).await["title"], json!("Hall"));
    assert_eq!(ben.delete(&participant(&group, cleo.id)).await.0, 403);
    assert_eq!(ana.delete(&participant(&group, cleo.id)).await.0, 204);
    assert_eq!(ana.delete(&participant(&group, cleo.id)).await.0, 204);
    assert_eq!(cleo.get(&path).await.0, 404);
    assert_eq!(cleo.get("/messages/conversations").await.1["items"], json!([]));
    // Once its opener is gone everyone in it decides.
    assert_eq!(ana.delete(&participant(&group, ana.id)).await.0, 204);
    assert_eq!(ana.get(&path).await.0, 404);
    assert_eq!(ben.put(&participant(&group, cleo.id)).await.0, 204);
    assert_eq!(cleo.send(Method::PATCH, &path, rename(json!("Ours"))).await.0, 200);
    // Nobody who does not exist, or is not active.
    let nobody = UserId::generate(studio.harness.clock.now());
    assert_eq!(ben.put(&participant(&group, nobody)).await.0, 404);
    assert_eq!(ben.put("/messages/conversations/cnv_x/participants/usr_x").await.0, 404);
    assert_eq!(ben.delete(&participant(&group, nobody)).await.0, 204);
}

#[tokio::test]
async fn pairs_and_projects_have_the_people_that_they_have() {
    let studio = studio().await;
    let (ana, ben, cleo) = (studio.person("ana").await, studio.person("ben").await, studio.person("cleo").await);
    let pair = ana.direct(&ben).await;
    let project = ProjectId::generate(studio.harness.clock.now());
    studio.project(project, &[&ana, &ben], false).await;
    let (_, opened) = ana.send(Method::POST, "/messages/conversations", json!({"type": "project", "projectId": project})).await;
    for conversation in [pair.as_str(), opened["conversationId"].as_str().unwrap()] {
        for outcome in [
            ana.put(&participant(conversation, cleo.id)).await,
            ana.delete(&participant(conversation, ana.id)).await,
            ana.delete(&participant(conversation, ben.id)).await,
            ana.send(Method::PATCH, &format!("/messages/conversations/{conversation}"), json!({"title": "Ours"})).await,
        ] {
            assert_eq!((outcome.0, &outcome.1["code"]), (409, &json!("conflict")));
        }
        assert_eq!(cleo.delete(&participant(conversation, cleo.id)).await.0, 404);
    }
}

#[tokio::test]
async fn nothing_is_accepted_after_a_removal_in_the_middle_of_sends() {
    let studio = studio().await;
    let (ana, ben) = (studio.person("ana").await, studio.person("ben").await);
    let group = ana.group("Atrium", &[&ben]).await;
    let sends = join_all((0..40).map(|n| {
        let (ana, ben, group) = (&ana, &ben, &group);
        async move {
            if n == 20 {
                assert_eq!(ana.delete(&participant(group, ben.id)).await.0, 204);
                return (0, json!(null));
            }
            ben.send(Method::POST, &messages(group), json!({"text": n.to_string(), "optimisticId": n.to_string()})).await
        }
    }))
    .await;
    let accepted = sends.iter().filter(|(status, _)| *status == 201).count();
    assert!(sends.iter().all(|(status, _)| [0, 201, 404].contains(status)), "{sends:?}");
    let (_, page) = ana.get(&format!("{}?limit=100", messages(&group))).await;
    assert_eq!((page["items"].as_array().unwrap().len(), &page["lastSeq"]), (accepted, &json!(accepted)));
    assert_eq!(ben.send(Method::POST, &messages(&group), json!({"text": "after"})).await.0, 404);
}

#[tokio::test]
async fn a_group_has_fifty_people_and_a_person_five_hundred_conversations() {
    let studio = studio().await;
    let ana = studio.person("ana").await;
    let mut others = Vec::new();
    for n in 0..50 {
        others.push(studio.person(&format!("user {n}")).await);
    }
    let group = ana.group("Full", &others[..49].iter().collect::<Vec<_>>()).await;
    let (status, problem) = ana.put(&participant(&group, others[49].id)).await;
    assert_eq!((status, &problem["code"]), (409, &json!("conflict")));
    // One who takes part in as many as one can.
    let (busy, now) = (&others[49], studio.harness.clock.now());
    let listed = (0..500).map(|_| {
        let id = shared_utils::ids::ConversationId::generate(now);
        to_item(Key::new(format!("USER#{}", busy.id), format!("CONVERSATION#{id}")), "participant", &json!({"conversationId": id})).unwrap()
    });
    studio.store().put_many(&studio.harness.table("messages"), listed.collect()).await.unwrap();
    let open = |person: UserId| json!({"type": "direct", "participants": [person]});
    let (status, problem) = ana.send(Method::POST, "/messages/conversations", open(busy.id)).await;
    assert_eq!((status, &problem["errors"][0]["pointer"]), (422, &json!("/participants/0")));
    let (status, problem) = busy.send(Method::POST, "/messages/conversations", open(ana.id)).await;
    assert_eq!((status, &problem["code"]), (409, &json!("conflict")));
    let small = ana.group("Small", &[&others[0]]).await;
    assert_eq!(ana.put(&participant(&small, busy.id)).await.1["code"], json!("conflict"));
}

#[tokio::test]
async fn what_is_left_of_a_deleted_projects_conversation_goes_when_it_is_met() {
    let studio = studio().await;
    let (ana, ben) = (studio.person("ana").await, studio.person("ben").await);
    let project = ProjectId::generate(studio.harness.clock.now());
    studio.project(project, &[&ana, &ben], false).await;
    let (_, opened) = ana.send(Method::POST, "/messages/conversations", json!({"type": "project", "projectId": project})).await;
    let conversation = opened["conversationId"].as_str().unwrap();
    for n in 0..5 {
        ana.say(conversation, &n.to_string()).await;
    }
    let store = studio.store();
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
    studio.project(project, &[&ana, &ben], true).await;
    assert_eq!(ben.get(&messages(conversation)).await.0, 404);
    studio.app.background_tasks().run(std::time::Duration::from_secs(5)).await;
    assert_eq!(store.count(&query).await.unwrap(), 0);
}
