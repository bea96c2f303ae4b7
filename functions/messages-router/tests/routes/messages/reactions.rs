//! Reactions: none is lost and none counts twice.

use crate::*;

/// The path of a reaction, percent-encoded.
fn path(message: &Value, emoji: &str) -> String {
    let emoji = emoji.bytes().map(|byte| format!("%{byte:02X}")).collect::<Vec<_>>().concat();
    format!("/messages/{}/reactions/{emoji}", message["messageId"].as_str().unwrap())
}

#[tokio::test]
async fn adding_a_reaction_twice_changes_the_version_once() {
    let studio = studio().await;
    let (ana, ben) = (studio.person("ana").await, studio.person("ben").await);
    let message = say(&ana, &direct(&ana, &ben).await, "hello").await;
    for (person, emoji, version) in [(&ana, "👍", 2), (&ana, "👍", 2), (&ben, "👍", 3), (&ben, "👩‍🎨", 4)] {
        let Answer { status, body: now, .. } = person.put(&path(&message, emoji)).await;
        assert_eq!((status, &now["version"]), (200, &json!(version)), "{now}");
    }
    let now = ben.delete(&path(&message, "👍")).await.body;
    assert_eq!((&now["reactions"], &now["version"]), (&json!({"👍": [ana.id], "👩‍🎨": [ben.id]}), &json!(5)));
    let Answer { status, body: now, .. } = ben.delete(&path(&message, "👍")).await;
    assert_eq!((status, &now["version"]), (200, &json!(5)));
    let now = ana.delete(&path(&message, "👍")).await.body;
    assert_eq!(now["reactions"], json!({"👩‍🎨": [ben.id]}));
    // A stale version changes nothing.
    let Answer { status, body: problem, .. } = ana.call(EventBuilder::new(Method::PUT, &path(&message, "✅")).header("if-match", "\"1\"")).await;
    assert_eq!((status, &problem["code"]), (412, &json!("version_mismatch")));
}

#[tokio::test]
async fn concurrent_reactions_are_all_stored() {
    let studio = studio().await;
    let (ana, ben) = (studio.person("ana").await, studio.person("ben").await);
    let message = say(&ana, &direct(&ana, &ben).await, "hello").await;
    // Fifty requests from two people, for thirteen emoji. Many reactions are sent twice.
    let emoji = ["👍", "❤️", "😀", "😂", "✅", "💯", "🎉", "🚀", "👀", "🙏", "🔥", "👏", "🤔"];
    let all = (0..50).map(|n| (if n % 2 == 0 { &ana } else { &ben }, path(&message, emoji[n / 2 % emoji.len()])));
    let answers = join_all(all.map(|(person, path)| async move { person.put(&path).await })).await;
    assert!(answers.iter().all(|answer| answer.status == 200), "{answers:?}");
    let now = ben.get(&format!("/messages/{}", message["messageId"].as_str().unwrap())).await.body;
    let reactions = now["reactions"].as_object().unwrap();
    assert_eq!(reactions.len(), emoji.len());
    assert!(reactions.values().all(|people| people.as_array().unwrap().len() == 2), "{reactions:?}");
    assert_eq!(now["version"], json!(1 + 2 * emoji.len()), "each change is one version, and what is so already is none");
}

#[tokio::test]
async fn a_reaction_is_one_emoji_on_an_existing_message() {
    let studio = studio().await;
    let (ana, ben, cleo) = (studio.person("ana").await, studio.person("ben").await, studio.person("cleo").await);
    let message = say(&ana, &direct(&ana, &ben).await, "hello").await;
    for bad in [
        "👍👍",
        " ",
        "\n",
        "\u{7}",
        &"👨‍👩‍👧‍👦".repeat(2),
        "a\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}",
    ] {
        let Answer { status, body: problem, .. } = ana.put(&path(&message, bad)).await;
        assert_eq!((status, &problem["errors"][0]["pointer"]), (422, &json!("/emoji")), "{bad:?}: {problem}");
        // A caller who may not see the message gets 404, even for an invalid emoji.
        assert_eq!(cleo.put(&path(&message, bad)).await.status, 404);
    }
    for number in 0..20u32 {
        let emoji = char::from_u32(0x1F600 + number).unwrap().to_string();
        assert_eq!(ana.put(&path(&message, &emoji)).await.status, 200);
    }
    let Answer { status, body: problem, .. } = ben.put(&path(&message, "🚀")).await;
    assert_eq!((status, &problem["errors"][0]["code"]), (422, &json!("too_many")));
    assert_eq!(ben.put(&path(&message, "\u{1F600}")).await.status, 200, "a kind that is there is no new one");
    ana.delete(&format!("/messages/{}", message["messageId"].as_str().unwrap())).await;
    for method in [Method::PUT, Method::DELETE] {
        let Answer { status, body: problem, .. } = ana.call(EventBuilder::new(method, &path(&message, "👍"))).await;
        assert_eq!((status, &problem["code"]), (409, &json!("deleted")));
    }
}

#[tokio::test]
async fn variants_of_an_emoji_are_one_reaction() {
    let studio = studio().await;
    let (ana, ben) = (studio.person("ana").await, studio.person("ben").await);
    let message = say(&ana, &direct(&ana, &ben).await, "hello").await;
    // With and without the variation selector, and the longest emoji.
    for (first, second, kept) in [("❤", "❤\u{fe0f}", "❤\u{fe0f}"), ("☺\u{fe0f}", "☺", "☺\u{fe0f}"), ("👩🏻‍❤‍💋‍👨🏿", "👩🏻‍❤️‍💋‍👨🏿", "👩🏻‍❤️‍💋‍👨🏿")]
    {
        let Answer { status, body: now, .. } = ana.put(&path(&message, first)).await;
        assert_eq!((status, &now["reactions"]), (200, &json!({kept: [ana.id]})), "{now}");
        let now = ben.put(&path(&message, second)).await.body;
        assert_eq!(now["reactions"][kept].as_array().unwrap().len(), 2, "{now}");
        for person in [&ana, &ben] {
            assert_eq!(person.delete(&path(&message, second)).await.status, 200);
        }
        assert_eq!(ana.get(&format!("/messages/{}", message["messageId"].as_str().unwrap())).await.body["reactions"], json!({}));
    }
    for none in ["a", "<", "\u{200d}", "1", "#", "\u{fe0f}", "👍a", "🏻🏻", "\u{1f1e9}"] {
        let Answer { status, body: refused, .. } = ana.put(&path(&message, none)).await;
        assert_eq!(status, 422, "{none:?}: {refused}");
    }
    for flag in ["🇩🇪", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "1️⃣", "👨‍👩‍👧‍👦"] {
        assert_eq!(ana.put(&path(&message, flag)).await.status, 200, "{flag}");
    }
}
