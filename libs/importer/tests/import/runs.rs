//! Dry runs, interrupted runs, and exports with unusual values.

use crate::*;

#[tokio::test]
async fn dry_runs_and_refused_runs_write_nothing() {
    let studio = studio().await;
    let ana = studio.person("ana").await;
    let everything = async || studio.harness.aws().dynamodb().scan().table_name(studio.harness.table("projects")).send().await.unwrap().count();
    let mut moved = Move::of(&studio, ana.id, &[]);
    moved.settings.apply = false;
    let dry = moved.run(atrium(), json!([header("LINE-1", json!(1), json!({}))])).await;
    assert_eq!((dry.projects, dry.lines, everything().await), (1, 1, 0));
    moved.settings.apply = true;
    let nobody = UserId::generate(studio.harness.clock.now());
    moved.settings.people.insert("u-77".to_owned(), nobody);
    let refused = moved.importer.run(rows(atrium()), Export::default(), &moved.settings).await;
    assert!(matches!(refused, Err(ImportError::NoAccount(user)) if user == nobody));
    assert_eq!(everything().await, 0);
    moved.settings.people.clear();
    let wet = moved.run(atrium(), json!([header("LINE-1", json!(1), json!({}))])).await;
    let findings = |summary: &Summary| summary.report.findings().iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!((findings(&wet), wet.projects), (findings(&dry), 1), "what was announced is what was done");
    // A repeated import also finds a project that has no creation time.
    let undated = async || moved.run(json!([{"projectId": "P-7"}]), json!([])).await;
    let first = undated().await;
    studio.harness.clock.advance_seconds(60);
    let second = undated().await;
    assert_eq!((first.projects, second.projects, second.already_there), (1, 0, 1));
    assert_eq!(moved.run(json!([{"title": "nameless"}]), json!([])).await.report.count(Fate::Refused), 1);
}

#[tokio::test]
async fn an_interrupted_import_can_be_repeated() {
    let studio = studio().await;
    let ana = studio.person("ana").await;
    let moved = Move::of(&studio, ana.id, &[]);
    let budgets = json!((0..60).map(|n| header(&format!("LINE-{n}"), json!(1), json!({"itemBudgetedCost": n}))).collect::<Vec<_>>());
    let fault = InjectedFault { action: Some("TransactWriteItems".to_owned()), effect: Effect::Throttle, skip: 0, times: 4 };
    studio.harness.faults.add(fault);
    let stopped = moved.run(atrium(), budgets.clone()).await;
    assert_eq!((stopped.stopped, stopped.failed, stopped.projects), (true, 1, 0));
    assert_eq!(said(&stopped, Fate::Changed, "Projects P-1", "status"), "35 -> \"35\"", "what was found until then is not lost");
    assert_eq!(ana.get("/projects/list").await.expect(200)["items"], json!([]), "nothing is seen of it");
    assert_eq!(moved.run(atrium(), budgets).await.lines, 60);
    let budget = ana.get(&format!("{}/budget", moved.project_of(&ana).await)).await.expect(200);
    assert_eq!(budget["totals"]["headerBudgetedTotalCost"].to_string(), "1770");
    let items = studio.harness.aws().dynamodb().scan().table_name(studio.harness.table("projects")).send().await.unwrap();
    let lines = items.items().iter().filter(|item| item["type"].as_s().unwrap() == "budgetLine").count();
    assert_eq!(lines, 60, "what the first run left was written over");
}

#[tokio::test]
async fn no_value_in_an_export_stops_the_import() {
    let studio = studio().await;
    let ana = studio.person("ana").await;
    let moved = Move::of(&studio, ana.id, &[]);
    let huge: Value = serde_json::from_str("1e65600").unwrap();
    let mut all_huge = json!({"projectId": "P-2", "title": huge});
    for (name, _) in atrium()[0].as_object().unwrap().iter().filter(|(name, _)| *name != "projectId") {
        all_huge[name] = huge.clone();
    }
    let deep = (0..60).fold(json!(1), |inner, _| json!([inner]));
    let projects = json!([
        {"projectId": "P-1", "title": "First", "budget": {"total": huge}},
        all_huge,
        {"projectId": "P-3", "location": {"lat": huge, "lng": huge}, "folders": {"a": huge}, "team": huge, "createdAt": huge, "canvasJson": deep},
        {"projectId": "P-4", "title": "Last"},
    ]);
    let lines = json!([header("LINE-1", huge.clone(), json!({})), header("HEADER-1", json!(1), json!({"headerBallPark": huge, "startDate": huge}))]);
    let summary = moved.run(projects, lines).await;
    assert_eq!((summary.projects, summary.failed, summary.stopped), (4, 0, false), "{:#?}", summary.report.findings());
    said(&summary, Fate::Refused, "Projects P-1", "budget.total");
    said(&summary, Fate::Refused, "Projects P-3", "location");
    assert_eq!(ana.get("/projects/list").await.expect(200)["items"].as_array().unwrap().len(), 4);
}
