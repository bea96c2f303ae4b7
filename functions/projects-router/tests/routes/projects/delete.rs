//! `DELETE /projects/{id}`

use crate::*;

#[tokio::test]
async fn a_deleted_project_is_purged_after_the_response() {
    let studio = studio().await;
    let (ana, ben) = (studio.person("ana").await, studio.person("ben").await);
    let path = project(&ana, json!({"title": "Atrium", "team": [{"userId": ben.id, "role": "editor"}]})).await;
    ana.patch(&format!("{path}/budget"), json!({"lines": (0..120).map(|_| json!({"quantity": 1})).collect::<Vec<_>>()})).await.expect(200);
    assert_eq!(ana.delete(&path).await.status, 204);
    for answer in [ana.get(&path).await, ben.get(&format!("{path}/budget")).await, ana.patch(&path, json!({"status": "x"})).await] {
        assert_eq!(answer.status, 404);
    }
    assert_eq!(ben.get("/projects/list").await.expect(200)["items"], json!([]));
    assert_eq!(ana.delete(&path).await.status, 204, "again, by who owned it");
    assert_eq!(ben.delete(&path).await.status, 404);
    studio.app.background_tasks().run(Duration::from_secs(30)).await;
    let client = studio.harness.aws().dynamodb();
    let left = client.scan().table_name(studio.harness.table("projects")).send().await.unwrap();
    let kinds: Vec<_> = left.items().iter().map(|item| item["type"].as_s().unwrap().clone()).collect();
    assert_eq!(kinds, ["project"], "only the header waits for its time");
}

#[tokio::test]
async fn an_interrupted_purge_continues_with_the_next_list() {
    use local_stack::faults::{Effect, InjectedFault};
    let studio = studio().await;
    let ana = studio.person("ana").await;
    let path = project(&ana, json!({"title": "Atrium"})).await;
    ana.patch(&format!("{path}/budget"), json!({"lines": vec![json!({"quantity": 1}); 200]})).await.expect(200);
    studio.harness.faults.add(InjectedFault { action: Some("BatchWriteItem".to_owned()), effect: Effect::Throttle, skip: 3, times: usize::MAX });
    assert_eq!(ana.delete(&path).await.status, 204);
    studio.app.background_tasks().run(Duration::from_secs(30)).await;
    studio.harness.faults.clear();
    let kinds = async || {
        let scanned = studio.harness.aws().dynamodb().scan().table_name(studio.harness.table("projects")).send().await.unwrap();
        let kinds: std::collections::BTreeSet<_> = scanned.items().iter().map(|item| item["type"].as_s().unwrap().clone()).collect();
        kinds.into_iter().collect::<Vec<_>>()
    };
    assert!(kinds().await.contains(&"budgetLine".to_owned()), "it was cut short");
    assert_eq!(ana.get("/projects/list").await.expect(200)["items"], json!([]), "and nobody sees it");
    studio.app.background_tasks().run(Duration::from_secs(30)).await;
    assert_eq!(kinds().await, ["project"], "only the header waits for its time");
}
