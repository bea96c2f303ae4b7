//! `PATCH /projects/{id}`

use crate::*;

#[tokio::test]
async fn merge_patch_sets_clears_and_keeps_fields() {
    let studio = studio().await;
    let ana = studio.person("ana").await;
    let path = project(&ana, json!({"title": "Atrium", "status": "10%", "tags": ["a"], "location": {"lat": 40.7, "lng": -74.0}})).await;
    let patched = ana.patch(&path, json!({"status": null, "description": "x".repeat(300), "color": "#0F62FE"})).await;
    assert_eq!(patched.etag(), "\"2\"");
    let project = ana.get(&path).await.expect(200);
    assert_eq!(project, patched.body);
    assert_eq!((&project["status"], &project["tags"], &project["color"]), (&Value::Null, &json!(["a"]), &json!("#0F62FE")));
    assert_eq!(project["location"].to_string(), r#"{"lat":40.7,"lng":-74}"#);
    let summary = &ana.get("/projects/list").await.expect(200)["items"][0];
    assert_eq!((&summary["description"], summary["descriptionExcerpt"].as_str().unwrap().len()), (&Value::Null, 280));
    let same = ana.call(EventBuilder::new(Method::GET, &path).header("if-none-match", "\"2\"")).await;
    assert_eq!((same.status, same.etag(), &same.body), (304, "\"2\"", &Value::Null));
    let stale = EventBuilder::new(Method::PATCH, &path).header("if-match", "\"1\"").json(&json!({"status": "99%"}));
    let stale = ana.call(stale).await;
    assert_eq!((stale.status, stale.etag()), (412, "\"2\""));
}

#[tokio::test]
async fn a_too_large_project_names_the_field() {
    let studio = studio().await;
    let ana = studio.person("ana").await;
    let path = project(&ana, json!({"title": "Atrium", "canvasJson": "x".repeat(250_000)})).await;
    let refused = ana.patch(&path, json!({"description": "y".repeat(199_000)})).await.expect(422);
    assert_eq!(refused["errors"][0]["pointer"], json!("/description"));
    ana.patch(&path, json!({"description": "y".repeat(140_000)})).await.expect(200);
    ana.patch(&path, json!({"canvasJson": null, "description": "y".repeat(199_000)})).await.expect(200);
}

#[tokio::test]
async fn names_need_visible_characters_and_links_a_safe_scheme() {
    let studio = studio().await;
    let ana = studio.person("ana").await;
    let path = project(&ana, json!({"title": "Atrium"})).await;
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
    // `serde_json` gives these two names a special meaning. Here they must work as normal folder names.
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
async fn the_body_limit_fits_the_longest_description() {
    let studio = studio().await;
    let ana = studio.person("ana").await;
    let path = project(&ana, json!({"title": "Atrium"})).await;
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
