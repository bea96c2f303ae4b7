//! `GET /projects/list`

use crate::*;

#[tokio::test]
async fn project_lists_page_in_a_stable_order_and_filter() {
    let studio = studio().await;
    let ana = studio.person("ana").await;
    let mut paths = Vec::new();
    for n in 0..12 {
        paths.push(project(&ana, json!({"title": format!("Project {n}"), "status": if n % 3 == 0 { "new" } else { "old" }})).await);
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
async fn search_ignores_case_and_unicode_form() {
    let studio = studio().await;
    let ana = studio.person("ana").await;
    project(&ana, json!({"title": "Zoe\u{301} STRASSE"})).await;
    for query in ["zo%C3%A9", "Zoe%CC%81", "stra%C3%9Fe", "ZO%C3%89%20STRASSE"] {
        assert_eq!(ana.get(&format!("/projects/list?q={query}")).await.expect(200)["items"].as_array().unwrap().len(), 1, "{query}");
    }
    assert_eq!(ana.get("/projects/list?limit=99999999999999999999999").await.status, 200, "over a hundred is a hundred");
    assert_eq!(ana.get("/projects/list?limit=1.5").await.status, 400);
}
