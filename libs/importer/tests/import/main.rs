//! Imports of the old system's tables: kept values, changed values and the report.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics, in its helpers too")]

mod budgets;
mod files;
mod projects;
mod runs;

use ::files::OwnerKind;
use std::collections::BTreeMap;

use access::teams::TeamRole;
use importer::{Export, Fate, ImportError, Importer, OldObjects, Settings, Summary, read_export};

use local_stack::faults::{Effect, InjectedFault};
use projects_router::App;
use serde_json::{Value, json};
use shared_utils::ids::UserId;
use test_harness::Harness;

type Studio = test_harness::Studio<App>;
type Person<'a> = test_harness::Person<'a, App>;

async fn studio() -> Studio {
    let harness = Harness::start().await;
    Studio { app: App::new(harness.context(), harness.broadcaster(), harness.files(OwnerKind::Project, "projects")), harness }
}

/// An export with these rows.
fn rows(value: Value) -> Export {
    read_export(&value.to_string()).unwrap()
}

/// An importer and its settings.
struct Move {
    importer: Importer,
    settings: Settings,
}

impl Move {
    fn of(studio: &Studio, owner: UserId, people: &[(&str, UserId)]) -> Self {
        let (projects, auth) = (studio.harness.table("projects"), studio.harness.table("auth"));
        let importer = Importer::new(&studio.harness.aws(), projects, auth, studio.harness.clock.clone());
        let people: BTreeMap<String, UserId> = people.iter().map(|(old, user)| ((*old).to_owned(), *user)).collect();
        Self { importer, settings: Settings { people, owner, member_role: TeamRole::Viewer, objects: OldObjects::default(), apply: true } }
    }

    async fn run(&self, projects: Value, budgets: Value) -> Summary {
        self.importer.run(rows(projects), rows(budgets), &self.settings).await.unwrap()
    }

    /// The path of the only project that the owner sees.
    async fn project_of(&self, owner: &Person<'_>) -> String {
        let list = owner.get("/projects/list").await.expect(200);
        assert_eq!(list["items"].as_array().unwrap().len(), 1, "{list}");
        format!("/projects/{}", list["items"][0]["projectId"].as_str().unwrap())
    }
}

/// The detail of the finding about a row's field.
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

fn header(id: &str, revision: Value, more: Value) -> Value {
    let mut row = json!({"projectId": "P-1", "budgetId": "b-9", "budgetItemId": id, "revision": revision});
    row.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    row
}
