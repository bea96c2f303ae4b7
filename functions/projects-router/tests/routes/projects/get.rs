//! `GET /projects/{id}`: partial projects and entity tags.

use crate::*;

#[tokio::test]
async fn partial_projects_are_marked_and_names_are_unambiguous() {
    let studio = studio().await;
    let ana = studio.person("ana").await;
    let text = format!("{}👨\u{200d}👩\u{200d}👧 and the rest", "x".repeat(278));
    let (long, empty) = (project(&ana, json!({"title": "Long", "description": text})).await, project(&ana, json!({"title": "Empty"})).await);
    let short = project(&ana, json!({"title": "Short", "description": "short"})).await;
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
        // A list item sent back as a PATCH is refused and changes nothing.
        assert_eq!(ana.patch(path, part.clone()).await.status, 422);
        assert_eq!(ana.get(path).await.expect(200), whole);
    }
}

#[tokio::test]
async fn a_non_ascii_entity_tag_never_matches() {
    let studio = studio().await;
    let ana = studio.person("ana").await;
    let path = project(&ana, json!({"title": "Atrium"})).await;
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
