//! Every kind of bad input gets the status and code of the contract, never a 500, and changes nothing.

use end_to_end::{Answer, Person, TestStack, text};
use reqwest::Method;
use serde_json::{Value, json};

const JSON: &str = "application/json";

async fn raw(person: &Person, method: Method, path: &str, content_type: &str, body: &str) -> Answer {
    person.request(method, path, &[("content-type", content_type)], Some(body.to_owned())).await
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_bodies_get_their_documented_error() {
    let world = TestStack::start().await;
    let (ana, ben) = (world.login("ana").await, world.login("ben").await);
    let project = world.project(&ana, "Atrium", &[(&ben, "editor")]).await;
    let conversation = world.direct(&ana, &ben).await;
    let messages = format!("/messages/conversations/{conversation}/messages");
    let sent = ana.post(&messages, json!({"text": "first"})).await.expect(201);
    let message = format!("/messages/{}", text(&sent["messageId"]));
    let (path, budget) = (format!("/projects/{project}"), format!("/projects/{project}/budget"));
    let before = (ana.get(&path).await.body, ana.get(&budget).await.body, ana.get(&messages).await.body);

    let writes = [
        (Method::POST, "/projects".to_owned()),
        (Method::PATCH, path.clone()),
        (Method::PATCH, budget.clone()),
        (Method::POST, messages.clone()),
        (Method::PATCH, message.clone()),
    ];
    let deep = format!("{}1{}", r#"{"title":"#.repeat(17), "}".repeat(17));
    for (method, path) in &writes {
        for not_json in ["{", "", "[]", "\"text\"", "null", "{\"title\": NaN}", "{\"title\": \"\\ud800\"}", &deep, "{} trailing"] {
            raw(&ana, method.clone(), path, JSON, not_json).await.expect_error(400, "invalid_json");
        }
        for wrong_type in ["text/plain", "application/x-www-form-urlencoded", "application/jsonp", "multipart/form-data"] {
            raw(&ana, method.clone(), path, wrong_type, "{}").await.expect_error(415, "unsupported_media_type");
        }
        let faults = ana.send(method.clone(), path, &[], &json!({"nonsense": 1, "version": 7})).await.expect_error(422, "validation_failed");
        let pointers: Vec<_> = faults["errors"].as_array().unwrap().iter().map(|fault| fault["pointer"].clone()).collect();
        assert!(pointers.contains(&json!("/nonsense")) && pointers.contains(&json!("/version")), "{method} {path}: {faults}");
        // Without a token, the fields are not checked. Without valid JSON, the token is not checked.
        world.anonymous().send(method.clone(), path, &[], &json!({"nonsense": 1})).await.expect_error(401, "missing_token");
        raw(&world.anonymous(), method.clone(), path, JSON, "{").await.expect_error(400, "invalid_json");
    }
    for (path, limit) in [("/auth/login", 64), ("/projects", 3_072), (&*budget, 4_200), (&*messages, 1_024)] {
        let method = if path == budget { Method::PATCH } else { Method::POST };
        let body = json!({"title": "x".repeat(limit * 1024)}).to_string();
        raw(&ana, method, path, JSON, &body).await.expect_error(413, "payload_too_large");
    }
    let cases: [(&Person, Method, &str, Value, &str); 12] = [
        (&ana, Method::PATCH, &path, json!({"title": null}), "/title"),
        (&ana, Method::PATCH, &path, json!({"color": "red"}), "/color"),
        (&ana, Method::PATCH, &path, json!({"team": []}), "/team"),
        (&ana, Method::POST, "/projects", json!({"title": "x", "budget": {"total": 0.001}}), "/budget/total"),
        (
            &ana,
            Method::POST,
            "/projects",
            json!({"title": "x", "team": [{"userId": "usr_00000000000000000000000000", "role": "viewer"}]}),
            "/team/0/userId",
        ),
        (&ana, Method::PATCH, &budget, json!({"lines": [{"itemBudgetedCost": "20"}]}), "/lines/0/itemBudgetedCost"),
        (&ana, Method::PATCH, &budget, json!({"lines": [{"itemBudgetedCost": -1}]}), "/lines/0/itemBudgetedCost"),
        (&ana, Method::PATCH, &budget, json!({"lines": [{"quantity": 1e300}]}), "/lines/0/quantity"),
        (&ana, Method::PATCH, &budget, json!({"header": {"headerFinalTotalCost": 1}}), "/header/headerFinalTotalCost"),
        (&ana, Method::PATCH, &budget, json!({"revision": 9}), "/revision"),
        (&ana, Method::POST, &messages, json!({"text": " \n "}), "/text"),
        (&ana, Method::POST, &messages, json!({"attachments": [{"key": "../a", "name": "a", "type": "b"}]}), "/attachments/0/key"),
    ];
    for (person, method, path, body, pointer) in cases {
        let faults = person.send(method, path, &[], &body).await.expect_error(422, "validation_failed");
        assert_eq!(faults["errors"][0]["pointer"], json!(pointer), "{faults}");
    }
    ana.post(&messages, json!({"text": "x".repeat(8_001)})).await.expect_error(422, "validation_failed");
    ana.post(&messages, json!({})).await.expect_error(422, "validation_failed");
    ana.post(&messages, json!({"text": "a\u{0}b"})).await.expect_error(422, "validation_failed");

    let after = (ana.get(&path).await.body, ana.get(&budget).await.body, ana.get(&messages).await.body);
    assert_eq!(before, after, "nothing changed");
    assert_eq!(ana.get("/projects/list").await.expect(200)["items"].as_array().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_paths_methods_queries_and_tokens_get_their_documented_error() {
    let world = TestStack::start().await;
    let ana = world.login("ana").await;
    let token = ana.token.clone().unwrap();
    for path in ["/auth/nothing", "/projects/a/b/c", "/projects/a/", "/messages/conversations/x/y", "/auth/users/x/y"] {
        ana.get(path).await.expect_error(404, "not_found");
        world.anonymous().get(path).await.expect_error(404, "not_found");
    }
    // No function has this path, so the gateway itself responds.
    for path in ["/nothing", "/projects/", "/auth"] {
        assert_eq!(ana.get(path).await.expect(404), json!({"message": "Not Found"}), "{path}");
    }
    for (method, path, allow) in [
        (Method::DELETE, "/projects/list", "GET, HEAD, OPTIONS"),
        (Method::PUT, "/projects", "POST, OPTIONS"),
        (Method::GET, "/auth/login", "POST, OPTIONS"),
        (Method::POST, "/projects/prj_x", "GET, PATCH, DELETE, HEAD, OPTIONS"),
        (Method::POST, "/auth/health", "GET, HEAD, OPTIONS"),
    ] {
        let answer = ana.request(method, path, &[], None).await;
        assert_eq!(answer.header("allow"), allow, "{path}");
        answer.expect_error(405, "method_not_allowed");
    }
    for query in ["?userId=usr_x", "?limit=0", "?limit=-1", "?limit=many", "?limit=1&limit=2"] {
        ana.get(&format!("/projects/list{query}")).await.expect_error(400, "invalid_parameter");
    }
    ana.get("/projects/list?limit=1000").await.expect(200);
    for domain in ["auth/me", "projects/list", "messages/conversations"] {
        let path = format!("/{domain}");
        world.anonymous().get(&path).await.expect_error(401, "missing_token");
        let (head, signature) = token.rsplit_once('.').unwrap();
        let other_payload = format!("{}.{}.{signature}", head.split('.').next().unwrap(), "eyJzdWIiOiJ1c3JfMDAifQ");
        let huge = "a".repeat(9_000);
        for bad in ["", "a", "a.b.c", &format!("{token}x"), head, &format!("{head}."), &other_payload, &format!("{token}, Bearer {token}"), &huge] {
            let answer = world.with_token(bad).get(&path).await;
            answer.expect_error(401, "invalid_token");
        }
        for header in [format!("Basic {token}"), format!("Bearer  {token}"), token.clone()] {
            let answer = world.anonymous().request(Method::GET, &path, &[("authorization", &header)], None).await;
            answer.expect_error(401, "invalid_token");
        }
        // A token in the query is not a credential.
        world.anonymous().get(&format!("{path}?token={token}")).await.expect_error(401, "missing_token");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn page_cursors_are_bound_to_caller_and_query() {
    let world = TestStack::start().await;
    let (ana, ben) = (world.login("ana").await, world.login("ben").await);
    let mut made = Vec::new();
    for number in 0..5 {
        made.push(world.project(&ana, &format!("Project {number}"), &[(&ben, "viewer")]).await);
    }
    let mut seen = Vec::new();
    let mut cursor = String::new();
    let mut first = String::new();
    loop {
        let page = ana.get(&format!("/projects/list?limit=2{cursor}")).await.expect(200);
        seen.extend(page["items"].as_array().unwrap().iter().map(|item| text(&item["projectId"])));
        match page["nextCursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
        if first.is_empty() {
            first = cursor.clone();
        }
    }
    seen.sort();
    made.sort();
    assert_eq!(seen, made, "each once");
    // The test changes a character in the middle, because the last one may have unused bits.
    let middle = first.len() - 8;
    let altered = format!("{}{}{}", &first[..middle], if first.as_bytes()[middle] == b'A' { 'B' } else { 'A' }, &first[middle + 1..]);
    for bad in
        ["&cursor=x", "&cursor=", &altered, &format!("{first}&q=project"), &format!("{first}&status=new"), &format!("&cursor={}", "A".repeat(5_000))]
    {
        ana.get(&format!("/projects/list?limit=2{bad}")).await.expect_error(400, "invalid_cursor");
    }
    ben.get(&format!("/projects/list?limit=2{first}")).await.expect_error(400, "invalid_cursor");
    ana.get(&format!("/messages/conversations?limit=2{first}")).await.expect_error(400, "invalid_cursor");
}
