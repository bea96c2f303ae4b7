//! Taking over the old system's tables: what is kept, what is mended, what is said of it.

use std::collections::BTreeMap;

use access::teams::TeamRole;
use importer::{Export, Fate, ImportError, Importer, Settings, Summary, read_export};

use super::*;

/// Rows as the old system has them.
fn rows(value: Value) -> Export {
    read_export(&value.to_string()).unwrap()
}

struct Move {
    importer: Importer,
    settings: Settings,
}

impl Move {
    fn of(studio: &Studio, owner: UserId, people: &[(&str, UserId)]) -> Self {
        let (projects, auth) = (studio.harness.table("projects"), studio.harness.table("auth"));
        let importer = Importer::new(&studio.harness.aws(), projects, auth, studio.harness.clock.clone());
        let people: BTreeMap<String, UserId> = people.iter().map(|(old, user)| ((*old).to_owned(), *user)).collect();
        Self { importer, settings: Settings { people, owner, member_role: TeamRole::Viewer, apply: true } }
    }

    async fn run(&self, projects: Value, budgets: Value) -> Summary {
        self.importer.run(rows(projects), rows(budgets), &self.settings).await.unwrap()
    }

    /// The one project that the owner sees now.
    async fn project_of(&self, owner: &Person<'_>) -> String {
        let list = owner.get("/projects/list").await.expect(200);
        assert_eq!(list["items"].as_array().unwrap().len(), 1, "{list}");
        format!("/projects/{}", list["items"][0]["projectId"].as_str().unwrap())
    }
}

/// What the report says of a row's field.
#[track_caller]
fn said(summary: &Summary, fate: Fate, row: &str, field: &str) -> String {
    let found = summary.report.findings().iter().find(|finding| (finding.fate, finding.row.as_str(), finding.field.as_str()) == (fate, row, field));
    found.unwrap_or_else(|| panic!("nothing {fate} of {row} {field}: {:#?}", summary.report.findings())).detail.clone()
}

fn atrium() -> Value {
    json!([{
        "projectId": "P-1", "title": "Atrium Launch", "status": 35, "description": "<p>hello</p>", "color": "#f35", "finishLine": "2025-05-01",
        "dateCreated": "2025-03-02T09:30:00.000Z", "productionStart": "10/03/2025", "updatedAt": "2025-03-09T11:00:00.000Z",
        "team": [{"userId": "u-77", "role": "designer"}, {"userId": "u-13"}, "u-12"], "teamUserIds": ["u-77", "u-12"],
        "thumbnail": "public/cover.jpg", "location": {"lat": "40.7", "lng": -74.0}, "budget": {"date": "x", "total": "$50k"}, "timelineEvents": [{"id": 1}],
        "quickLinks": [{"url": "https://x.test/b"}, {"title": "no address"}], "uploads": [{"fileName": "a.pdf", "url": "u/a.pdf", "size": 7}],
        "customFolders": [{"key": "renders", "name": "Renders"}], "renders": [{"url": "u/r.png"}], "clientName": null, "tags": [],
    }])
}

#[tokio::test]
async fn a_project_is_taken_over_with_what_it_holds() {
    let studio = studio().await;
    let (ana, ben) = (studio.person("ana").await, studio.person("ben").await);
    let moved = Move::of(&studio, ana.id, &[("u-77", ben.id), ("u-12", ana.id)]);
    let summary = moved.run(atrium(), json!([])).await;
    assert_eq!((summary.projects, summary.already_there), (1, 0));
    let project = ben.get(&moved.project_of(&ana).await).await.expect(200);
    for (field, value) in [
        ("title", json!("Atrium Launch")),
        ("status", json!("35")),
        ("color", json!("#ff3355")),
        ("finishline", json!("2025-05-01")),
        ("dateCreated", json!("2025-03-02")),
        ("productionStart", Value::Null),
        ("thumbnails", json!(["public/cover.jpg"])),
        ("quickLinks", json!([{"title": "https://x.test/b", "url": "https://x.test/b"}])),
        ("folders", json!({"renders": [{"fileName": "u/r.png", "url": "u/r.png"}], "uploads": [{"fileName": "a.pdf", "url": "u/a.pdf"}]})),
        ("createdAt", json!("2025-03-02T09:30:00.000Z")),
        ("updatedAt", json!("2025-03-09T11:00:00.000Z")),
        ("createdBy", json!(ana.id)),
    ] {
        assert_eq!(project[field], value, "{field}");
    }
    assert_eq!(project["location"].to_string(), r#"{"lat":40.7,"lng":-74}"#);
    let mut team: Vec<_> = project["team"].as_array().unwrap().iter().map(|entry| (entry["role"].clone(), entry["title"].clone())).collect();
    team.sort_by_key(|entry| entry.0.to_string());
    assert_eq!(team, [(json!("owner"), Value::Null), (json!("viewer"), json!("designer"))], "{project}");
    for (fate, field, detail) in [
        (Fate::Changed, "status", "35 -> \"35\""),
        (Fate::Changed, "color", "\"#f35\" -> \"#ff3355\""),
        (Fate::Changed, "finishLine", "is finishline"),
        (Fate::Changed, "budget.total", "\"$50k\" -> 50000"),
        (Fate::Changed, "renders", "is a folder of that name"),
        (Fate::LeftOut, "team", "\"u-13\" is nobody in the list of people"),
        (Fate::LeftOut, "timelineEvents", "there is no such field here (10 bytes)"),
        (Fate::Refused, "productionStart", "\"10/03/2025\": A date is YYYY-MM-DD."),
        (Fate::Refused, "quickLinks", "{\"title\":\"no address\"}: url: This field is required."),
    ] {
        assert_eq!(said(&summary, fate, "Projects P-1", field), detail);
    }
    // A viewer sees no budget; the owner finds the ball park of the create form.
    let budget = format!("{}/budget", moved.project_of(&ana).await);
    assert_eq!(ben.get(&budget).await.status, 403);
    assert_eq!(ana.get(&budget).await.expect(200)["header"]["headerBallPark"].to_string(), "50000");
    // What is there is a project like any other.
    ana.patch(&budget, json!({"lines": [{"itemBudgetedCost": 1}], "createRevision": {"duplicateOf": 1}})).await.expect(200);
}

fn header(id: &str, revision: Value, more: Value) -> Value {
    let mut row = json!({"projectId": "P-1", "budgetId": "b-9", "budgetItemId": id, "revision": revision});
    row.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    row
}

#[tokio::test]
async fn a_budget_is_taken_over_to_the_cent() {
    let studio = studio().await;
    let ana = studio.person("ana").await;
    let moved = Move::of(&studio, ana.id, &[]);
    let number = |text: &str| serde_json::from_str::<Value>(text).unwrap();
    let budgets = json!([
        header("HEADER-1", json!(1), json!({"title": "Atrium", "clientRevisionId": 2.1, "headerFinalTotalCost": 47_380, "headerEffectiveMarkup": 1.52})),
        header("HEADER-2", json!(2.1), json!({"title": "Atrium", "clientRevisionId": 2.1, "client": "Kestrel Co", "headerBallPark": 50_000})),
        header("HEADER-3", json!(2), json!({"clientRevisionId": 2.1})),
        header("HEADER-4", json!(2), json!({})),
        // The line's own cost tells that this is a fraction and the next one a multiplier.
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
    ]);
    let summary = moved.run(json!([{"projectId": "P-1", "title": "", "createdAt": "2025-02-01T00:00:00.000Z"}]), budgets.clone()).await;
    assert_eq!((summary.projects, summary.lines), (1, 6));
    let path = moved.project_of(&ana).await;
    assert_eq!(ana.get(&path).await.expect(200)["title"], json!("Untitled project"));
    // 2.1 is the first number after the highest, and the client's.
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
    // Numbers go on where the old ones ended.
    let more =
        ana.patch(&format!("{path}/budget"), json!({"revision": 1, "lines": [{"category": "LIGHTING"}], "createRevision": {}})).await.expect(200);
    assert_eq!(more["revision"], json!(4));
    let first = ana.get(&format!("{path}/budget?revision=1")).await.expect(200);
    let new = first["lines"].as_array().unwrap().iter().find(|line| line["clientLineId"].is_null()).unwrap();
    assert_eq!((&new["elementId"], &new["elementKey"]), (&json!("LIGHTING-0003"), &json!("untitled-project-0009")));
    // Again: everything is there, and stays as it is.
    let again = moved.run(json!([{"projectId": "P-1", "createdAt": "2025-02-01T00:00:00.000Z"}]), budgets).await;
    assert_eq!((again.projects, again.already_there), (0, 1));
    assert_eq!(ana.get(&format!("{path}/budget?revision=1")).await.expect(200), first);
}

#[tokio::test]
async fn a_dry_run_and_a_run_that_cannot_be_write_nothing() {
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
    // Also what says nothing of when it was made is found again.
    let undated = async || moved.run(json!([{"projectId": "P-7"}]), json!([])).await;
    let first = undated().await;
    studio.harness.clock.advance_seconds(60);
    let second = undated().await;
    assert_eq!((first.projects, second.projects, second.already_there), (1, 0, 1));
    assert_eq!(moved.run(json!([{"title": "nameless"}]), json!([])).await.report.count(Fate::Refused), 1);
}

#[tokio::test]
async fn an_import_that_was_cut_short_is_done_again() {
    use local_stack::faults::{Effect, InjectedFault};
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
async fn a_separator_that_may_mean_two_things_refuses_its_row() {
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

#[tokio::test]
async fn nothing_in_an_export_ends_the_import() {
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

#[tokio::test]
async fn there_is_a_line_for_every_value_that_is_not_taken_as_it_stands() {
    let studio = studio().await;
    let ana = studio.person("ana").await;
    let moved = Move::of(&studio, ana.id, &[]);
    let plain = json!([{"projectId": "P-0", "title": "Plain", "createdAt": "2020-01-01T00:00:00.000Z", "updatedAt": "2020-01-02T00:00:00.000Z"}]);
    assert_eq!(moved.run(plain, json!([])).await.report.findings(), [], "what is taken as it stands has no line");
    for (fields, fate, field) in [
        (json!({"createdAt": 1_577_836_800_000u64}), Fate::Changed, "createdAt"),
        (json!({"createdAt": 1_577_836_800}), Fate::Changed, "createdAt"),
        (json!({"createdAt": "1577836800000"}), Fate::Changed, "createdAt"),
        (json!({"createdAt": "soon"}), Fate::Refused, "createdAt"),
        (json!({"updatedAt": "yesterday"}), Fate::Refused, "updatedAt"),
        (json!({"dateUpdated": [1]}), Fate::Refused, "dateUpdated"),
        (json!({"lastModified": "2019-01-01T00:00:00.000Z"}), Fate::LeftOut, "lastModified"),
        (json!({"budget": "5000"}), Fate::Changed, "budget"),
        (json!({"budget": [5_000]}), Fate::Refused, "budget"),
        (json!({"budget": {"date": "2025-01-01"}}), Fate::LeftOut, "budget.date"),
        (json!({"budget": {"currency": "EUR"}}), Fate::LeftOut, "budget.currency"),
        (json!({"contact": {"email": "a@b.test"}}), Fate::LeftOut, "contact"),
        (json!({"contact": {"name": "A", "email": "a@b.test"}}), Fate::Changed, "contact"),
        (json!({"team": {"userId": "u-1"}}), Fate::Refused, "team"),
        (json!({"team": [{"userId": "u-1", "since": "2020"}]}), Fate::LeftOut, "team.since"),
        (json!({"folders": "x"}), Fate::Refused, "folders"),
        (json!({"previewUrl": "javascript:alert(1)"}), Fate::Refused, "previewUrl"),
        (json!({"location": {"lat": 1, "lng": 2, "label": "Hall 3"}}), Fate::Changed, "location"),
        (json!({"location": {"lat": "48.1", "lng": 2}}), Fate::Changed, "location"),
    ] {
        let mut row = json!({"projectId": format!("P-{fields}"), "title": "T", "createdAt": "2020-01-01T00:00:00.000Z", "updatedAt": "2020-01-02T00:00:00.000Z"});
        row.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        let id = row["projectId"].as_str().unwrap().to_owned();
        let summary = moved.run(json!([row]), json!([])).await;
        assert_eq!(summary.projects, 1);
        said(&summary, fate, &format!("Projects {id}"), field);
    }
    let listed = ana.get("/projects/list").await.expect(200);
    let of = |part: &str| listed["items"].as_array().unwrap().iter().filter(|item| item["createdAt"].as_str().unwrap().starts_with(part)).count();
    assert_eq!((listed["items"].as_array().unwrap().len(), of("2020-01-01T00:00:00")), (20, 19), "one alone has no time that can be read");
}
