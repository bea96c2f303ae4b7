//! Imports of budgets.

use crate::*;

/// A project without a title.
fn untitled() -> Value {
    json!([{"projectId": "P-1", "title": "", "createdAt": "2025-02-01T00:00:00.000Z"}])
}

/// The project's budget, in every form of the old system.
fn old_budgets() -> Value {
    let number = |text: &str| serde_json::from_str::<Value>(text).unwrap();
    json!([
        header("HEADER-1", json!(1), json!({"title": "Atrium", "clientRevisionId": 2.1, "headerFinalTotalCost": 47_380, "headerEffectiveMarkup": 1.52})),
        header("HEADER-2", json!(2.1), json!({"title": "Atrium", "clientRevisionId": 2.1, "client": "Kestrel Co", "headerBallPark": 50_000})),
        header("HEADER-3", json!(2), json!({"clientRevisionId": 2.1})),
        header("HEADER-4", json!(2), json!({})),
        // The line's own cost shows that this mark-up is a fraction, and that the next one is a multiplier.
        header("LINE-1", json!(1), json!({
            "createdAt": "2025-01-01T10:00:00.000Z", "category": "lighting ", "elementKey": "atrium-0004", "elementId": "LIGHTING-0002",
            "quantity": 4, "itemBudgetedCost": 300, "itemActualCost": 0, "itemMarkUp": 1.5, "itemFinalCost": 3_000, "paymentStatus": "PAID ",
            "description": " pendant lamp",
        })),
        header("LINE-2", json!(1), json!({"quantity": 1, "itemBudgetedCost": 100, "itemMarkUp": 1.52, "itemFinalCost": 152, "elementKey": "atrium-0004"})),
        header("LINE-3", json!(1), json!({"quantity": 1, "itemBudgetedCost": 10, "itemMarkUp": 1.15})),
        header("LINE-4", json!(1), json!({"quantity": 1, "itemBudgetedCost": 10, "itemMarkUp": 0.15})),
        header("LINE-5", json!(1), json!({
            "quantity": 1, "itemBudgetedCost": number("0.30000000000000004"), "category": "SHOES", "colour": "red", "amountPaid": -5, "balanceDue": "tbd",
        })),
        header("LINE-6", json!(2.1), json!({"quantity": 2, "itemActualCost": "$1,200.50", "startDate": "2025-03-10T00:00:00Z"})),
        header("LINE-8", json!(1), json!({"itemBudgetedCost": 100, "itemMarkUp": 15})),
        header("ODD-1", json!(1), json!({})),
        header("LINE-1", json!(1), json!({"itemBudgetedCost": 9})),
        header("LINE-7", json!(-1), json!({"itemBudgetedCost": 9})),
        {"projectId": "P-2", "budgetItemId": "LINE-9", "revision": 1},
    ])
}

#[tokio::test]
async fn budgets_are_imported_exactly() {
    let studio = studio().await;
    let ana = studio.person("ana").await;
    let moved = Move::of(&studio, ana.id, &[]);
    let summary = moved.run(untitled(), old_budgets()).await;
    assert_eq!((summary.projects, summary.lines), (1, 6));
    let path = moved.project_of(&ana).await;
    assert_eq!(ana.get(&path).await.expect(200)["title"], json!("Untitled project"));
    // Revision 2.1 gets the first number after the highest, and is the client's revision.
    let shown = ana.get(&format!("{path}/budget")).await.expect(200);
    assert_eq!((&shown["revision"], &shown["clientRevision"], &shown["header"]["title"]), (&json!(3), &json!(3), &json!("Atrium (2.1)")));
    assert_eq!((&shown["header"]["clients"], &shown["lines"][0]["startDate"]), (&json!(["Kestrel Co"]), &json!("2025-03-10")));
    assert_eq!(shown["totals"]["headerActualTotalCost"].to_string(), "2401");
    let revisions: Vec<_> = shown["revisions"].as_array().unwrap().iter().map(|revision| revision["lineCount"].clone()).collect();
    assert_eq!(revisions, [json!(5), json!(0), json!(1)]);
    let first = ana.get(&format!("{path}/budget?revision=1")).await.expect(200);
    let lines: BTreeMap<&str, &Value> =
        first["lines"].as_array().unwrap().iter().map(|line| (line["clientLineId"].as_str().unwrap(), line)).collect();
    let lamp = lines["LINE-1"];
    assert_eq!((&lamp["category"], &lamp["paymentStatus"], &lamp["description"]), (&json!("LIGHTING"), &json!("PAID"), &json!("PENDANT LAMP")));
    assert_eq!(
        (&lamp["elementKey"], &lamp["elementId"], &lamp["createdAt"]),
        (&json!("atrium-0004"), &json!("LIGHTING-0002"), &json!("2025-01-01T10:00:00.000Z"))
    );
    assert_eq!(lines["LINE-2"]["elementKey"], json!("untitled-project-0008"), "two people had counted to four");
    let mark_ups = ["LINE-1", "LINE-2", "LINE-3", "LINE-4", "LINE-5"].map(|id| lines[id]["itemMarkUp"].to_string());
    assert_eq!(mark_ups, ["1.5", "0.52", "0.15", "0.15", "null"]);
    assert_eq!(lines["LINE-5"]["itemBudgetedCost"].to_string(), "0.3");
    assert_eq!(first["totals"]["headerBudgetedTotalCost"].to_string(), "1320.3");
}

#[tokio::test]
async fn every_change_of_a_budget_is_reported() {
    let studio = studio().await;
    let ana = studio.person("ana").await;
    let summary = Move::of(&studio, ana.id, &[]).run(untitled(), old_budgets()).await;
    for (fate, row, field, detail) in [
        (Fate::Changed, "Projects P-1", "title", "\"\" -> \"Untitled project\""),
        (Fate::Changed, "Budgets P-1/HEADER-2", "revision", "2.1 -> 3"),
        (Fate::Changed, "Budgets P-1/HEADER-1", "headerFinalTotalCost", "47380 -> 3175.3"),
        (Fate::Changed, "Budgets P-1/LINE-1", "category", "\"lighting \" -> \"LIGHTING\""),
        (Fate::Changed, "Budgets P-1/LINE-1", "paymentStatus", "\"PAID \" -> \"PAID\""),
        (Fate::Changed, "Budgets P-1/LINE-2", "itemMarkUp", "1.52 -> 0.52"),
        (Fate::Changed, "Budgets P-1/LINE-3", "itemMarkUp", "1.15 -> 0.15"),
        (Fate::Changed, "Budgets P-1/LINE-5", "itemBudgetedCost", "0.30000000000000004 -> 0.3"),
        (Fate::Changed, "Budgets P-1/LINE-6", "itemActualCost", "\"$1,200.50\" -> 1200.5"),
        (Fate::Refused, "Budgets P-1/LINE-5", "balanceDue", "\"tbd\": not a number"),
        (Fate::Refused, "Budgets P-1/LINE-8", "", "its itemMarkUp is 15: a fraction, a multiplier or a percentage: nothing tells which"),
        (Fate::Refused, "Budgets P-1/HEADER-4", "", "there is another header of the same revision"),
        (Fate::Refused, "Budgets P-1/ODD-1", "", "its budgetItemId is neither a header's nor a line's"),
        (Fate::Refused, "Budgets P-1/LINE-1", "", "there is another row of this id"),
        (Fate::Refused, "Budgets P-1/LINE-7", "", "its revision is -1: A number from 0 to 1000000 with at most 3 decimals."),
        (Fate::LeftOut, "Budgets P-1/LINE-5", "colour", "there is no such field here (5 bytes)"),
        (Fate::Refused, "Budgets P-2", "", "1 rows of a project that is not in the export"),
    ] {
        assert_eq!(said(&summary, fate, row, field), detail);
    }
    said(&summary, Fate::Refused, "Budgets P-1/LINE-5", "category");
    said(&summary, Fate::Refused, "Budgets P-1/LINE-5", "amountPaid");
}

#[tokio::test]
async fn line_numbers_continue_and_a_second_import_changes_nothing() {
    let studio = studio().await;
    let ana = studio.person("ana").await;
    let moved = Move::of(&studio, ana.id, &[]);
    moved.run(untitled(), old_budgets()).await;
    let path = moved.project_of(&ana).await;
    // Numbers continue after the old ones.
    let more =
        ana.patch(&format!("{path}/budget"), json!({"revision": 1, "lines": [{"category": "LIGHTING"}], "createRevision": {}})).await.expect(200);
    assert_eq!(more["revision"], json!(4));
    let first = ana.get(&format!("{path}/budget?revision=1")).await.expect(200);
    let new = first["lines"].as_array().unwrap().iter().find(|line| line["clientLineId"].is_null()).unwrap();
    assert_eq!((&new["elementId"], &new["elementKey"]), (&json!("LIGHTING-0003"), &json!("untitled-project-0009")));
    // A second import finds everything, and changes nothing.
    let again = moved.run(json!([{"projectId": "P-1", "createdAt": "2025-02-01T00:00:00.000Z"}]), old_budgets()).await;
    assert_eq!((again.projects, again.already_there), (0, 1));
    assert_eq!(ana.get(&format!("{path}/budget?revision=1")).await.expect(200), first);
}

#[tokio::test]
async fn ambiguous_separators_refuse_the_row() {
    let studio = studio().await;
    let ana = studio.person("ana").await;
    let moved = Move::of(&studio, ana.id, &[]);
    let line = |id: &str, fields: Value| header(&format!("LINE-{id}"), json!(1), fields);
    let budgets = json!([
        line("1", json!({"itemBudgetedCost": "12,50"})),
        line("2", json!({"itemBudgetedCost": "1.200,50"})),
        line("3", json!({"quantity": "2,5", "itemBudgetedCost": 10})),
        line("4", json!({"itemBudgetedCost": "1,200"})),
        line("5", json!({"itemBudgetedCost": "1.200"})),
        line("6", json!({"quantity": "1,2,3"})),
        line("7", json!({"itemMarkUp": "0,2.5"})),
        line("8", json!({"itemActualCost": serde_json::from_str::<Value>("1e65600").unwrap()})),
        line("9", json!({"itemBudgetedCost": "tbd"})),
        line("10", json!({"itemBudgetedCost": 5, "amountPaid": "1,200"})),
    ]);
    let projects = json!([{"projectId": "P-1", "createdAt": "2025-02-01T00:00:00.000Z", "budget": {"total": "1,200"}}]);
    let summary = moved.run(projects, budgets).await;
    assert_eq!((summary.projects, summary.lines), (1, 3));
    let budget = ana.get(&format!("{}/budget", moved.project_of(&ana).await)).await.expect(200);
    assert_eq!(budget["totals"]["headerBudgetedTotalCost"].to_string(), "1238", "12.50 + 1,200.50 + 2.5 × 10");
    for (row, detail) in [
        ("4", "its itemBudgetedCost is \"1,200\": the ',' may separate thousands or decimals"),
        ("5", "its itemBudgetedCost is \"1.200\": the '.' may separate thousands or decimals"),
        ("6", "its quantity is \"1,2,3\": not a number: the separators do not stand between thousands"),
        ("8", "its itemActualCost is 1e+65600: too large"),
        ("9", "its itemBudgetedCost is \"tbd\": not a number"),
    ] {
        let said = said(&summary, Fate::Refused, &format!("Budgets P-1/LINE-{row}"), "");
        assert!(said.eq_ignore_ascii_case(detail), "{said}");
    }
    said(&summary, Fate::Refused, "Budgets P-1/LINE-7", "");
    said(&summary, Fate::Refused, "Budgets P-1/LINE-10", "");
    said(&summary, Fate::Refused, "Projects P-1", "budget.total");
}
