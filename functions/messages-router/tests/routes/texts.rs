//! What may stand in a message: texts that someone can see, attachments whose links do not run, in any spelling of JSON.

use super::*;

/// The answer to a message of these fields: its status, and where its faults are.
async fn sent(person: &Person<'_>, conversation: &str, body: Value) -> (i64, Vec<String>) {
    let (status, answer) = person.send(Method::POST, &messages(conversation), body).await;
    let faults = answer["errors"].as_array().into_iter().flatten();
    (status, faults.map(|fault| fault["pointer"].as_str().unwrap().to_owned()).collect())
}

#[tokio::test]
async fn texts_and_titles_have_something_visible_in_them() {
    let studio = studio().await;
    let (ana, ben) = (studio.person("ana").await, studio.person("ben").await);
    let pair = ana.direct(&ben).await;
    for blank in ["\u{200b}", "\u{2800}", "\u{ad}", "\u{202e}", " \u{3164}\u{feff}\n", "\u{115f}\u{1160}", "\u{e0061}\u{fe0f}"] {
        assert_eq!(sent(&ana, &pair, json!({"text": blank})).await, (422, vec!["/text".to_owned()]), "{blank:?}");
        let group = json!({"type": "group", "title": blank, "participants": [ben.id]});
        let (status, answer) = ana.send(Method::POST, "/messages/conversations", group).await;
        assert_eq!((status, &answer["errors"][0]["pointer"]), (422, &json!("/title")), "{blank:?}");
    }
    assert_eq!(sent(&ana, &pair, json!({"text": "a\u{0}b"})).await, (422, vec!["/text".to_owned()]));
    for visible in ["\u{200b}x", "❤", ".", "e\u{301}"] {
        assert_eq!(sent(&ana, &pair, json!({"text": visible})).await.0, 201, "{visible:?}");
    }
}

#[tokio::test]
async fn attachments_are_plain_object_keys() {
    let studio = studio().await;
    let (ana, ben) = (studio.person("ana").await, studio.person("ben").await);
    let pair = ana.direct(&ben).await;
    let attached = async |field: &str, value: &str| {
        let mut attachment = json!({"key": "public/a.png", "name": "a.png", "type": "image/png"});
        attachment[field] = json!(value);
        sent(&ana, &pair, json!({"attachments": [attachment]})).await
    };
    for key in [
        "javascript:alert(1)",
        "JAVASCRIPT:x",
        "data:text/html,x",
        "//evil.example/x.png",
        "/a",
        "\\a",
        "https:/evil",
        "https://a.test/b",
        "a/../b",
        "a\u{0}b",
        "a\r\nb",
        "\u{200b}",
        "vbscript:x",
        "ftp:x",
    ] {
        assert_eq!(attached("key", key).await, (422, vec!["/attachments/0/key".to_owned()]), "{key:?}");
    }
    for (field, value) in [("name", "x\r\nSet-Cookie: a=b"), ("name", "x\u{0}"), ("type", "text/html\r\nx"), ("type", "a\u{7f}")] {
        assert_eq!(attached(field, value).await, (422, vec![format!("/attachments/0/{field}")]), "{value:?}");
    }
    for key in ["public/dms/a/b c.png", "12:30.png", "ä/ö.png"] {
        assert_eq!(attached("key", key).await.0, 201, "{key:?}");
    }
}

#[tokio::test]
async fn a_body_admits_what_its_fields_admit_in_their_longest_spelling() {
    let studio = studio().await;
    let (ana, ben) = (studio.person("ana").await, studio.person("ben").await);
    let pair = ana.direct(&ben).await;
    let escaped = |count: usize| "\\ud83d\\ude00".repeat(count);
    let attachment =
        |n: usize| format!(r#"{{"key":"{}","name":"{}","type":"{}","size":1}}"#, escaped(1_000) + &n.to_string(), escaped(255), escaped(127));
    let attachments: Vec<String> = (0..10).map(attachment).collect();
    let text = format!(r#"{{"text":"{}","attachments":[{}]}}"#, escaped(8_000), attachments.join(","));
    let (status, answer) = ana.call(EventBuilder::new(Method::POST, &messages(&pair)).body("application/json", &text)).await;
    // Whether every field's own limit holds is said by its own fault, and by no 413.
    assert!(
        status == 201
            || answer["errors"].as_array().is_some_and(|faults| faults.iter().all(|fault| fault["pointer"].as_str().unwrap().ends_with("/key"))),
        "{status} {answer}"
    );
    let text = format!(r#"{{"text":"{}"}}"#, escaped(8_000));
    let (status, message) = ana.call(EventBuilder::new(Method::POST, &messages(&pair)).body("application/json; charset=UTF-16", &text)).await;
    assert_eq!((status, message["text"].as_str().map(|text| text.chars().count())), (201, Some(8_000)), "{message}");
    assert_eq!(sent(&ana, &pair, json!({"text": "😀".repeat(8_001)})).await, (422, vec!["/text".to_owned()]));
}

#[tokio::test]
async fn a_snippet_ends_between_characters_that_people_see() {
    let studio = studio().await;
    let (ana, ben) = (studio.person("ana").await, studio.person("ben").await);
    let pair = ana.direct(&ben).await;
    for (text, length) in [
        (format!("{}👨\u{200d}👩\u{200d}👧 and more", "x".repeat(138)), 138),
        (format!("{}e\u{301}", "x".repeat(139)), 139),
        (format!("{}🇩🇪", "x".repeat(139)), 139),
        (format!("{}🇩🇪 ", "x".repeat(138)), 140),
    ] {
        ana.say(&pair, &text).await;
        let snippet = ben.conversation(&pair).await["lastMessage"]["snippet"].as_str().unwrap().to_owned();
        assert_eq!((snippet.chars().count(), text.starts_with(&snippet)), (length, true), "{snippet}");
    }
}

#[tokio::test]
async fn an_edit_to_the_same_text_is_no_change_and_a_caption_can_be_cleared() {
    let studio = studio().await;
    let (ana, ben) = (studio.person("ana").await, studio.person("ben").await);
    let pair = ana.direct(&ben).await;
    let body = json!({"text": "caption", "attachments": [{"key": "a.png", "name": "a.png", "type": "image/png"}]});
    let (_, sent) = ana.send(Method::POST, &messages(&pair), body).await;
    let path = format!("/messages/{}", sent["messageId"].as_str().unwrap());
    studio.app.background_tasks().run(std::time::Duration::from_secs(5)).await;
    let (status, same) = ana.send(Method::PATCH, &path, json!({"text": "caption"})).await;
    assert_eq!((status, &same["version"], &same["editedAt"]), (200, &json!(1), &Value::Null), "{same}");
    assert_eq!(studio.app.background_tasks().run(std::time::Duration::ZERO).await, 0, "nobody is told");
    for (text, version) in [(json!("another"), 2), (Value::Null, 3), (json!("back"), 4), (json!(""), 5), (json!(null), 5)] {
        let (status, edited) = ana.send(Method::PATCH, &path, json!({"text": text})).await;
        assert_eq!((status, &edited["version"]), (200, &json!(version)), "{text}: {edited}");
    }
    let (_, plain) = ana.send(Method::POST, &messages(&pair), json!({"text": "no attachment"})).await;
    let (status, refused) = ana.send(Method::PATCH, &format!("/messages/{}", plain["messageId"].as_str().unwrap()), json!({"text": null})).await;
    assert_eq!((status, &refused["errors"][0]["pointer"]), (422, &json!("/text")));
}

#[tokio::test]
async fn an_entity_tag_that_is_no_text_is_stale() {
    let studio = studio().await;
    let (ana, ben) = (studio.person("ana").await, studio.person("ben").await);
    let pair = ana.direct(&ben).await;
    let message = ana.say(&pair, "first").await;
    let path = format!("/messages/{}", message["messageId"].as_str().unwrap());
    for tag in ["\"0\", \"é\"", "\"0ü\"", "\"0,*,1\"", "\"0\"", "\"é\""] {
        let (status, answer) = ana.call(EventBuilder::new(Method::PATCH, &path).header("if-match", tag).json(&json!({"text": "second"}))).await;
        assert_eq!((status, &answer["code"]), (412, &json!("version_mismatch")), "{tag}");
        assert_eq!(ana.call(EventBuilder::new(Method::DELETE, &path).header("if-match", tag)).await.0, 412, "{tag}");
    }
    for tag in ["\"0\", \"1\"", "*", "\"é\", \"2\""] {
        let edit = EventBuilder::new(Method::PATCH, &path).header("if-match", tag).json(&json!({"text": format!("by {tag}")}));
        assert_eq!(ana.call(edit).await.0, if tag == "\"é\", \"2\"" { 412 } else { 200 }, "{tag}");
    }
}

/// Also where far more people write at once than in any studio; two hundred of them: `make bench-contention`.
#[tokio::test]
async fn many_sends_at_once_are_all_acknowledged() {
    let studio = quick_studio().await;
    let (ana, ben) = (studio.person("ana").await, studio.person("ben").await);
    let path = messages(&ana.direct(&ben).await);
    let count = local_stack::testing::size(100, 60);
    let sends = (0..count)
        .map(|n| if n % 2 == 0 { &ana } else { &ben }.send(Method::POST, &path, json!({"text": n.to_string(), "optimisticId": n.to_string()})));
    let answers = join_all(sends).await;
    assert!(answers.iter().all(|(status, _)| *status == 201), "{:?}", answers.iter().map(|(status, _)| status).collect::<Vec<_>>());
    let (_, page) = ben.get(&format!("{path}?limit=1")).await;
    assert_eq!(page["lastSeq"], json!(count));
}
