//! Read markers: they only move forward, and start at the last message when someone joins.

use crate::*;

async fn read(person: &Person<'_>, conversation: &str, seq: Value) -> Answer {
    person.send(Method::PUT, &format!("/messages/conversations/{conversation}/read"), json!({"seq": seq})).await
}

/// This person's `readSeq` and `unread`, as they see them.
async fn place(person: &Person<'_>, conversation: &str) -> (Value, Value) {
    let view = conversation_of(person, conversation).await;
    (view["readSeq"].clone(), view["unread"].clone())
}

#[tokio::test]
async fn a_read_marker_never_moves_back_or_past_the_last_message() {
    let studio = studio().await;
    let (ana, ben, cleo) = (studio.person("ana").await, studio.person("ben").await, studio.person("cleo").await);
    let conversation = direct(&ana, &ben).await;
    for n in 0..5 {
        say(&ana, &conversation, &n.to_string()).await;
    }
    assert_eq!(place(&ana, &conversation).await, (json!(5), json!(0)), "a send marks all before it read");
    assert_eq!(place(&ben, &conversation).await, (json!(0), json!(5)), "who founded it begins at the beginning");
    assert_eq!(read(&ben, &conversation, json!(3)).await.status, 204);
    assert_eq!(read(&ben, &conversation, json!(2)).await.status, 204);
    assert_eq!(place(&ben, &conversation).await, (json!(3), json!(2)));
    for (seq, status) in [(json!(6), 422), (json!(-1), 422), (json!("3"), 422), (json!(null), 422), (json!(2.5), 422), (json!(3), 204)] {
        assert_eq!(read(&ben, &conversation, seq.clone()).await.status, status, "{seq}");
    }
    assert_eq!(read(&cleo, &conversation, json!(1)).await.status, 404);
    // Concurrent markers in any order: the highest one stays.
    join_all([4, 2, 5, 1, 3].map(|seq| read(&ben, &conversation, json!(seq)))).await;
    assert_eq!(place(&ben, &conversation).await, (json!(5), json!(0)));
    // Markers concurrent with sends of the same person and of others.
    let marks = async { join_all((1..=5).map(|_| read(&ben, &conversation, json!(5)))).await };
    let texts = ["6", "7", "8", "9", "10"];
    let sends = join_all(texts.map(|text| say(&ana, &conversation, text)));
    futures_util::future::join(marks, sends).await;
    assert_eq!(place(&ben, &conversation).await, (json!(5), json!(5)), "a marker is none of what others send");
    assert_eq!(place(&ana, &conversation).await, (json!(10), json!(0)));
    futures_util::future::join(say(&ben, &conversation, "11"), read(&ben, &conversation, json!(6))).await;
    let view = conversation_of(&ana, &conversation).await;
    let of = |person: &Person<'_>| {
        view["participants"].as_array().unwrap().iter().find(|entry| entry["userId"] == json!(person.id)).unwrap()["readSeq"].clone()
    };
    assert_eq!((of(&ana), of(&ben)), (json!(10), json!(11)), "everyone sees everyone's, and a lesser marker takes nothing back");
}

#[tokio::test]
async fn joining_a_project_starts_with_nothing_unread() {
    let studio = studio().await;
    let (ana, ben) = (studio.person("ana").await, studio.person("ben").await);
    let project = ProjectId::generate(studio.harness.clock.now());
    write_project(&studio, project, &[&ana], false).await;
    let opened = ana.post("/messages/conversations", json!({"type": "project", "projectId": project})).await.body;
    let conversation = opened["conversationId"].as_str().unwrap().to_owned();
    say(&ana, &conversation, "one").await;
    studio.harness.clock.advance_seconds(1);
    write_project(&studio, project, &[&ana, &ben], false).await;
    assert_eq!(place(&ben, &conversation).await, (json!(1), json!(0)));
    say(&ana, &conversation, "two").await;
    say(&ana, &conversation, "three").await;
    assert_eq!(place(&ben, &conversation).await, (json!(1), json!(2)));
    assert_eq!(read(&ben, &conversation, json!(2)).await.status, 204);
    assert_eq!(place(&ben, &conversation).await, (json!(2), json!(1)));
    // Leaves and joins again.
    write_project(&studio, project, &[&ana], false).await;
    assert_eq!(read(&ben, &conversation, json!(3)).await.status, 404);
    say(&ana, &conversation, "four").await;
    studio.harness.clock.advance_seconds(1);
    write_project(&studio, project, &[&ana, &ben], false).await;
    assert_eq!(place(&ben, &conversation).await, (json!(4), json!(0)));
    say(&ana, &conversation, "five").await;
    assert_eq!(place(&ben, &conversation).await, (json!(4), json!(1)));
    assert_eq!(read(&ben, &conversation, json!(5)).await.status, 204);
    assert_eq!(place(&ben, &conversation).await, (json!(5), json!(0)));
}
