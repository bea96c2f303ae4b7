//! Objects go with their file, their message and their project, also when S3 fails at first.

use end_to_end::upload::{declaration, declare, post_form, send, upload};
use end_to_end::{Person, text};
use local_stack::faults::{Effect, InjectedFault};
use serde_json::{Value, json};

use super::{CONTENT, Studio, listed};

/// Every deletion of an object fails until the faults are cleared.
fn break_deletions(studio: &Studio) {
    affect_deletions(studio, Effect::ServerError, usize::MAX);
}

/// The next deletions of objects have this effect.
fn affect_deletions(studio: &Studio, effect: Effect, times: usize) {
    studio.world.stack().faults.add(InjectedFault { action: Some("DeleteObject".to_owned()), effect, skip: 0, times });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_file_takes_its_object_along() {
    let studio = Studio::start().await;
    let [file, _] = [studio.uploaded().await, studio.uploaded().await];
    assert_eq!(studio.objects().await.len(), 2);
    let path = studio.path(&file);
    studio.ana.delete(&path).await.expect(204);
    assert_eq!(studio.objects().await.len(), 1);
    studio.cleo.get(&path).await.expect_error(404, "not_found");
    studio.ana.delete(&path).await.expect_error(404, "not_found");
    assert_eq!(studio.listed().await.len(), 1);
    // A pending file too, whether it was uploaded or not.
    for is_sent in [false, true] {
        let declared = declare(&studio.ben, &studio.files, declaration("b.txt", "text/plain", b"b")).await;
        if is_sent {
            send(&declared["upload"], b"b").await;
        }
        studio.ben.delete(&studio.path(&declared)).await.expect(204);
        assert_eq!(studio.objects().await.len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_project_takes_all_its_objects_along() {
    let studio = Studio::start().await;
    for _ in 0..3 {
        studio.uploaded().await;
    }
    let declared = declare(&studio.ben, &studio.files, declaration("b.txt", "text/plain", b"b")).await;
    send(&declared["upload"], b"b").await;
    let other = studio.world.project(&studio.ben, "Loft", &[]).await;
    let kept = upload(&studio.ben, &format!("/projects/{other}/files"), "a.txt", "text/plain", b"a").await;
    assert_eq!(studio.objects().await.len(), 5);
    studio.ana.delete(&format!("/projects/{}", studio.project)).await.expect(204);
    studio.cleo.get(&studio.files).await.expect_error(404, "not_found");
    assert_eq!(studio.objects().await.len(), 1);
    assert_eq!(listed(&studio.ben, &format!("/projects/{other}/files")).await, [kept]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_later_request_deletes_what_s3_would_not() {
    let studio = Studio::start().await;
    let other = studio.world.project(&studio.ben, "Loft", &[]).await;
    for _ in 0..2 {
        studio.uploaded().await;
    }
    break_deletions(&studio);
    studio.ana.delete(&format!("/projects/{}", studio.project)).await.expect(204);
    assert_eq!(studio.objects().await.len(), 2, "S3 fails");
    studio.world.stack().faults.clear();
    // A file of any project will do.
    studio.ben.post(&format!("/projects/{other}/files"), declaration("a.txt", "text/plain", b"a")).await.expect(201);
    assert!(studio.objects().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn one_request_deletes_all_that_s3_would_not() {
    let studio = Studio::start().await;
    let other = studio.world.project(&studio.ben, "Loft", &[]).await;
    // More than one page of entries.
    for number in 0..30 {
        let declared = declare(&studio.ben, &studio.files, declaration(&format!("{number}.txt"), "text/plain", b"b")).await;
        send(&declared["upload"], b"b").await;
    }
    break_deletions(&studio);
    studio.ana.delete(&format!("/projects/{}", studio.project)).await.expect(204);
    assert_eq!(studio.objects().await.len(), 30, "S3 fails");
    studio.world.stack().faults.clear();
    studio.ben.post(&format!("/projects/{other}/files"), declaration("a.txt", "text/plain", b"a")).await.expect(201);
    assert!(studio.objects().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_that_s3_refuses_to_delete_delays_no_other() {
    let studio = Studio::start().await;
    for _ in 0..2 {
        studio.uploaded().await;
    }
    affect_deletions(&studio, Effect::Deny, 1);
    studio.ana.delete(&format!("/projects/{}", studio.project)).await.expect(204);
    assert_eq!(studio.objects().await.len(), 1, "the refused one");
    let other = studio.world.project(&studio.ben, "Loft", &[]).await;
    studio.ben.post(&format!("/projects/{other}/files"), declaration("a.txt", "text/plain", b"a")).await.expect(201);
    assert!(studio.objects().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_deleted_although_s3_fails() {
    let studio = Studio::start().await;
    let path = studio.path(&studio.uploaded().await);
    break_deletions(&studio);
    studio.ben.delete(&path).await.expect(204);
    studio.cleo.get(&path).await.expect_error(404, "not_found");
    assert_eq!(studio.objects().await.len(), 1);
    studio.world.stack().faults.clear();
    // The repeated request finds no file. The next upload goes on.
    studio.uploaded().await;
    assert_eq!(studio.objects().await.len(), 1, "the new one");
}

/// A message of Ben's with an uploaded file: its id and the path of the file.
async fn sent(studio: &Studio, conversation: &str, ben: &Person) -> (String, String) {
    let files = format!("/messages/conversations/{conversation}/files");
    let file = upload(ben, &files, "plan.pdf", "application/pdf", CONTENT).await;
    let body = json!({"text": "here", "attachments": [{"fileId": file["fileId"]}]});
    let message = ben.post(&format!("/messages/conversations/{conversation}/messages"), body).await.expect(201);
    assert_eq!(message["attachments"][0]["name"], json!("plan.pdf"));
    let path = format!("{files}/{}", text(&file["fileId"]));
    assert_eq!(end_to_end::upload::download(&studio.ana, &path).await, CONTENT);
    studio.dana.get(&path).await.expect_error(404, "not_found");
    ben.delete(&path).await.expect_error(409, "conflict");
    (text(&message["messageId"]), path)
}

/// A deletion reads the file, then deletes it. A message that attaches the file in between keeps it.
#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_a_message_attached_meanwhile_is_not_deleted() {
    let studio = Studio::start().await;
    let conversation = studio.world.direct(&studio.ana, &studio.ben).await;
    let files = format!("/messages/conversations/{conversation}/files");
    let file = upload(&studio.ben, &files, "plan.pdf", "application/pdf", CONTENT).await;
    let path = format!("{files}/{}", text(&file["fileId"]));
    studio.world.settled().await;
    let faults = &studio.world.stack().faults;
    let late = Effect::Delay(std::time::Duration::from_millis(1_500));
    faults.add(InjectedFault { action: Some("TransactWriteItems".to_owned()), effect: late, skip: 0, times: 1 });
    let (ben, deleted) = (studio.ben.clone(), path.clone());
    let deletion = tokio::spawn(async move { ben.delete(&deleted).await });
    while faults.waiting() > 0 {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    let body = json!({"attachments": [{"fileId": file["fileId"]}]});
    studio.ben.post(&format!("/messages/conversations/{conversation}/messages"), body).await.expect(201);
    deletion.await.unwrap().expect_error(409, "conflict");
    assert_eq!(end_to_end::upload::download(&studio.ana, &path).await, CONTENT);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_message_takes_its_file_along() {
    let studio = Studio::start().await;
    let conversation = studio.world.direct(&studio.ana, &studio.ben).await;
    let mut socket = studio.ben.connect().await;
    for by_socket in [false, true] {
        let (message, path) = sent(&studio, &conversation, &studio.ben).await;
        assert_eq!(studio.objects().await.len(), 1);
        if by_socket {
            let (reply, _) = socket.ask(json!({"action": "deleteMessage", "messageId": message, "ref": "r"})).await;
            assert_ne!(reply["action"], json!("error"), "{reply}");
        } else {
            studio.ben.delete(&format!("/messages/{message}")).await.expect(204);
        }
        assert_eq!(studio.objects().await, <Vec<String>>::new(), "by socket: {by_socket}");
        studio.ana.get(&path).await.expect_error(404, "not_found");
    }
    let files = listed(&studio.ana, &format!("/messages/conversations/{conversation}/files")).await;
    assert_eq!(files, <Vec<Value>>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_uploaded_after_its_deletion_is_no_file() {
    let studio = Studio::start().await;
    let declared = declare(&studio.ben, &studio.files, declaration("b.txt", "text/plain", b"b")).await;
    studio.ben.delete(&studio.path(&declared)).await.expect(204);
    studio.world.settled().await;
    // The form works for ten minutes. Its removal is due a day after the declaration.
    assert_eq!(post_form(&declared["upload"], b"b").await.status(), 204);
    super::complete(&studio.ben, &studio.files, &declared).await.expect_error(404, "not_found");
    assert!(studio.listed().await.is_empty());
}
