//! Budgets: lines, revisions, many editors at once.

use super::*;

#[tokio::test]
async fn twenty_editors_of_one_budget_lose_no_line() {
    let studio = studio().await;
    let ana = studio.person("ana").await;
    let path = format!("{}/budget", ana.project(json!({"title": "Atrium"})).await);
    let added = join_all((0..20).map(|n| ana.patch(&path, json!({"lines": [{"itemBudgetedCost": n, "category": "LABOR"}]})))).await;
    assert!(added.iter().all(|answer| answer.status == 200));
    let budget = ana.get(&path).await;
    let lines = budget.body["lines"].as_array().unwrap();
    let keys: Vec<_> = lines.iter().map(|line| line["elementKey"].as_str().unwrap().to_owned()).collect();
    assert_eq!(keys, (1..=20).map(|n| format!("atrium-{n:04}")).collect::<Vec<_>>(), "no number twice");
    assert_eq!(budget.body["totals"]["headerBudgetedTotalCost"].to_string(), "190");
    // The same line with a precondition: one winner.
    let id = &lines[0]["budgetItemId"];
    let guarded = |n: u32| {
        ana.call(
            EventBuilder::new(Method::PATCH, &path).header("if-match", &budget.etag).json(&json!({"lines": [{"budgetItemId": id, "quantity": n}]})),
        )
    };
    let statuses = join_all((0..20).map(guarded)).await;
    assert_eq!(statuses.iter().filter(|answer| answer.status == 200).count(), 1);
    assert_eq!(statuses.iter().filter(|answer| answer.status == 412).count(), 19);
}

#[tokio::test]
async fn twenty_editors_of_twenty_lines_lose_no_change() {
    let studio = studio().await;
    let ana = studio.person("ana").await;
    let path = format!("{}/budget", ana.project(json!({"title": "Atrium"})).await);
    let made = ana.patch(&path, json!({"lines": vec![json!({"quantity": 1}); 20]})).await.expect(200);
    let ids: Vec<Value> = made["lines"].as_array().unwrap().iter().map(|line| line["budgetItemId"].clone()).collect();
    let change = |id: &Value, n: usize| ana.patch(&path, json!({"lines": [{"budgetItemId": id, "itemBudgetedCost": n + 1, "notes": n.to_string()}]}));
    let changed = join_all(ids.iter().enumerate().map(|(n, id)| change(id, n))).await;
    let mut versions: Vec<_> = changed.into_iter().map(|answer| answer.expect(200)["version"].as_u64().unwrap()).collect();
    versions.sort_unstable();
    assert_eq!(versions, (3..=22).collect::<Vec<_>>(), "each write is a version of its own");
    let after = ana.get(&path).await.expect(200);
    for (n, line) in after["lines"].as_array().unwrap().iter().enumerate() {
        assert_eq!((line["itemBudgetedCost"].to_string(), &line["notes"]), ((n + 1).to_string(), &json!(n.to_string())));
    }
    assert_eq!(after["totals"]["headerBudgetedTotalCost"].to_string(), "210");
}

#[tokio::test]
async fn a_revision_of_a_thousand_lines_is_copied_whole_while_others_read() {
    let studio = studio().await;
    let ana = studio.person("ana").await;
    let path = format!("{}/budget", ana.project(json!({"title": "Atrium"})).await);
    let lines: Vec<Value> =
        (0..1_000).map(|n| json!({"itemBudgetedCost": 1, "description": format!(" line {n} "), "clientLineId": n.to_string()})).collect();
    let first = ana.patch(&path, json!({"lines": lines})).await.expect(200);
    assert_eq!((first["lines"].as_array().unwrap().len(), &first["lines"][7]["description"]), (1_000, &json!("LINE 7")));
    // The highest revision is shown: the old one, and from one moment on the new one.
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
    // A change of one revision is no change of the other.
    let id = &copied["lines"][0]["budgetItemId"];
    ana.patch(&path, json!({"revision": 2, "lines": [{"budgetItemId": id, "itemBudgetedCost": 5}]})).await.expect(200);
    let one = ana.get(&format!("{path}?revision=1")).await.expect(200);
    assert_eq!(one["totals"]["headerBudgetedTotalCost"].to_string(), "1000");
    let revisions: Vec<_> =
        one["revisions"].as_array().unwrap().iter().map(|revision| revision["totals"]["headerBudgetedTotalCost"].to_string()).collect();
    assert_eq!(revisions, ["1000", "1004"]);
}

#[tokio::test]
async fn revisions_come_and_go_by_their_rules() {
    let studio = studio().await;
    let ana = studio.person("ana").await;
    let path = format!("{}/budget", ana.project(json!({"title": "Atrium"})).await);
    let code = async |body: Value| ana.patch(&path, body).await.body["code"].as_str().unwrap_or("ok").to_owned();
    assert_eq!(code(json!({"deleteRevision": 1})).await, "conflict");
    let second = ana.patch(&path, json!({"header": {"currency": "EUR"}, "createRevision": {}})).await.expect(200);
    assert_eq!((&second["revision"], &second["currency"], second["lines"].as_array().unwrap().len()), (&json!(2), &json!("EUR"), 0));
    assert_eq!(code(json!({"clientRevision": 3})).await, "validation_failed");
    assert_eq!(code(json!({"clientRevision": 1})).await, "ok");
    assert_eq!(code(json!({"deleteRevision": 1})).await, "conflict");
    assert_eq!(code(json!({"clientRevision": null})).await, "ok");
    // What is written into the revision that goes is gone with it; what is written into another is not.
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

#[tokio::test]
async fn minimal_answers_hold_what_was_written() {
    let studio = studio().await;
    let ana = studio.person("ana").await;
    let path = format!("{}/budget", ana.project(json!({"title": "Atrium"})).await);
    ana.patch(&path, json!({"lines": [{"quantity": 1}]})).await.expect(200);
    let event = EventBuilder::new(Method::PATCH, &path).header("prefer", "return=minimal").json(&json!({"lines": [{"quantity": 2}]}));
    let answer = ana.call(event).await.expect(200);
    assert_eq!(answer["lines"].as_array().unwrap().len(), 1);
    assert_eq!(answer.as_object().unwrap().keys().collect::<Vec<_>>(), ["lines", "revision", "totals", "version"]);
}

/// How many items of one kind the table holds.
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
async fn what_a_copy_that_failed_has_left_is_cleared_by_a_later_write() {
    use local_stack::faults::{Effect, InjectedFault};
    let studio = studio().await;
    let ana = studio.person("ana").await;
    let path = format!("{}/budget", ana.project(json!({"title": "Atrium"})).await);
    ana.patch(&path, json!({"lines": vec![json!({"itemBudgetedCost": 1}); 300]})).await.expect(200);
    // Six of twelve batches go through.
    studio.harness.faults.add(InjectedFault { action: Some("BatchWriteItem".to_owned()), effect: Effect::Throttle, skip: 6, times: usize::MAX });
    assert_eq!(ana.patch(&path, json!({"createRevision": {"duplicateOf": 1}})).await.status, 503);
    studio.harness.faults.clear();
    assert!(stored(&studio, "budgetLine").await > 300);
    let after = ana.get(&path).await.expect(200);
    assert_eq!((&after["version"], after["revisions"].as_array().unwrap().len()), (&json!(2), 1), "nothing is seen of it");
    // Not yet: its writer may still be running.
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

#[tokio::test]
async fn a_description_is_bounded_as_it_is_kept() {
    let studio = studio().await;
    let ana = studio.person("ana").await;
    let path = format!("{}/budget", ana.project(json!({"title": "Atrium"})).await);
    let refused = ana.patch(&path, json!({"lines": [{"description": "ß".repeat(1_001)}]})).await.expect(422);
    assert_eq!((&refused["errors"][0]["pointer"], &refused["errors"][0]["code"]), (&json!("/lines/0/description"), &json!("too_long")));
    for text in ["ß".repeat(1_000), format!("  {}  ", "x".repeat(2_000))] {
        let kept = ana.patch(&path, json!({"lines": [{"description": text}]})).await.expect(200)["lines"].as_array().unwrap().last().unwrap().clone();
        assert_eq!(kept["description"].as_str().unwrap().chars().count(), 2_000);
        ana.patch(&path, json!({"lines": [{"budgetItemId": kept["budgetItemId"], "description": kept["description"]}]})).await.expect(200);
    }
}

#[tokio::test]
async fn an_effective_mark_up_has_no_bound() {
    let studio = studio().await;
    let ana = studio.person("ana").await;
    let path = format!("{}/budget", ana.project(json!({"title": "Atrium"})).await);
    let budget = ana.patch(&path, json!({"lines": [{"itemBudgetedCost": 0.01, "itemFinalCost": 10_000_000_000_000u64}]})).await.expect(200);
    assert_eq!(budget["totals"]["headerEffectiveMarkup"].to_string(), "999999999999999");
    assert_eq!(ana.get(&path).await.expect(200)["totals"], budget["totals"]);
}
