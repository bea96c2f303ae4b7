//! `POST /projects`

use crate::*;

#[tokio::test]
async fn an_idempotency_key_creates_one_project() {
    let studio = studio().await;
    let (ana, ben) = (studio.person("ana").await, studio.person("ben").await);
    let event =
        |title: &str| EventBuilder::new(Method::POST, "/projects").header("idempotency-key", "k-1").json(&json!({"title": title, "status": "1%"}));
    let all = join_all((0..4).map(|_| ana.call(event("Once")))).await;
    assert!(all.iter().all(|answer| answer.status == 201 && answer.body == all[0].body));
    assert_eq!(all.iter().filter(|answer| answer.is_replay()).count(), 3);
    assert_eq!(ana.get("/projects/list").await.expect(200)["items"].as_array().unwrap().len(), 1);
    let made = studio.harness.aws().dynamodb().scan().table_name(studio.harness.table("projects")).send().await.unwrap();
    let mut kinds: Vec<_> = made.items().iter().map(|item| item["type"].as_s().unwrap().clone()).collect();
    kinds.sort();
    assert_eq!(kinds, ["budget", "budgetRevision", "idempotency", "project", "projectDetails", "teamMember"], "one of each");
    // Member order does not change the body's digest, but a different value does. Keys belong to one person.
    let reordered = EventBuilder::new(Method::POST, "/projects")
        .header("idempotency-key", "k-1")
        .body("application/json", r#"{ "status": "1%", "title": "Once" }"#);
    assert!(ana.call(reordered).await.is_replay());
    assert_eq!(ana.call(event("Twice")).await.body["code"], json!("idempotency_mismatch"));
    assert!(!ben.call(event("Once")).await.is_replay());
    let path = format!("/projects/{}", all[0].body["projectId"].as_str().unwrap());
    ana.delete(&path).await;
    assert_eq!(ana.call(event("Once")).await.status, 404);
}
