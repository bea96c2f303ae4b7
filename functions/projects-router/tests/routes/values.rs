//! Sends invalid values for every field. Each one gets the error of the contract, and nothing is written.

use crate::*;

/// Values that every project field refuses.
fn wrong_for_any_field() -> Vec<Value> {
    let mut wrong = vec![json!(true), json!(-1), json!({"nonsense": 1}), json!([[1]]), json!([true]), json!("x".repeat(400_000))];
    wrong.push(serde_json::from_str("1e400").unwrap());
    wrong
}

/// The names of an object's fields, except those in `server`.
fn names(object: &Value, server: &[&str]) -> Vec<String> {
    object.as_object().unwrap().keys().filter(|name| !server.contains(&name.as_str())).cloned().collect()
}

/// Asserts that the response is 422 and all its errors point at `pointer` or below it.
#[track_caller]
fn expect_fault(answer: Answer, pointer: &str) {
    assert_eq!((answer.status, &answer.body["code"]), (422, &json!("validation_failed")), "{pointer}: {}", answer.body);
    let faults = answer.body["errors"].as_array().unwrap();
    assert!(!faults.is_empty());
    for fault in faults {
        let at = fault["pointer"].as_str().unwrap();
        assert!(at == pointer || at.starts_with(&format!("{pointer}/")), "{at} is not {pointer}");
    }
}

#[tokio::test]
async fn project_fields_reject_invalid_values() {
    const SERVER: [&str; 5] = ["projectId", "version", "createdBy", "createdAt", "updatedAt"];
    let studio = studio().await;
    let ana = studio.person("ana").await;
    let path = project(&ana, json!({"title": "Atrium", "status": "1%"})).await;
    let before = ana.get(&path).await;
    let writable = names(&before.body, &[&SERVER[..], &["team"]].concat());
    assert_eq!(writable.len(), 30, "{writable:?}");
    for name in &writable {
        for value in wrong_for_any_field() {
            let body = json!({"title": "New", name: value});
            expect_fault(ana.send(Method::POST, "/projects", body).await, &format!("/{name}"));
            expect_fault(ana.patch(&path, json!({name: value})).await, &format!("/{name}"));
        }
    }
    for name in SERVER.iter().chain(&["team", "budget", "nonsense", "teamUserIds"]) {
        expect_fault(ana.patch(&path, json!({"status": "2%", *name: before.body[*name]})).await, &format!("/{name}"));
    }
    for (team, pointer) in [
        (json!([{"role": "viewer"}]), "/team/0/userId"),
        (json!([{"userId": ana.id, "role": "king"}]), "/team/0/role"),
        (json!([{"userId": "usr_x", "role": "viewer"}]), "/team/0/userId"),
        (json!("everyone"), "/team"),
        (json!(vec![json!({}); 91]), "/team"),
    ] {
        expect_fault(ana.send(Method::POST, "/projects", json!({"title": "New", "team": team})).await, pointer);
    }
    for (total, pointer) in [(json!(0.001), "/budget/total"), (json!(-1), "/budget/total"), (json!("1"), "/budget/total")] {
        expect_fault(ana.send(Method::POST, "/projects", json!({"title": "New", "budget": {"total": total}})).await, pointer);
    }
    let not_json = EventBuilder::new(Method::PATCH, &path).body("application/json", r#"{"location": {"lat": NaN, "lng": 0}}"#);
    assert_eq!(ana.call(not_json).await.body["code"], json!("invalid_json"));
    let too_large = json!({"description": "x".repeat(3 * 1024 * 1024)});
    assert_eq!(ana.patch(&path, too_large).await.status, 413);
    assert_eq!(ana.get(&path).await.body, before.body, "nothing was written");
    assert_eq!(ana.get("/projects/list").await.expect(200)["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn budget_fields_reject_invalid_values() {
    const NUMBERS: [&str; 8] =
        ["quantity", "itemBudgetedCost", "itemActualCost", "itemReconciledCost", "itemMarkUp", "itemFinalCost", "amountPaid", "balanceDue"];
    const SERVER: [&str; 8] = ["budgetId", "projectId", "revision", "elementKey", "elementId", "finalCost", "createdAt", "updatedAt"];
    let studio = studio().await;
    let ana = studio.person("ana").await;
    let path = format!("{}/budget", project(&ana, json!({"title": "Atrium"})).await);
    let made = ana.patch(&path, json!({"lines": [{"itemBudgetedCost": 0.1}]})).await.expect(200);
    let (line, before) = (made["lines"][0].clone(), ana.get(&path).await.body);
    let writable = names(&line, &[&SERVER[..], &["budgetItemId", "clientLineId"]].concat());
    assert_eq!(writable.len(), 24, "{writable:?}");
    let number = |text: &str| serde_json::from_str::<Value>(text).unwrap();
    let mut wrong_numbers: Vec<Value> = ["1e400", "1e30", "-2", "0.00001", "1e-400", "10000000000000.001"].map(number).into();
    wrong_numbers.extend([json!("12"), json!("NaN"), json!("Infinity"), json!("$1,200.50")]);
    let wrong_texts = [json!(7), json!("x".repeat(400_000)), number("1e400")];
    for name in &writable {
        let wrong = if NUMBERS.contains(&name.as_str()) { &wrong_numbers[..] } else { &wrong_texts[..] };
        for value in wrong.iter().chain(&[json!(true), json!({}), json!([1])]) {
            // The first line is valid, but nothing of the request may be written.
            let body = json!({"lines": [{"quantity": 7}, {"budgetItemId": line["budgetItemId"], name: value}]});
            expect_fault(ana.patch(&path, body).await, &format!("/lines/1/{name}"));
        }
    }
    for name in SERVER.iter().chain(&["nonsense", "total"]) {
        expect_fault(ana.patch(&path, json!({"lines": [{"quantity": 7, *name: line[*name]}]})).await, &format!("/lines/0/{name}"));
    }
    for (name, value) in [
        ("title", json!("x".repeat(201))),
        ("startDate", json!("2027-02-30")),
        ("endDate", json!(7)),
        ("clients", json!(vec!["x"; 21])),
        ("headerBallPark", json!(-0.01)),
        ("currency", json!("JPY")),
        ("headerFinalTotalCost", json!(1)),
        ("headerEffectiveMarkup", json!(0.1)),
        ("nonsense", json!(1)),
    ] {
        expect_fault(ana.patch(&path, json!({"lines": [{"quantity": 7}], "header": {name: value}})).await, &format!("/header/{name}"));
    }
    for (body, pointer) in [
        (json!({"lines": vec![json!({}); 10_000]}), "/lines"),
        (json!({"lines": "all"}), "/lines"),
        (json!({"lines": [7]}), "/lines/0"),
        (json!({"lines": [{"clientLineId": ""}]}), "/lines/0/clientLineId"),
        (json!({"lines": [{"budgetItemId": "lin_x"}]}), "/lines/0/budgetItemId"),
        (json!({"deleteLines": ["lin_x"]}), "/deleteLines/0"),
        (json!({"deleteLines": [7]}), "/deleteLines/0"),
        (json!({"revision": 1.5}), "/revision"),
        (json!({"revision": 99}), "/revision"),
        (json!({"createRevision": {"duplicateOf": 2.1}}), "/createRevision/duplicateOf"),
        (json!({"deleteRevision": 0}), "/deleteRevision"),
        (json!({"clientRevision": "1"}), "/clientRevision"),
        (json!({"version": 2}), "/version"),
        (json!({"totals": {}}), "/totals"),
        (json!({"locks": []}), "/locks"),
        (json!({"expectedVersion": 2}), "/expectedVersion"),
    ] {
        expect_fault(ana.patch(&path, body).await, pointer);
    }
    // Each value is valid alone, but the total is too large.
    let dear = json!({"lines": [{"itemBudgetedCost": 9_999_999_999_999u64}, {"itemBudgetedCost": 2}]});
    expect_fault(ana.patch(&path, dear).await, "/lines");
    assert_eq!(ana.patch(&path, json!({"header": {"title": "x".repeat(4 * 1024 * 1024 + 1)}})).await.status, 413);
    assert_eq!(ana.get(&path).await.body, before, "nothing was written");
}

#[tokio::test]
async fn a_revision_holds_five_thousand_lines() {
    let studio = studio().await;
    let ana = studio.person("ana").await;
    let path = format!("{}/budget", project(&ana, json!({"title": "Atrium"})).await);
    let minimal = |lines: usize| {
        EventBuilder::new(Method::PATCH, &path)
            .header("prefer", "return=minimal")
            .json(&json!({"lines": vec![json!({"itemBudgetedCost": 1}); lines]}))
    };
    for _ in 0..5 {
        ana.call(minimal(1_000)).await.expect(200);
    }
    expect_fault(ana.call(minimal(1)).await, "/lines");
    let whole = ana.get(&path).await.expect(200);
    assert_eq!((whole["lines"].as_array().unwrap().len(), whole["totals"]["headerBudgetedTotalCost"].to_string()), (5_000, "5000".to_owned()));
}
