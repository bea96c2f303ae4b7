//! Files that must go, with a clock that is moved: nothing is left of them, in the table or in S3.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::AttributeValue;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use local_stack::faults::{Effect, InjectedFault};
use ring::digest::{SHA256, digest};
use test_harness::{LocalS3, ORIGIN, post_form};

use super::*;

const CONTENT: &[u8] = b"a drawing";
/// Uploads end after a day.
const DAY: i64 = 86_400;

/// As [`studio`], with a local S3.
async fn studio_with_s3() -> (Studio, LocalS3) {
    let harness = Harness::start().await;
    let s3 = LocalS3::start(harness.declaration.clone(), harness.faults.clone(), ORIGIN).await;
    let files = harness.files_on(&s3.aws(harness.aws(), "projects-router"), OwnerKind::Project, "projects");
    (Studio { app: App::new(harness.context(), harness.broadcaster(), files), harness }, s3)
}

async fn declare(person: &Person<'_>, project: &str) -> Value {
    let checksum = STANDARD.encode(digest(&SHA256, CONTENT));
    let body = json!({"name": "plan.png", "type": "image/png", "size": CONTENT.len(), "checksum": checksum});
    person.post(&format!("{project}/files"), body).await.expect(201)
}

async fn upload(declared: &Value) {
    let fields: BTreeMap<String, String> = serde_json::from_value(declared["upload"]["fields"].clone()).unwrap();
    assert_eq!(post_form(declared["upload"]["url"].as_str().unwrap(), &fields, CONTENT).await, 204);
}

fn file_path(project: &str, declared: &Value) -> String {
    format!("{project}/files/{}", declared["file"]["fileId"].as_str().unwrap())
}

async fn complete(person: &Person<'_>, project: &str, declared: &Value) -> Answer {
    person.call(EventBuilder::new(Method::POST, &format!("{}/complete", file_path(project, declared)))).await
}

/// The same person with a new token, after the clock was moved.
async fn signed_in_again<'a>(person: &Person<'a>) -> Person<'a> {
    Person { studio: person.studio, id: person.id, token: person.studio.harness.token(person.id, Role::User).await }
}

/// The items about files in the table: how many of each type, and the bytes that are counted.
async fn left(studio: &Studio) -> (BTreeMap<String, usize>, i64) {
    let scanned = studio.harness.aws().dynamodb().scan().table_name(studio.harness.table("projects")).send().await.unwrap();
    let (mut kinds, mut bytes) = (BTreeMap::new(), 0);
    for item in scanned.items() {
        let kind = item.get("type").and_then(|kind| kind.as_s().ok()).cloned().unwrap_or_default();
        if ["file", "fileUsage", "removal"].contains(&kind.as_str()) {
            *kinds.entry(kind).or_default() += 1;
        }
        bytes += item.get("bytes").and_then(|bytes: &AttributeValue| bytes.as_n().ok()).map_or(0, |bytes| bytes.parse().unwrap());
    }
    (kinds, bytes)
}

async fn settle(studio: &Studio) {
    studio.app.background_tasks().run(Duration::from_secs(30)).await;
}

fn kinds<const N: usize>(kinds: [(&str, usize); N]) -> BTreeMap<String, usize> {
    kinds.into_iter().map(|(kind, count)| (kind.to_owned(), count)).collect()
}

#[tokio::test]
async fn an_upload_that_was_not_completed_is_gone_after_a_day() {
    let (studio, s3) = studio_with_s3().await;
    let ana = studio.person("ana").await;
    let path = project(&ana, json!({"title": "Atrium"})).await;
    let (never_sent, never_completed, kept) = (declare(&ana, &path).await, declare(&ana, &path).await, declare(&ana, &path).await);
    upload(&never_completed).await;
    upload(&kept).await;
    complete(&ana, &path, &kept).await.expect(200);

    // Just before the day ends, both can still be completed.
    studio.harness.clock.advance_seconds(DAY - 60);
    let ana = signed_in_again(&ana).await;
    let fourth = declare(&ana, &path).await;
    settle(&studio).await;
    assert_eq!(s3.storage.keys("files").len(), 2);
    assert_eq!(left(&studio).await.0, kinds([("file", 4), ("fileUsage", 1), ("removal", 3)]));
    assert_eq!(ana.delete(&file_path(&path, &fourth)).await.status, 204);

    studio.harness.clock.advance_seconds(61);
    let ana = signed_in_again(&ana).await;
    declare(&ana, &path).await;
    settle(&studio).await;
    let of_the_kept = ana.get(&format!("{path}/files")).await.expect(200);
    assert_eq!(of_the_kept["items"].as_array().unwrap().len(), 1);
    assert_eq!(s3.storage.keys("files").len(), 1, "only the completed one is left");
    // What is left: the completed file, and the new upload with its removal. The removal of the deleted one waits for the end of its upload.
    assert_eq!(left(&studio).await, (kinds([("file", 2), ("fileUsage", 1), ("removal", 2)]), 2 * i64::try_from(CONTENT.len()).unwrap()));
    for gone in [&never_sent, &never_completed] {
        complete(&ana, &path, gone).await.expect_error(404, "not_found");
    }
}

#[tokio::test]
async fn the_files_of_a_deleted_project_go_however_often_the_work_is_interrupted() {
    let (studio, s3) = studio_with_s3().await;
    let ana = studio.person("ana").await;
    let path = project(&ana, json!({"title": "Atrium"})).await;
    for _ in 0..3 {
        let declared = declare(&ana, &path).await;
        upload(&declared).await;
        complete(&ana, &path, &declared).await.expect(200);
    }
    let pending = declare(&ana, &path).await;
    upload(&pending).await;
    assert_eq!(s3.storage.keys("files").len(), 4);
    // Each time, one write more succeeds before the table refuses all of them.
    assert_eq!(ana.delete(&path).await.status, 204);
    for skip in 0..6 {
        for action in ["BatchWriteItem", "DeleteItem"] {
            studio.harness.faults.add(InjectedFault { action: Some(action.to_owned()), effect: Effect::Throttle, skip, times: usize::MAX });
        }
        settle(&studio).await;
        studio.harness.faults.clear();
        // The list goes on with projects whose deletion was interrupted.
        ana.get("/projects/list").await.expect(200);
    }
    settle(&studio).await;
    // A later request that deals with files goes on with the objects.
    let other = project(&ana, json!({"title": "Other"})).await;
    let declared = declare(&ana, &other).await;
    settle(&studio).await;
    assert_eq!(s3.storage.keys("files"), Vec::<String>::new());

    // Forms of uploads outlive the project. What they bring later goes too.
    upload(&pending).await;
    assert_eq!(ana.delete(&file_path(&other, &declared)).await.status, 204);
    studio.harness.clock.advance_seconds(DAY + 1);
    let ana = signed_in_again(&ana).await;
    declare(&ana, &other).await;
    settle(&studio).await;
    assert_eq!(s3.storage.keys("files"), Vec::<String>::new());
    assert_eq!(left(&studio).await, (kinds([("file", 1), ("fileUsage", 1), ("removal", 1)]), i64::try_from(CONTENT.len()).unwrap()));
}
