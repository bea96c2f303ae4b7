//! Valid message content: visible text, safe attachment keys, any JSON spelling.

use crate::*;

/// Sends a message with this body. Returns the status and the pointers of the errors.
async fn sent(person: &Person<'_>, conversation: &str, body: Value) -> (u16, Vec<String>) {
    let answer = person.post(&messages_of(conversation), body).await;
    (answer.status, answer.pointers().into_iter().map(str::to_owned).collect())
}

#[tokio::test]
async fn texts_and_titles_need_a_visible_character() {
    let studio = studio().await;
    let (ana, ben) = (studio.person("ana").await, studio.person("ben").await);
    let pair = direct(&ana, &ben).await;
    for blank in ["\u{200b}", "\u{2800}", "\u{ad}", "\u{202e}", " \u{3164}\u{feff}\n", "\u{115f}\u{1160}", "\u{e0061}\u{fe0f}"] {
        assert_eq!(sent(&ana, &pair, json!({"text": blank})).await, (422, vec!["/text".to_owned()]), "{blank:?}");
        let group = json!({"type": "group", "title": blank, "participants": [ben.id]});
        let Answer { status, body: answer, .. } = ana.post("/messages/conversations", group).await;
        assert_eq!((status, &answer["errors"][0]["pointer"]), (422, &json!("/title")), "{blank:?}");
    }
    assert_eq!(sent(&ana, &pair, json!({"text": "a\u{0}b"})).await, (422, vec!["/text".to_owned()]));
    for visible in ["\u{200b}x", "❤", ".", "e\u{301}"] {
        assert_eq!(sent(&ana, &pair, json!({"text": visible})).await.0, 201, "{visible:?}");
    }
}

#[tokio::test]
async fn attachment_keys_cannot_be_links() {
    let studio = studio().await;
    let (ana, ben) = (studio.person("ana").await, studio.person("ben").await);
    let pair = direct(&ana, &ben).await;
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
async fn the_body_limit_fits_the_longest_valid_fields() {
    let studio = studio().await;
    let (ana, ben) = (studio.person("ana").await, studio.person("ben").await);
    let pair = direct(&ana, &ben).await;
    let escaped = |count: usize| "\\ud83d\\ude00".repeat(count);
    let attachment =
        |n: usize| format!(r#"{{"key":"{}","name":"{}","type":"{}","size":1}}"#, escaped(1_000) + &n.to_string(), escaped(255), escaped(127));
    let attachments: Vec<String> = (0..10).map(attachment).collect();
    let text = format!(r#"{{"text":"{}","attachments":[{}]}}"#, escaped(8_000), attachments.join(","));
    let Answer { status, body: answer, .. } = ana.call(EventBuilder::new(Method::POST, &messages_of(&pair)).body("application/json", &text)).await;
    // Each field's own limit gives an error at that field, never a 413.
    assert!(
        status == 201
            || answer["errors"].as_array().is_some_and(|faults| faults.iter().all(|fault| fault["pointer"].as_str().unwrap().ends_with("/key"))),
        "{status} {answer}"
    );
    let text = format!(r#"{{"text":"{}"}}"#, escaped(8_000));
    let Answer { status, body: message, .. } =
        ana.call(EventBuilder::new(Method::POST, &messages_of(&pair)).body("application/json; charset=UTF-16", &text)).await;
    assert_eq!((status, message["text"].as_str().map(|text| text.chars().count())), (201, Some(8_000)), "{message}");
    assert_eq!(sent(&ana, &pair, json!({"text": "😀".repeat(8_001)})).await, (422, vec!["/text".to_owned()]));
}

#[tokio::test]
async fn snippets_end_at_grapheme_boundaries() {
    let studio = studio().await;
    let (ana, ben) = (studio.person("ana").await, studio.person("ben").await);
    let pair = direct(&ana, &ben).await;
    for (text, length) in [
        (format!("{}👨\u{200d}👩\u{200d}👧 and more", "x".repeat(138)), 138),
        (format!("{}e\u{301}", "x".repeat(139)), 139),
        (format!("{}🇩🇪", "x".repeat(139)), 139),
        (format!("{}🇩🇪 ", "x".repeat(138)), 140),
    ] {
        say(&ana, &pair, &text).await;
        let snippet = conversation_of(&ben, &pair).await["lastMessage"]["snippet"].as_str().unwrap().to_owned();
        assert_eq!((snippet.chars().count(), text.starts_with(&snippet)), (length, true), "{snippet}");
    }
}
