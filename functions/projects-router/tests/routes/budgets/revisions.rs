//! Revisions of a budget: create, copy, delete.

use crate::*;

#[tokio::test]
async fn a_large_revision_is_copied_completely_while_others_read() {
    let studio = studio().await;
    let ana = studio.person("ana").await;
    let path = format!("{}/budget", project(&ana, json!({"title": "Atrium"})).await);
    let lines: Vec<Value> =
        (0..1_000).map(|n| json!({"itemBudgetedCost": 1, "description": format!(" line {n} "), "clientLineId": n.to_string()})).collect();
    let first = ana.patch(&path, json!({"lines": lines})).await.expect(200);
    assert_eq!((first["lines"].as_array().unwrap().len(), &first["lines"][7]["description"]), (1_000, &json!("LINE 7")));
    // The highest revision is shown: first revision 1, then the new one as soon as it is complete.
    let done = std::cell::Cell::new(false);
    let copy = async {
        let copied = ana.patch(&path, json!({"createRevision": {"duplicateOf": 1, "title": "v2"}})).await.expect(200);
        done.set(true);
        copied
    };
    let read = async {
        let mut seen = Vec::new();
        while !done.get() || !seen.contains(&2) {
            let budget = ana.get(&path).await.expect(200);
            assert_eq!(budget["lines"].as_array().unwrap().len(), 1_000, "old or new, and whole");
            seen.push(budget["revision"].as_u64().unwrap());
        }
        seen
    };
    let (copied, seen) = tokio::join!(copy, read);
    assert!(seen.is_sorted() && seen.contains(&1) && seen.contains(&2), "{seen:?}");
    assert_eq!((&copied["revision"], &copied["header"]["title"]), (&json!(2), &json!("v2")));
    assert_eq!(copied["lines"][7]["elementKey"], first["lines"][7]["elementKey"]);
    // A change in one revision does not affect the other.
    let id = &copied["lines"][0]["budgetItemId"];
    ana.patch(&path, json!({"revision": 2, "lines": [{"budgetItemId": id, "itemBudgetedCost": 5}]})).await.expect(200);
    let one = ana.get(&format!("{path}?revision=1")).await.expect(200);
    assert_eq!(one["totals"]["headerBudgetedTotalCost"].to_string(), "1000");
    let revisions: Vec<_> =
        one["revisions"].as_array().unwrap().iter().map(|revision| revision["totals"]["headerBudgetedTotalCost"].to_string()).collect();
    assert_eq!(revisions, ["1000", "1004"]);
}

#[tokio::test]
async fn revisions_are_created_and_removed() {
    let studio = studio().await;
    let ana = studio.person("ana").await;
    let path = format!("{}/budget", project(&ana, json!({"title": "Atrium"})).await);
    let code = async |body: Value| ana.patch(&path, body).await.body["code"].as_str().unwrap_or("ok").to_owned();
    assert_eq!(code(json!({"deleteRevision": 1})).await, "conflict");
    let second = ana.patch(&path, json!({"header": {"currency": "EUR"}, "createRevision": {}})).await.expect(200);
    assert_eq!((&second["revision"], &second["currency"], second["lines"].as_array().unwrap().len()), (&json!(2), &json!("EUR"), 0));
    assert_eq!(code(json!({"clientRevision": 3})).await, "validation_failed");
    assert_eq!(code(json!({"clientRevision": 1})).await, "ok");
    assert_eq!(code(json!({"deleteRevision": 1})).await, "conflict");
    assert_eq!(code(json!({"clientRevision": null})).await, "ok");
    // Deleting revision 1 keeps the lines that the same request writes into revision 2.
    assert_eq!(code(json!({"revision": 2, "lines": [{"quantity": 2}], "deleteRevision": 1})).await, "ok");
    assert_eq!(ana.get(&path).await.expect(200)["lines"].as_array().unwrap().len(), 1);
    assert_eq!(ana.get(&format!("{path}?revision=1")).await.status, 404);
    let third = ana.patch(&path, json!({"createRevision": {"duplicateOf": 2}})).await.expect(200);
    assert_eq!((&third["revision"], third["lines"].as_array().unwrap().len()), (&json!(3), 1), "numbers are not given twice");
    assert_eq!(code(json!({"header": {"currency": "USD"}})).await, "validation_failed");
    assert_eq!(code(json!({"createRevision": {"duplicateOf": 1}})).await, "validation_failed");
    let version = ana.get(&path).await.body["version"].clone();
    assert_eq!(code(json!({})).await, "ok");
    assert_eq!(ana.get(&path).await.body["version"], version, "nothing asked, nothing counted");
}

/// The number of items of this type in the table.
async fn stored(studio: &Studio, kind: &str) -> usize {
    let table = studio.harness.table("projects");
    let mut scan = studio.harness.aws().dynamodb().scan().table_name(table).into_paginator().items().send();
    let mut count = 0;
    while let Some(item) = scan.next().await {
        count += usize::from(item.unwrap()["type"].as_s().unwrap() == kind);
    }
    count
}

#[tokio::test]
async fn a_later_write_cleans_up_a_failed_copy() {
    use local_stack::faults::{Effect, InjectedFault};
    let studio = studio().await;
    let ana = studio.person("ana").await;
    let path = format!("{}/budget", project(&ana, json!({"title": "Atrium"})).await);
    ana.patch(&path, json!({"lines": vec![json!({"itemBudgetedCost": 1}); 300]})).await.expect(200);
    // The first 6 of 12 batches succeed.
    studio.harness.faults.add(InjectedFault { action: Some("BatchWriteItem".to_owned()), effect: Effect::Throttle, skip: 6, times: usize::MAX });
    assert_eq!(ana.patch(&path, json!({"createRevision": {"duplicateOf": 1}})).await.status, 503);
    studio.harness.faults.clear();
    assert!(stored(&studio, "budgetLine").await > 300);
    let after = ana.get(&path).await.expect(200);
    assert_eq!((&after["version"], after["revisions"].as_array().unwrap().len()), (&json!(2), 1), "nothing is seen of it");
    // A cleanup must wait: the writer of the generation may still be running.
    ana.patch(&path, json!({"header": {"title": "a"}})).await.expect(200);
    studio.app.background_tasks().run(Duration::from_secs(30)).await;
    assert!(stored(&studio, "budgetLine").await > 300);
    studio.harness.clock.advance_seconds(15 * 60 + 1);
    let ana = Person { token: studio.harness.token(ana.id, Role::User).await, ..ana };
    ana.patch(&path, json!({"header": {"title": "b"}})).await.expect(200);
    studio.app.background_tasks().run(Duration::from_secs(30)).await;
    assert_eq!(stored(&studio, "budgetLine").await, 300);
    assert_eq!(ana.get(&path).await.expect(200)["lines"].as_array().unwrap().len(), 300);
}
