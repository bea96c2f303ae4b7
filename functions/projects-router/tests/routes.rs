//! Raw event in, response out, on the embedded database.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics, in its helpers too")]

use futures_util::future::join_all;
use http::Method;
use local_stack::testing::{Bench, EventBuilder, NO_GATEWAY, body_of, published_events};
use projects_router::{App, Tables};
use serde_json::{Value, json};
use shared_utils::auth::Role;
use shared_utils::ids::UserId;
use std::time::Duration;

struct Studio {
    bench: Bench,
    app: App,
}

async fn studio() -> Studio {
    let bench = Bench::start().await;
    let tables = Tables { projects: bench.table("projects"), auth: bench.table("auth"), connections: bench.table("connections") };
    let app = App::new(bench.edge(), &bench.aws(), tables, NO_GATEWAY);
    Studio { bench, app }
}

struct Person<'a> {
    studio: &'a Studio,
    id: UserId,
    token: String,
}

impl Studio {
    async fn person(&self, name: &str) -> Person<'_> {
        let id = self.bench.person(name).await;
        Person { studio: self, id, token: self.bench.token(id, Role::User).await }
    }
}

struct Answer {
    status: i64,
    etag: String,
    replayed: bool,
    body: Value,
}

impl Answer {
    #[track_caller]
    fn expect(self, status: i64) -> Value {
        assert_eq!(self.status, status, "{}", self.body);
        self.body
    }
}

impl Person<'_> {
    async fn call(&self, event: EventBuilder) -> Answer {
        let answer = self.studio.app.handle(event.bearer(&self.token).event()).await;
        let header = |name: &str| answer.headers.get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default();
        Answer { status: answer.status_code, etag: header("etag"), replayed: header("idempotent-replayed") == "true", body: body_of(&answer) }
    }

    async fn get(&self, path: &str) -> Answer {
        self.call(EventBuilder::new(Method::GET, path)).await
    }

    async fn send(&self, method: Method, path: &str, body: Value) -> Answer {
        self.call(EventBuilder::new(method, path).json(&body)).await
    }

    async fn patch(&self, path: &str, body: Value) -> Answer {
        self.send(Method::PATCH, path, body).await
    }

    async fn project(&self, body: Value) -> String {
        let made = self.send(Method::POST, "/projects", body).await.expect(201);
        format!("/projects/{}", made["projectId"].as_str().unwrap())
    }
}

#[tokio::test]
async fn a_merge_patch_sets_clears_and_keeps() {
    let studio = studio().await;
    let ana = studio.person("ana").await;
    let path = ana.project(json!({"title": "Atrium", "status": "10%", "tags": ["a"], "location": {"lat": 40.7, "lng": -74.0}})).await;
    let patched = ana.patch(&path, json!({"status": null, "description": "x".repeat(300), "color": "#0F62FE"})).await;
    assert_eq!(patched.etag, "\"2\"");
    let project = ana.get(&path).await.expect(200);
    assert_eq!(project, patched.body);
    assert_eq!((&project["status"], &project["tags"], &project["color"]), (&Value::Null, &json!(["a"]), &json!("#0F62FE")));
    assert_eq!(project["location"].to_string(), r#"{"lat":40.7,"lng":-74}"#);
    let summary = &ana.get("/projects/list").await.expect(200)["items"][0];
    assert_eq!(summary["description"].as_str().unwrap().len(), 280);
    let same = ana.call(EventBuilder::new(Method::GET, &path).header("if-none-match", "\"2\"")).await;
    assert_eq!((same.status, same.etag.as_str(), same.body), (304, "\"2\"", Value::Null));
    let stale = EventBuilder::new(Method::PATCH, &path).header("if-match", "\"1\"").json(&json!({"status": "99%"}));
    let stale = ana.call(stale).await;
    assert_eq!((stale.status, stale.etag.as_str()), (412, "\"2\""));
}

#[tokio::test]
async fn one_key_makes_one_project_however_often_it_is_sent() {
    let studio = studio().await;
    let (ana, ben) = (studio.person("ana").await, studio.person("ben").await);
    let event =
        |title: &str| EventBuilder::new(Method::POST, "/projects").header("idempotency-key", "k-1").json(&json!({"title": title, "status": "1%"}));
    let all = join_all((0..4).map(|_| ana.call(event("Once")))).await;
    assert!(all.iter().all(|answer| answer.status == 201 && answer.body == all[0].body));
    assert_eq!(all.iter().filter(|answer| answer.replayed).count(), 3);
    assert_eq!(ana.get("/projects/list").await.expect(200)["items"].as_array().unwrap().len(), 1);
    // The order of members is not the body; another value is. And another person's key is another key.
    let reordered = EventBuilder::new(Method::POST, "/projects")
        .header("idempotency-key", "k-1")
        .body("application/json", r#"{ "status": "1%", "title": "Once" }"#);
    assert!(ana.call(reordered).await.replayed);
    assert_eq!(ana.call(event("Twice")).await.body["code"], json!("idempotency_mismatch"));
    assert!(!ben.call(event("Once")).await.replayed);
    let path = format!("/projects/{}", all[0].body["projectId"].as_str().unwrap());
    ana.call(EventBuilder::new(Method::DELETE, &path)).await;
    assert_eq!(ana.call(event("Once")).await.status, 404);
}

#[tokio::test]
async fn the_team_has_its_rules() {
    let studio = studio().await;
    let (ana, ben, cleo) = (studio.person("ana").await, studio.person("ben").await, studio.person("cleo").await);
    let path = ana.project(json!({"title": "Atrium"})).await;
    let member = |who: &Person<'_>| format!("{path}/team/{}", who.id);
    let remove = async |by: &Person<'_>, who: &Person<'_>| by.call(EventBuilder::new(Method::DELETE, &member(who))).await;
    let set = async |by: &Person<'_>, who: &Person<'_>, role: &str| by.send(Method::PUT, &member(who), json!({"role": role})).await;
    assert_eq!(remove(&ana, &ana).await.body["code"], json!("last_owner"));
    assert_eq!(set(&ana, &ana, "editor").await.body["code"], json!("last_owner"));
    set(&ana, &ben, "owner").await.expect(200);
    set(&ana, &cleo, "viewer").await.expect(200);
    assert_eq!(ben.get("/projects/list").await.expect(200)["items"].as_array().unwrap().len(), 1);
    assert_eq!(set(&ana, &cleo, "king").await.status, 422);
    assert_eq!(ana.send(Method::PUT, &format!("{path}/team/usr_x"), json!({"role": "viewer"})).await.status, 404);
    let nobody = UserId::generate(studio.bench.clock.now());
    assert_eq!(ana.send(Method::PUT, &format!("{path}/team/{nobody}"), json!({"role": "viewer"})).await.status, 404);
    assert_eq!(remove(&cleo, &ben).await.status, 403);
    assert_eq!(remove(&cleo, &cleo).await.status, 204, "anyone may leave");
    assert_eq!(cleo.get(&path).await.status, 404);
    assert_eq!(cleo.get("/projects/list").await.expect(200)["items"], json!([]));
    assert_eq!(remove(&ana, &cleo).await.status, 204, "also when not a member");
    // Two owners who leave at once: one stays.
    let (one, other) = tokio::join!(remove(&ana, &ana), remove(&ben, &ben));
    let mut statuses = [one.status, other.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [204, 409]);
}

#[tokio::test]
async fn a_deleted_project_is_gone_at_once_and_purged_after_the_answer() {
    let studio = studio().await;
    let (ana, ben) = (studio.person("ana").await, studio.person("ben").await);
    let path = ana.project(json!({"title": "Atrium", "team": [{"userId": ben.id, "role": "editor"}]})).await;
    ana.patch(&format!("{path}/budget"), json!({"lines": (0..120).map(|_| json!({"quantity": 1})).collect::<Vec<_>>()})).await.expect(200);
    assert_eq!(ana.call(EventBuilder::new(Method::DELETE, &path)).await.status, 204);
    for answer in [ana.get(&path).await, ben.get(&format!("{path}/budget")).await, ana.patch(&path, json!({"status": "x"})).await] {
        assert_eq!(answer.status, 404);
    }
    assert_eq!(ben.get("/projects/list").await.expect(200)["items"], json!([]));
    assert_eq!(ana.call(EventBuilder::new(Method::DELETE, &path)).await.status, 204, "again, by who owned it");
    assert_eq!(ben.call(EventBuilder::new(Method::DELETE, &path)).await.status, 404);
    studio.app.after_answer().run(Duration::from_secs(30)).await;
    let client = studio.bench.aws().dynamodb();
    let left = client.scan().table_name(studio.bench.table("projects")).send().await.unwrap();
    let kinds: Vec<_> = left.items().iter().map(|item| item["type"].as_s().unwrap().clone()).collect();
    assert_eq!(kinds, ["project"], "only the header waits for its time");
}

#[tokio::test]
async fn lists_page_in_a_stable_order_and_filter() {
    let studio = studio().await;
    let ana = studio.person("ana").await;
    let mut paths = Vec::new();
    for n in 0..12 {
        paths.push(ana.project(json!({"title": format!("Project {n}"), "status": if n % 3 == 0 { "new" } else { "old" }})).await);
        studio.bench.clock.advance_seconds(20);
    }
    let titles = async |query: &str| {
        let (mut titles, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = ana.get(&format!("/projects/list?limit=5{query}{cursor}")).await.expect(200);
            titles.extend(page["items"].as_array().unwrap().iter().map(|item| item["title"].as_str().unwrap().to_owned()));
            match page["nextCursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return titles,
            }
        }
    };
    assert_eq!(titles("").await, (0..12).rev().map(|n| format!("Project {n}")).collect::<Vec<_>>());
    assert_eq!(titles("&status=new").await, ["Project 9", "Project 6", "Project 3", "Project 0"]);
    assert_eq!(titles("&q=PROJECT%201").await, ["Project 11", "Project 10", "Project 1"]);
    studio.bench.clock.advance_seconds(60);
    ana.patch(&paths[2], json!({"status": "moved"})).await.expect(200);
    studio.bench.clock.advance_seconds(60);
    ana.patch(&format!("{}/budget", paths[4]), json!({"header": {"title": "v1"}})).await.expect(200);
    assert_eq!(titles("").await[..3], ["Project 4", "Project 2", "Project 11"]);
}

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
async fn a_revision_of_a_thousand_lines_is_copied_whole_while_others_read() {
    let studio = studio().await;
    let ana = studio.person("ana").await;
    let path = format!("{}/budget", ana.project(json!({"title": "Atrium"})).await);
    let lines: Vec<Value> =
        (0..1_000).map(|n| json!({"itemBudgetedCost": 1, "description": format!(" line {n} "), "clientLineId": n.to_string()})).collect();
    let first = ana.patch(&path, json!({"lines": lines})).await.expect(200);
    assert_eq!((first["lines"].as_array().unwrap().len(), &first["lines"][7]["description"]), (1_000, &json!("LINE 7")));
    let copy = async { ana.patch(&path, json!({"createRevision": {"duplicateOf": 1, "title": "v2"}, "clientRevision": 1})).await.expect(200) };
    let read = async {
        for _ in 0..6 {
            let budget = ana.get(&path).await.expect(200);
            assert_eq!(budget["lines"].as_array().unwrap().len(), 1_000, "old or new, and whole");
        }
    };
    let (copied, ()) = tokio::join!(copy, read);
    assert_eq!((&copied["revision"], &copied["clientRevision"], &copied["header"]["title"]), (&json!(2), &json!(1), &json!("v2")));
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

#[tokio::test]
async fn a_project_that_is_too_large_is_a_fault_at_the_field_that_broke_it() {
    let studio = studio().await;
    let ana = studio.person("ana").await;
    let path = ana.project(json!({"title": "Atrium", "canvasJson": "x".repeat(250_000)})).await;
    let refused = ana.patch(&path, json!({"description": "y".repeat(199_000)})).await.expect(422);
    assert_eq!(refused["errors"][0]["pointer"], json!("/description"));
    ana.patch(&path, json!({"description": "y".repeat(140_000)})).await.expect(200);
    ana.patch(&path, json!({"canvasJson": null, "description": "y".repeat(199_000)})).await.expect(200);
}

#[tokio::test]
async fn outdated_rights_write_nothing() {
    let studio = studio().await;
    let (ana, ben) = (studio.person("ana").await, studio.person("ben").await);
    let path = ana.project(json!({"title": "Atrium", "team": [{"userId": ben.id, "role": "owner"}]})).await;
    let budget = format!("{path}/budget");
    let before = (ben.get(&path).await.body, ben.get(&budget).await.body);
    studio.bench.outdate_tokens(ana.id).await;
    studio.bench.clock.advance_seconds(6);
    let member = format!("{path}/team/{}", ben.id);
    for event in [
        EventBuilder::new(Method::POST, "/projects").json(&json!({"title": "New"})),
        EventBuilder::new(Method::PATCH, &path).json(&json!({"title": "Changed"})),
        EventBuilder::new(Method::PATCH, &budget).json(&json!({"lines": [{"quantity": 1}]})),
        EventBuilder::new(Method::PUT, &member).json(&json!({"role": "viewer"})),
        EventBuilder::new(Method::DELETE, &member),
        EventBuilder::new(Method::DELETE, &path),
        EventBuilder::new(Method::GET, &path),
    ] {
        assert_eq!(ana.call(event.clone()).await.body["code"], json!("invalid_token"), "{event:?}");
    }
    assert_eq!((ben.get(&path).await.body, ben.get(&budget).await.body), before);
}

#[tokio::test]
async fn events_that_nobody_here_wrote_are_answered() {
    let studio = studio().await;
    for (name, event) in published_events("example-apigw-v2-request") {
        let answer = studio.app.handle(serde_json::from_value(event).unwrap()).await;
        assert!([404, 405].contains(&answer.status_code), "{name}: {}", answer.status_code);
    }
}
