//! Budgets: lines and concurrent editors.

use crate::*;

#[tokio::test]
async fn twenty_editors_of_one_budget_lose_no_line() {
    let studio = studio().await;
    let ana = studio.person("ana").await;
    let path = format!("{}/budget", project(&ana, json!({"title": "Atrium"})).await);
    let added = join_all((0..20).map(|n| ana.patch(&path, json!({"lines": [{"itemBudgetedCost": n, "category": "LABOR"}]})))).await;
    assert!(added.iter().all(|answer| answer.status == 200));
    let budget = ana.get(&path).await;
    let lines = budget.body["lines"].as_array().unwrap();
    let keys: Vec<_> = lines.iter().map(|line| line["elementKey"].as_str().unwrap().to_owned()).collect();
    assert_eq!(keys, (1..=20).map(|n| format!("atrium-{n:04}")).collect::<Vec<_>>(), "no number twice");
    assert_eq!(budget.body["totals"]["headerBudgetedTotalCost"].to_string(), "190");
    // Concurrent changes of one line with the same precondition: exactly one succeeds.
    let id = &lines[0]["budgetItemId"];
    let guarded = |n: u32| {
        ana.call(
            EventBuilder::new(Method::PATCH, &path).header("if-match", budget.etag()).json(&json!({"lines": [{"budgetItemId": id, "quantity": n}]})),
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
    let path = format!("{}/budget", project(&ana, json!({"title": "Atrium"})).await);
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
async fn minimal_responses_contain_what_was_written() {
    let studio = studio().await;
    let ana = studio.person("ana").await;
    let path = format!("{}/budget", project(&ana, json!({"title": "Atrium"})).await);
    ana.patch(&path, json!({"lines": [{"quantity": 1}]})).await.expect(200);
    let event = EventBuilder::new(Method::PATCH, &path).header("prefer", "return=minimal").json(&json!({"lines": [{"quantity": 2}]}));
    let answer = ana.call(event).await.expect(200);
    assert_eq!(answer["lines"].as_array().unwrap().len(), 1);
    assert_eq!(answer.as_object().unwrap().keys().collect::<Vec<_>>(), ["lines", "revision", "totals", "version"]);
}

#[tokio::test]
async fn description_length_is_checked_after_normalisation() {
    let studio = studio().await;
    let ana = studio.person("ana").await;
    let path = format!("{}/budget", project(&ana, json!({"title": "Atrium"})).await);
    let refused = ana.patch(&path, json!({"lines": [{"description": "ß".repeat(1_001)}]})).await.expect(422);
    assert_eq!((&refused["errors"][0]["pointer"], &refused["errors"][0]["code"]), (&json!("/lines/0/description"), &json!("too_long")));
    for text in ["ß".repeat(1_000), format!("  {}  ", "x".repeat(2_000))] {
        let kept = ana.patch(&path, json!({"lines": [{"description": text}]})).await.expect(200)["lines"].as_array().unwrap().last().unwrap().clone();
        assert_eq!(kept["description"].as_str().unwrap().chars().count(), 2_000);
        ana.patch(&path, json!({"lines": [{"budgetItemId": kept["budgetItemId"], "description": kept["description"]}]})).await.expect(200);
    }
}

#[tokio::test]
async fn the_effective_mark_up_is_unbounded() {
    let studio = studio().await;
    let ana = studio.person("ana").await;
    let path = format!("{}/budget", project(&ana, json!({"title": "Atrium"})).await);
    let budget = ana.patch(&path, json!({"lines": [{"itemBudgetedCost": 0.01, "itemFinalCost": 10_000_000_000_000u64}]})).await.expect(200);
    assert_eq!(budget["totals"]["headerEffectiveMarkup"].to_string(), "999999999999999");
    assert_eq!(ana.get(&path).await.expect(200)["totals"], budget["totals"]);
}
