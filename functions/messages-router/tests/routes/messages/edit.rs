//! Editing and deleting messages.

use crate::*;

#[tokio::test]
async fn edits_check_versions_and_update_snippets() {
    let studio = studio().await;
    let (ana, ben) = (studio.person("ana").await, studio.person("ben").await);
    let conversation = direct(&ana, &ben).await;
    let sent = ana.post(&messages_of(&conversation), json!({"text": "fist"})).await.body;
    let path = format!("/messages/{}", sent["messageId"].as_str().unwrap());
    let edited = |text: &str, tag: &str| EventBuilder::new(Method::PATCH, &path).header("if-match", tag).json(&json!({"text": text}));
    assert_eq!(ana.call(edited("first", "\"1\"")).await.status, 200);
    let Answer { status, body: problem, .. } = ana.call(edited("late", "\"1\"")).await;
    assert_eq!((status, &problem["code"]), (412, &json!("version_mismatch")));
    let at_once = join_all((0..10).map(|n| ana.patch(&path, json!({"text": format!("edit {n}")})))).await;
    assert!(at_once.iter().all(|answer| answer.status == 200));
    let message = ben.get(&path).await.body;
    assert_eq!(message["version"], json!(12), "no edit was lost");
    let list = ben.get("/messages/conversations").await.body;
    assert_eq!(list["items"][0]["lastMessage"]["snippet"], message["text"]);
    ana.delete(&path).await;
    let one = ben.get(&format!("/messages/conversations/{conversation}")).await.body;
    assert_eq!((&one["lastMessage"]["deleted"], &one["lastMessage"]["snippet"], &one["unread"]), (&json!(true), &json!(""), &json!(1)));
}

#[tokio::test]
async fn an_unchanged_text_keeps_the_version_and_captions_can_be_cleared() {
    let studio = studio().await;
    let (ana, ben) = (studio.person("ana").await, studio.person("ben").await);
    let pair = direct(&ana, &ben).await;
    let body = json!({"text": "caption", "attachments": [{"key": "a.png", "name": "a.png", "type": "image/png"}]});
    let sent = ana.post(&messages_of(&pair), body).await.body;
    let path = format!("/messages/{}", sent["messageId"].as_str().unwrap());
    studio.app.background_tasks().run(std::time::Duration::from_secs(5)).await;
    let Answer { status, body: same, .. } = ana.patch(&path, json!({"text": "caption"})).await;
    assert_eq!((status, &same["version"], &same["editedAt"]), (200, &json!(1), &Value::Null), "{same}");
    assert_eq!(studio.app.background_tasks().run(std::time::Duration::ZERO).await, 0, "nobody is told");
    for (text, version) in [(json!("another"), 2), (Value::Null, 3), (json!("back"), 4), (json!(""), 5), (json!(null), 5)] {
        let Answer { status, body: edited, .. } = ana.patch(&path, json!({"text": text})).await;
        assert_eq!((status, &edited["version"]), (200, &json!(version)), "{text}: {edited}");
    }
    let plain = ana.post(&messages_of(&pair), json!({"text": "no attachment"})).await.body;
    let Answer { status, body: refused, .. } = ana.patch(&format!("/messages/{}", plain["messageId"].as_str().unwrap()), json!({"text": null})).await;
    assert_eq!((status, &refused["errors"][0]["pointer"]), (422, &json!("/text")));
}

#[tokio::test]
async fn a_non_ascii_entity_tag_never_matches() {
    let studio = studio().await;
    let (ana, ben) = (studio.person("ana").await, studio.person("ben").await);
    let pair = direct(&ana, &ben).await;
    let message = say(&ana, &pair, "first").await;
    let path = format!("/messages/{}", message["messageId"].as_str().unwrap());
    for tag in ["\"0\", \"é\"", "\"0ü\"", "\"0,*,1\"", "\"0\"", "\"é\""] {
        let Answer { status, body: answer, .. } =
            ana.call(EventBuilder::new(Method::PATCH, &path).header("if-match", tag).json(&json!({"text": "second"}))).await;
        assert_eq!((status, &answer["code"]), (412, &json!("version_mismatch")), "{tag}");
        assert_eq!(ana.call(EventBuilder::new(Method::DELETE, &path).header("if-match", tag)).await.status, 412, "{tag}");
    }
    for tag in ["\"0\", \"1\"", "*", "\"é\", \"2\""] {
        let edit = EventBuilder::new(Method::PATCH, &path).header("if-match", tag).json(&json!({"text": format!("by {tag}")}));
        assert_eq!(ana.call(edit).await.status, if tag == "\"é\", \"2\"" { 412 } else { 200 }, "{tag}");
    }
}
