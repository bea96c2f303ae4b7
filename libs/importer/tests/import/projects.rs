//! Imports of projects.

use crate::*;

#[tokio::test]
async fn a_project_is_imported_with_all_its_fields() {
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
    // A viewer may not see the budget. The owner sees the ball park of the create form.
    let budget = format!("{}/budget", moved.project_of(&ana).await);
    assert_eq!(ben.get(&budget).await.status, 403);
    assert_eq!(ana.get(&budget).await.expect(200)["header"]["headerBallPark"].to_string(), "50000");
    // An imported project is a project like any other.
    ana.patch(&budget, json!({"lines": [{"itemBudgetedCost": 1}], "createRevision": {"duplicateOf": 1}})).await.expect(200);
}

#[tokio::test]
async fn every_changed_value_is_reported() {
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
