//! Projects: fields, versions, lists, deletion.

use super::*;

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
    assert_eq!((&summary["description"], summary["descriptionExcerpt"].as_str().unwrap().len()), (&Value::Null, 280));
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
    let made = studio.harness.aws().dynamodb().scan().table_name(studio.harness.table("projects")).send().await.unwrap();
    let mut kinds: Vec<_> = made.items().iter().map(|item| item["type"].as_s().unwrap().clone()).collect();
    kinds.sort();
    assert_eq!(kinds, ["budget", "budgetRevision", "idempotency", "project", "projectDetails", "teamMember"], "one of each");
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
    studio.app.background_tasks().run(Duration::from_secs(30)).await;
    let client = studio.harness.aws().dynamodb();
    let left = client.scan().table_name(studio.harness.table("projects")).send().await.unwrap();
    let kinds: Vec<_> = left.items().iter().map(|item| item["type"].as_s().unwrap().clone()).collect();
    assert_eq!(kinds, ["project"], "only the header waits for its time");
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
async fn a_purge_that_was_cut_short_goes_on_with_the_next_list() {
    use local_stack::faults::{Effect, InjectedFault};
    let studio = studio().await;
    let ana = studio.person("ana").await;
    let path = ana.project(json!({"title": "Atrium"})).await;
    ana.patch(&format!("{path}/budget"), json!({"lines": vec![json!({"quantity": 1}); 200]})).await.expect(200);
    studio.harness.faults.add(InjectedFault { action: Some("BatchWriteItem".to_owned()), effect: Effect::Throttle, skip: 3, times: usize::MAX });
    assert_eq!(ana.call(EventBuilder::new(Method::DELETE, &path)).await.status, 204);
    studio.app.background_tasks().run(Duration::from_secs(30)).await;
    studio.harness.faults.clear();
    let kinds = async || {
        let scanned = studio.harness.aws().dynamodb().scan().table_name(studio.harness.table("projects")).send().await.unwrap();
        let kinds: std::collections::BTreeSet<_> = scanned.items().iter().map(|item| item["type"].as_s().unwrap().clone()).collect();
        kinds.into_iter().collect::<Vec<_>>()
    };
    assert!(kinds().await.contains(&"budgetLine".to_owned()), "it was cut short");
    assert_eq!(ana.get("/projects/list").await.expect(200)["items"], json!([]), "and nobody sees it");
    studio.app.background_tasks().run(Duration::from_secs(30)).await;
    assert_eq!(kinds().await, ["project"], "only the header waits for its time");
}

#[tokio::test]
async fn lists_page_in_a_stable_order_and_filter() {
    let studio = studio().await;
    let ana = studio.person("ana").await;
    let mut paths = Vec::new();
    for n in 0..12 {
        paths.push(ana.project(json!({"title": format!("Project {n}"), "status": if n % 3 == 0 { "new" } else { "old" }})).await);
        studio.harness.clock.advance_seconds(20);
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
    studio.harness.clock.advance_seconds(60);
    ana.patch(&paths[2], json!({"status": "moved"})).await.expect(200);
    studio.harness.clock.advance_seconds(60);
    ana.patch(&format!("{}/budget", paths[4]), json!({"header": {"title": "v1"}})).await.expect(200);
    assert_eq!(titles("").await[..3], ["Project 4", "Project 2", "Project 11"]);
}

#[tokio::test]
async fn outdated_rights_write_nothing() {
    let studio = studio().await;
    let (ana, ben) = (studio.person("ana").await, studio.person("ben").await);
    let path = ana.project(json!({"title": "Atrium", "team": [{"userId": ben.id, "role": "owner"}]})).await;
    let budget = format!("{path}/budget");
    let before = (ben.get(&path).await.body, ben.get(&budget).await.body);
    studio.harness.outdate_tokens(ana.id).await;
    // What was asked before has just looked: its knowledge is good for five seconds, and no longer.
    studio.harness.clock.advance_seconds(5);
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

#[tokio::test]
async fn a_part_of_a_project_says_so_and_one_name_means_one_thing() {
    let studio = studio().await;
    let ana = studio.person("ana").await;
    let text = format!("{}👨\u{200d}👩\u{200d}👧 and the rest", "x".repeat(278));
    let (long, empty) = (ana.project(json!({"title": "Long", "description": text})).await, ana.project(json!({"title": "Empty"})).await);
    let short = ana.project(json!({"title": "Short", "description": "short"})).await;
    let list = ana.get("/projects/list").await.expect(200);
    for (path, description, excerpt) in
        [(&long, Value::Null, json!("x".repeat(278))), (&empty, Value::Null, Value::Null), (&short, json!("short"), json!("short"))]
    {
        let whole = ana.get(path).await.expect(200);
        let part = list["items"].as_array().unwrap().iter().find(|item| item["projectId"] == whole["projectId"]).unwrap();
        assert_eq!((&part["partial"], &part["description"], &part["descriptionExcerpt"]), (&json!(true), &description, &excerpt));
        for (name, value) in part.as_object().unwrap() {
            let of_part = ["partial", "description", "descriptionExcerpt"].contains(&name.as_str());
            assert!(of_part || whole[name] == *value, "{name}: {value} in lists, {} in the project", whole[name]);
        }
        assert!(part.get("customFolders").is_some(), "today's frontend asks for it");
        // A list's item that is sent back is refused, and destroys nothing.
        assert_eq!(ana.patch(path, part.clone()).await.status, 422);
        assert_eq!(ana.get(path).await.expect(200), whole);
    }
}

#[tokio::test]
async fn an_entity_tag_that_is_no_text_is_stale() {
    let studio = studio().await;
    let ana = studio.person("ana").await;
    let path = ana.project(json!({"title": "Atrium"})).await;
    let budget = format!("{path}/budget");
    for (method, path, body) in [
        (Method::PATCH, &path, json!({"status": "1%"})),
        (Method::PATCH, &budget, json!({"header": {"title": "x"}})),
        (Method::DELETE, &path, Value::Null),
    ] {
        for tag in ["\"0\", \"é\"", "\"0ü\"", "\"0,*,1\"", "W/\"1\"", "1", "\"0\" \"1\"", ""] {
            let event = EventBuilder::new(method.clone(), path).header("if-match", tag);
            let answer = ana.call(if body.is_null() { event } else { event.json(&body) }).await;
            assert_eq!(answer.status, 412, "{method} {path} {tag:?}: {}", answer.body);
        }
    }
    for (tag, status) in [("\"é\"", 200), ("\"0,*,1\"", 200), ("\"é\", W/\"1\"", 304), ("*", 304), ("\"0,1\"", 200)] {
        assert_eq!(ana.call(EventBuilder::new(Method::GET, &path).header("if-none-match", tag)).await.status, status, "{tag:?}");
    }
    let event = EventBuilder::new(Method::PATCH, &path).header("if-match", "\"é\", \"1\"").json(&json!({"status": "1%"}));
    assert_eq!(ana.call(event).await.status, 200, "one of them is the present one");
}

#[tokio::test]
async fn names_are_visible_links_do_not_run_and_reserved_names_are_names() {
    let studio = studio().await;
    let ana = studio.person("ana").await;
    let path = ana.project(json!({"title": "Atrium"})).await;
    for title in ["\u{200b}", "\u{2800}", "\u{ad}", "\u{202e}", "a\u{0}b"] {
        assert_eq!(ana.patch(&path, json!({"title": title})).await.expect(422)["errors"][0]["pointer"], json!("/title"), "{title:?}");
    }
    for (body, pointer) in [
        (json!({"quickLinks": [{"title": "x", "url": "javascript:alert(1)"}]}), "/quickLinks/0/url"),
        (json!({"previewUrl": "data:text/html,x"}), "/previewUrl"),
        (json!({"thumbnails": ["javascript:x"]}), "/thumbnails/0"),
        (json!({"folders": {"a": [{"fileName": "x", "url": " javascript:x"}]}}), "/folders/a/0/url"),
        (json!({"galleries": [{"id": "g", "name": "n", "cover": "vbscript:x"}]}), "/galleries/0/cover"),
        (json!({"folders": {"a\u{0}": []}}), "/folders/a\u{0}"),
    ] {
        assert_eq!(ana.patch(&path, body.clone()).await.expect(422)["errors"][0]["pointer"], json!(pointer), "{body}");
    }
    // Two names to which a JSON library gives a meaning of its own are names of folders like any other.
    for name in ["$serde_json::private::Number", "$serde_json::private::RawValue"] {
        let body = format!(r#"{{"folders": {{"{name}": [{{"fileName": "a", "url": "b"}}]}}}}"#);
        let patched = ana.call(EventBuilder::new(Method::PATCH, &path).body("application/json", &body)).await;
        assert_eq!((patched.status, &patched.body["folders"][name][0]["url"]), (200, &json!("b")), "{}", patched.body);
        assert_eq!(ana.get(&path).await.expect(200)["folders"][name][0]["fileName"], json!("a"));
        let smuggled = format!(r#"{{"{name}": "{{\"title\": \"x\"}}"}}"#);
        let refused = ana.call(EventBuilder::new(Method::PATCH, &path).body("application/json", &smuggled)).await;
        assert_eq!((refused.status, &refused.body["errors"][0]["code"]), (422, &json!("unknown_field")), "{}", refused.body);
        let deep = format!(r#"{{"{name}": {}}}"#, json!("[".repeat(50_000)));
        assert_eq!(ana.call(EventBuilder::new(Method::PATCH, &path).body("application/json", &deep)).await.status, 422);
    }
    let everything = studio.harness.aws().dynamodb().scan().table_name(studio.harness.table("projects")).send().await;
    assert!(everything.is_ok(), "the table can be read whole");
}

#[tokio::test]
async fn a_description_is_admitted_in_its_longest_spelling() {
    let studio = studio().await;
    let ana = studio.person("ana").await;
    let path = ana.project(json!({"title": "Atrium"})).await;
    let body = format!(r#"{{"description": "{}"}}"#, "\\ud83d\\ude00".repeat(95_000));
    let patched = ana.call(EventBuilder::new(Method::PATCH, &path).body("application/json; charset=utf-8", &body)).await;
    assert_eq!((patched.status, patched.body["description"].as_str().map(|text| text.chars().count())), (200, Some(95_000)));
    let body = format!(r#"{{"description": "{}"}}"#, "\\u0041".repeat(200_000));
    assert_eq!(ana.call(EventBuilder::new(Method::PATCH, &path).body("application/json", &body)).await.status, 200);
    for (spelling, status) in [("1.0", 200), ("1e0", 200), ("10e-1", 200), ("1.5", 422)] {
        let body = format!(r#"{{"revision": {spelling}}}"#);
        assert_eq!(
            ana.call(EventBuilder::new(Method::PATCH, &format!("{path}/budget")).body("application/json", &body)).await.status,
            status,
            "{spelling}"
        );
    }
}

#[tokio::test]
async fn a_search_finds_a_title_in_any_form_and_case() {
    let studio = studio().await;
    let ana = studio.person("ana").await;
    ana.project(json!({"title": "Zoe\u{301} STRASSE"})).await;
    for query in ["zo%C3%A9", "Zoe%CC%81", "stra%C3%9Fe", "ZO%C3%89%20STRASSE"] {
        assert_eq!(ana.get(&format!("/projects/list?q={query}")).await.expect(200)["items"].as_array().unwrap().len(), 1, "{query}");
    }
    assert_eq!(ana.get("/projects/list?limit=99999999999999999999999").await.status, 200, "over a hundred is a hundred");
    assert_eq!(ana.get("/projects/list?limit=1.5").await.status, 400);
}
