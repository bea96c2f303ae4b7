//! Files whose time has come: uploads that were never completed, and the files of deleted projects.

use local_stack::faults::{Effect, InjectedFault};
use shared_utils::dynamo::{Item, PartitionQuery};
use test_harness::Bucket;

use crate::*;

const DAY: i64 = 86_400;
const CONTENT: &str = "content";
/// The SHA-256 of [`CONTENT`].
const SHA: &str = "7XACtDnprIRfIjV9giusFERzD722AW0+yUMil7nsn3M=";

/// A function with an S3 of its own.
async fn studio_with_bucket() -> (Studio, Bucket) {
    let harness = Harness::start().await;
    let bucket = Bucket::start(&harness, "projects-router").await;
    let files = harness.files_on(&bucket.aws, OwnerKind::Project, "projects");
    (Studio { app: App::new(harness.context(), harness.broadcaster(), files), harness }, bucket)
}

/// The person with a token of the present time.
async fn again<'a>(person: &Person<'a>) -> Person<'a> {
    Person { studio: person.studio, id: person.id, token: person.studio.harness.token(person.id, Role::User).await }
}

async fn declare(person: &Person<'_>, project: &str) -> Value {
    let body = json!({"name": "a.txt", "type": "text/plain", "size": CONTENT.len(), "checksum": SHA});
    person.post(&format!("{project}/files"), body).await.expect(201)
}

/// The path of a declared file.
fn path(project: &str, declared: &Value) -> String {
    format!("{project}/files/{}", declared["file"]["fileId"].as_str().unwrap())
}

async fn complete(person: &Person<'_>, project: &str, declared: &Value) -> Answer {
    person.call(EventBuilder::new(Method::POST, &format!("{}/complete", path(project, declared)))).await
}

async fn uploaded(person: &Person<'_>, bucket: &Bucket, project: &str) -> Value {
    let declared = declare(person, project).await;
    bucket.post(&declared["upload"], CONTENT).await;
    complete(person, project, &declared).await.expect(200);
    declared
}

async fn settle(studio: &Studio) {
    studio.app.background_tasks().run(Duration::from_secs(30)).await;
}

async fn items(studio: &Studio, partition: &str) -> Vec<Item> {
    let table = studio.harness.table("projects");
    studio.harness.store().query_all(&PartitionQuery::all(&table, partition)).await.unwrap()
}

/// What the project's files take, in bytes.
async fn usage(studio: &Studio, project: &str) -> usize {
    let items = items(studio, &project.replace("/projects/", "FILES#")).await;
    items.iter().find_map(|item| item.get("bytes")?.as_n().ok()?.parse().ok()).unwrap_or_default()
}

#[tokio::test]
async fn what_is_not_completed_within_a_day_leaves_nothing() {
    let (studio, bucket) = studio_with_bucket().await;
    let ana = studio.person("ana").await;
    let project = project(&ana, json!({"title": "Atrium"})).await;
    let kept = uploaded(&ana, &bucket, &project).await;
    let (arrived, absent) = (declare(&ana, &project).await, declare(&ana, &project).await);
    bucket.post(&arrived["upload"], CONTENT).await;
    assert_eq!(complete(&ana, &project, &absent).await.code(), "conflict");
    studio.harness.clock.advance_seconds(DAY - 1);
    let ana = again(&ana).await;
    let late = declare(&ana, &project).await;
    settle(&studio).await;
    assert_eq!((bucket.storage.keys("files").len(), usage(&studio, &project).await), (2, 4 * CONTENT.len()), "a second before");
    studio.harness.clock.advance_seconds(2);
    declare(&ana, &project).await;
    settle(&studio).await;
    assert_eq!(bucket.storage.keys("files"), [kept["upload"]["fields"]["key"].as_str().unwrap()]);
    assert_eq!(usage(&studio, &project).await, 3 * CONTENT.len(), "the completed file and the two later ones");
    for gone in [&arrived, &absent] {
        complete(&ana, &project, gone).await.expect_error(404, "not_found");
    }
    ana.get(&path(&project, &kept)).await.expect(200);
    assert_eq!(complete(&ana, &project, &late).await.code(), "conflict", "it has its own day");
    assert_eq!(items(&studio, "REMOVALS").await.len(), 2, "those of the later ones");
}

#[tokio::test]
async fn what_arrives_after_its_deletion_goes_within_a_day() {
    let (studio, bucket) = studio_with_bucket().await;
    let ana = studio.person("ana").await;
    let project = project(&ana, json!({"title": "Atrium"})).await;
    let (pending, ready) = (declare(&ana, &project).await, uploaded(&ana, &bucket, &project).await);
    for file in [&pending, &ready] {
        ana.delete(&path(&project, file)).await.expect(204);
    }
    settle(&studio).await;
    assert!(bucket.storage.keys("files").is_empty());
    for file in [&pending, &ready] {
        bucket.post(&file["upload"], CONTENT).await;
    }
    studio.harness.clock.advance_seconds(DAY + 1);
    let ana = again(&ana).await;
    declare(&ana, &project).await;
    settle(&studio).await;
    assert_eq!(bucket.storage.keys("files"), <Vec<String>>::new());
    assert_eq!(usage(&studio, &project).await, CONTENT.len());
}

#[tokio::test]
async fn all_files_of_a_deleted_project_go_however_often_the_work_breaks_off() {
    let (studio, bucket) = studio_with_bucket().await;
    let ana = studio.person("ana").await;
    let project = project(&ana, json!({"title": "Atrium"})).await;
    // More than one round deletes.
    for _ in 0..30 {
        uploaded(&ana, &bucket, &project).await;
    }
    let fault = |action: &str, skip| InjectedFault { action: Some(action.to_owned()), effect: Effect::ServerError, skip, times: usize::MAX };
    studio.harness.faults.add(fault("BatchWriteItem", 1));
    ana.delete(&project).await.expect(204);
    settle(&studio).await;
    assert!(!bucket.storage.keys("files").is_empty() || !items(&studio, "REMOVALS").await.is_empty(), "it was cut short");
    studio.harness.faults.clear();
    // The next listing goes on. Then S3 fails half-way.
    bucket.faults.add(fault("DeleteObject", 10));
    assert_eq!(ana.get("/projects/list").await.expect(200)["items"], json!([]));
    settle(&studio).await;
    bucket.faults.clear();
    let other = crate::project(&ana, json!({"title": "Loft"})).await;
    declare(&ana, &other).await;
    settle(&studio).await;
    assert_eq!(bucket.storage.keys("files"), <Vec<String>>::new());
    assert_eq!(items(&studio, &project.replace("/projects/", "FILES#")).await, <Vec<Item>>::new());
}

#[tokio::test]
async fn a_file_that_changed_meanwhile_is_not_deleted() {
    let (studio, bucket) = studio_with_bucket().await;
    let ana = studio.person("ana").await;
    let project = project(&ana, json!({"title": "Atrium"})).await;
    let declared = declare(&ana, &project).await;
    bucket.post(&declared["upload"], CONTENT).await;
    // The deletion is held up until the file is completed.
    let held = InjectedFault { action: Some("TransactWriteItems".to_owned()), effect: Effect::Delay(Duration::from_millis(500)), skip: 0, times: 1 };
    studio.harness.faults.add(held);
    let file = path(&project, &declared);
    let deletion = ana.delete(&file);
    let completion = async {
        while studio.harness.faults.waiting() > 0 {
            tokio::task::yield_now().await;
        }
        complete(&ana, &project, &declared).await
    };
    let (deleted, completed) = futures_util::future::join(deletion, completion).await;
    completed.expect(200);
    deleted.expect_error(503, "unavailable");
    ana.delete(&file).await.expect(204);
    settle(&studio).await;
    assert!(bucket.storage.keys("files").is_empty());
}
