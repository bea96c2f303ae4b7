//! People whom a message mentions.

use crate::*;

#[tokio::test]
async fn a_message_mentions_participants_only() {
    let studio = studio().await;
    let (ana, ben, cleo) = (studio.person("ana").await, studio.person("ben").await, studio.person("cleo").await);
    let path = messages_of(&new_group(&ana, "G", &[&ben]).await);
    let sent = ana.post(&path, json!({"text": "@ben", "mentions": [ben.id, ana.id, ben.id]})).await.expect(201);
    let mut both = [ana.id.to_string(), ben.id.to_string()];
    both.sort();
    assert_eq!(sent["mentions"], json!(both), "each once");
    assert_eq!(ana.post(&path, json!({"text": "plain"})).await.expect(201)["mentions"], json!([]));
    let refused = ana.post(&path, json!({"text": "@cleo", "mentions": [ben.id, cleo.id, "usr_x", 7]})).await;
    assert_eq!((refused.status, refused.pointers()), (422, vec!["/mentions/2", "/mentions/3"]));
    let refused = ana.post(&path, json!({"text": "@cleo", "mentions": [ben.id, cleo.id]})).await;
    assert_eq!((refused.status, refused.pointers()), (422, vec!["/mentions/1"]));
    let many = vec![ben.id; 51];
    let refused = ana.post(&path, json!({"text": "all", "mentions": many})).await;
    assert_eq!((refused.status, refused.pointers()), (422, vec!["/mentions"]));
    ana.post(&path, json!({"text": "all", "mentions": &many[..50]})).await.expect(201);
}

#[tokio::test]
async fn a_replay_is_compared_with_its_mentions_and_given_after_they_left() {
    let studio = studio().await;
    let (ana, ben) = (studio.person("ana").await, studio.person("ben").await);
    let group = new_group(&ana, "G", &[&ben]).await;
    let path = messages_of(&group);
    let body = json!({"text": "@ben", "mentions": [ben.id], "optimisticId": "m"});
    let sent = ana.post(&path, body.clone()).await.expect(201);
    ana.post(&path, json!({"text": "@ben", "optimisticId": "m"})).await.expect_error(422, "idempotency_mismatch");
    assert_eq!(ben.delete(&format!("/messages/conversations/{group}/participants/{}", ben.id)).await.status, 204);
    assert_eq!(ana.post(&path, body).await.expect(200), sent);
    ana.post(&path, json!({"text": "@ben", "mentions": [ben.id], "optimisticId": "n"})).await.expect_error(422, "validation_failed");
}

#[tokio::test]
async fn an_edit_keeps_the_mentions_and_a_deletion_erases_them() {
    let studio = studio().await;
    let (ana, ben) = (studio.person("ana").await, studio.person("ben").await);
    let path = messages_of(&direct(&ana, &ben).await);
    let sent = ana.post(&path, json!({"text": "@ben", "mentions": [ben.id]})).await.expect(201);
    let message = format!("/messages/{}", sent["messageId"].as_str().unwrap());
    let refused = ana.patch(&message, json!({"text": "b", "mentions": []})).await;
    assert_eq!((refused.status, refused.pointers()), (422, vec!["/mentions"]));
    assert_eq!(ana.patch(&message, json!({"text": "edited"})).await.expect(200)["mentions"], json!([ben.id]));
    assert_eq!(ana.delete(&message).await.status, 204);
    assert_eq!(ben.get(&message).await.expect(200)["mentions"], json!([]));
}
