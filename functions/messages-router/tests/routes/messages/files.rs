//! Messages with files of their conversation.

use shared_utils::dynamo::{Item, PartitionQuery};

use crate::*;

const SHA: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

/// Declares a file, and marks it as uploaded: the real upload is tested end to end.
async fn file(person: &Person<'_>, conversation: &str, name: &str) -> Value {
    let declared = json!({"name": name, "type": "image/png", "size": 7, "checksum": SHA});
    let made = person.post(&format!("/messages/conversations/{conversation}/files"), declared).await.expect(201);
    let (harness, id) = (&person.studio.harness, made["file"]["fileId"].clone());
    let key = Key::new(format!("FILES#{conversation}"), format!("FILE#{}", id.as_str().unwrap()));
    let (store, table) = (harness.store(), harness.table("messages"));
    let mut item = store.get_item(&table, &key).await.unwrap().unwrap();
    item.insert("status".to_owned(), shared_utils::dynamo::s("ready"));
    store.put_item(&table, item).await.unwrap();
    id
}

/// The items of the conversation's files.
async fn items(studio: &Studio, partition: &str) -> Vec<Item> {
    let table = studio.harness.table("messages");
    studio.harness.store().query_all(&PartitionQuery::all(&table, partition)).await.unwrap()
}

#[tokio::test]
async fn a_file_belongs_to_one_message_and_goes_with_it() {
    let studio = studio().await;
    let (ana, ben) = (studio.person("ana").await, studio.person("ben").await);
    let conversation = direct(&ana, &ben).await;
    let path = messages_of(&conversation);
    let (plan, photo) = (file(&ana, &conversation, "plan.pdf").await, file(&ana, &conversation, "photo.png").await);
    let body = json!({"attachments": [{"fileId": plan}, {"fileId": photo}], "optimisticId": "o-1"});
    let sent = ana.post(&path, body.clone()).await.expect(201);
    let expected = json!({"fileId": plan, "key": null, "name": "plan.pdf", "type": "image/png", "size": 7});
    assert_eq!((&sent["attachments"][0], sent["attachments"].as_array().unwrap().len()), (&expected, 2));
    // The same message again, and another message with the same file.
    assert_eq!(ana.post(&path, body).await.expect(200)["messageId"], sent["messageId"]);
    let taken = ana.post(&path, json!({"attachments": [{"fileId": photo}]})).await.expect_error(422, "validation_failed");
    assert_eq!(taken["errors"][0]["pointer"], json!("/attachments/0/fileId"));
    let listed = ben.get(&format!("/messages/conversations/{conversation}/files")).await.expect(200);
    assert_eq!((listed["items"].as_array().unwrap().len(), &listed["items"][0]["messageId"]), (2, &sent["messageId"]));
    // A file of a message is deleted with the message alone.
    let url = format!("/messages/conversations/{conversation}/files/{}", plan.as_str().unwrap());
    ana.delete(&url).await.expect_error(409, "conflict");
    ana.delete(&format!("/messages/{}", sent["messageId"].as_str().unwrap())).await.expect(204);
    ben.get(&url).await.expect_error(404, "not_found");
    let left = items(&studio, &format!("FILES#{conversation}")).await;
    assert_eq!((left.len(), left[0]["bytes"].as_n().unwrap().as_str()), (1, "0"), "only the usage is left: {left:?}");
    assert!(items(&studio, "REMOVALS").await.len() >= 2);
}

#[tokio::test]
async fn only_own_uploaded_files_of_this_conversation_are_attached() {
    let studio = studio().await;
    let (ana, ben, cleo) = (studio.person("ana").await, studio.person("ben").await, studio.person("cleo").await);
    let (here, there) = (direct(&ana, &ben).await, direct(&ana, &cleo).await);
    let path = messages_of(&here);
    let (bens, elsewhere) = (file(&ben, &here, "b").await, file(&ana, &there, "e").await);
    let declared = json!({"name": "p", "type": "image/png", "size": 7, "checksum": SHA});
    let pending = ana.post(&format!("/messages/conversations/{here}/files"), declared).await.expect(201)["file"]["fileId"].clone();
    for id in [bens, elsewhere, pending, json!("fil_01ARZ3NDEKTSV4RRFFQ69G5FAV"), json!("nonsense")] {
        let refused = ana.post(&path, json!({"attachments": [{"fileId": id}]})).await.expect_error(422, "validation_failed");
        assert_eq!(refused["errors"][0]["pointer"], json!("/attachments/0/fileId"), "{id}");
    }
    let own = file(&ana, &here, "o").await;
    let key = format!("conversations/{here}/01ARZ3NDEKTSV4RRFFQ69G5FAV");
    for (attachments, pointer) in [
        (json!([{"fileId": own}, {"fileId": own}]), "/attachments/1/fileId"),
        (json!([{"fileId": own, "name": "x"}]), "/attachments/0/name"),
        (json!([{"key": key, "name": "n", "type": "t"}]), "/attachments/0/key"),
        (json!([{"key": "k", "type": "t"}]), "/attachments/0/name"),
        (json!([{}]), "/attachments/0"),
    ] {
        let refused = ana.post(&path, json!({"attachments": attachments})).await.expect_error(422, "validation_failed");
        assert_eq!(refused["errors"][0]["pointer"], json!(pointer), "{refused}");
    }
    // The old form stays.
    let sent = ana.post(&path, json!({"attachments": [{"key": "public/chat/a.png", "name": "a.png", "type": "image/png"}]})).await.expect(201);
    assert_eq!((&sent["attachments"][0]["key"], &sent["attachments"][0]["fileId"]), (&json!("public/chat/a.png"), &Value::Null));
}

#[tokio::test]
async fn two_messages_at_once_with_one_file_are_one_message() {
    let studio = studio().await;
    let (ana, ben) = (studio.person("ana").await, studio.person("ben").await);
    let conversation = direct(&ana, &ben).await;
    let (path, id) = (messages_of(&conversation), file(&ana, &conversation, "f").await);
    let sends = join_all((0..4).map(|_| ana.post(&path, json!({"attachments": [{"fileId": id}]})))).await;
    let mut statuses: Vec<u16> = sends.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 422, 422, 422]);
}
