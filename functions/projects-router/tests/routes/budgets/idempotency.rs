//! `Idempotency-Key` on budgets: a repeated request has one effect and gets the same response.

use crate::*;

/// A PATCH with an idempotency key.
fn keyed(path: &str, key: &str, body: &Value) -> EventBuilder {
    EventBuilder::new(Method::PATCH, path).header("idempotency-key", key).json(body)
}

async fn budget_of(ana: &Person<'_>) -> String {
    format!("{}/budget", project(ana, json!({"title": "Atrium"})).await)
}

#[tokio::test]
async fn concurrent_requests_with_one_key_get_one_result() {
    let studio = studio().await;
    let ana = studio.person("ana").await;
    let path = budget_of(&ana).await;
    // Applying this body twice would be visible: it adds a line without an id and deletes a line.
    let made = ana.patch(&path, json!({"lines": [{"quantity": 1}, {"quantity": 2}]})).await.expect(200);
    let body = json!({"lines": [{"quantity": 3}], "deleteLines": [made["lines"][0]["budgetItemId"]]});
    let all = join_all((0..4).map(|_| ana.call(keyed(&path, "k-1", &body)))).await;
    assert!(all.iter().all(|answer| (answer.status, &answer.body, &answer.etag()) == (200, &all[0].body, &all[0].etag())), "{all:?}");
    assert_eq!(all.iter().filter(|answer| answer.is_replay()).count(), 3);
    let quantities: Vec<_> = ana.get(&path).await.expect(200)["lines"].as_array().unwrap().iter().map(|line| line["quantity"].to_string()).collect();
    assert_eq!(quantities, ["2", "3"]);
}

#[tokio::test]
async fn a_repeated_patch_gets_its_first_response() {
    let studio = studio().await;
    let ana = studio.person("ana").await;
    let path = budget_of(&ana).await;
    let version = ana.get(&path).await.etag().to_owned();
    let event = || keyed(&path, "k-1", &json!({"lines": [{"itemBudgetedCost": 10}]})).header("if-match", &version);
    let first = ana.call(event()).await;
    assert_eq!((first.status, first.is_replay()), (200, false));
    ana.patch(&path, json!({"deleteLines": [first.body["lines"][0]["budgetItemId"]]})).await.expect(200);
    let again = ana.call(event()).await;
    assert_eq!((again.status, again.is_replay(), &again.body, &again.etag()), (200, true, &first.body, &first.etag()));
    assert_eq!(ana.get(&path).await.expect(200)["lines"], json!([]), "nothing came back");
    let other = ana.call(keyed(&path, "k-1", &json!({"lines": []}))).await;
    assert_eq!((other.status, &other.body["code"]), (422, &json!("idempotency_mismatch")));
    let malformed = ana.call(keyed(&path, "", &json!({}))).await;
    assert_eq!((malformed.status, &malformed.body["code"]), (400, &json!("invalid_parameter")));
    // The key is free again after one day.
    studio.harness.clock.advance_seconds(86_401);
    let token = studio.harness.token(ana.id, Role::User).await;
    let ana = Person { token, ..ana };
    let later = ana.call(keyed(&path, "k-1", &json!({"header": {"title": "new"}}))).await;
    assert_eq!((later.status, later.is_replay()), (200, false), "{}", later.body);
}

#[tokio::test]
async fn keys_are_scoped_to_person_and_budget_and_failures_are_not_stored() {
    let studio = studio().await;
    let (ana, ben) = (studio.person("ana").await, studio.person("ben").await);
    let project = project(&ana, json!({"title": "Atrium", "team": [{"userId": ben.id, "role": "editor"}]})).await;
    let (path, other) = (format!("{project}/budget"), budget_of(&ana).await);
    let body = json!({"lines": [{"quantity": 1}]});
    for (person, path) in [(&ana, &path), (&ben, &path), (&ana, &other)] {
        let answer = person.call(keyed(path, "k-1", &body)).await;
        assert_eq!((answer.status, answer.is_replay()), (200, false));
    }
    let made = EventBuilder::new(Method::POST, "/projects").header("idempotency-key", "k-1").json(&json!({"title": "Other"}));
    assert_eq!(ana.call(made).await.status, 201);
    let refused = json!({"lines": [{"quantity": -1}]});
    assert_eq!(ana.call(keyed(&path, "k-2", &refused)).await.status, 422);
    assert!(!ana.call(keyed(&path, "k-2", &body)).await.is_replay());
    // A request that changes nothing also gets a stored response.
    let nothing = ana.call(keyed(&path, "k-3", &json!({}))).await;
    assert_eq!((nothing.status, ana.call(keyed(&path, "k-3", &json!({}))).await.is_replay()), (200, true));
    assert_eq!(ana.get(&path).await.body["version"], nothing.body["version"]);
    assert_eq!(ana.call(keyed(&path, "k-3", &body)).await.status, 422);
    // A replay needs access: a person without access to the budget gets 403, and a deleted budget is 404.
    ana.send(Method::PUT, &format!("{project}/team/{}", ben.id), json!({"role": "viewer"})).await.expect(200);
    assert_eq!(ben.call(keyed(&path, "k-1", &body)).await.status, 403);
    ana.call(EventBuilder::new(Method::DELETE, &project)).await;
    assert_eq!(ana.call(keyed(&path, "k-1", &body)).await.status, 404);
}

#[tokio::test]
async fn a_response_larger_than_one_item_is_repeated() {
    let studio = studio().await;
    let ana = studio.person("ana").await;
    let path = budget_of(&ana).await;
    let lines: Vec<Value> = (0..700).map(|n| json!({"itemBudgetedCost": n, "notes": "ž".repeat(200)})).collect();
    let body = json!({"lines": lines});
    let first = ana.call(keyed(&path, "k-1", &body)).await;
    assert_eq!(first.status, 200, "{}", first.body);
    assert!(first.body.to_string().len() > 2 * 300 * 1024);
    ana.patch(&path, json!({"createRevision": {}})).await.expect(200);
    let again = ana.call(keyed(&path, "k-1", &body)).await;
    assert!(again.is_replay() && again.body == first.body);
    let minimal = keyed(&path, "k-2", &json!({"header": {"title": "x"}})).header("prefer", "return=minimal");
    let first = ana.call(minimal.clone()).await.expect(200);
    assert_eq!(ana.call(minimal).await.expect(200), first);
}

#[tokio::test]
async fn bodies_are_compared_by_value() {
    let studio = studio().await;
    let ana = studio.person("ana").await;
    let path = budget_of(&ana).await;
    let send = async |key: &str, cost: &str| {
        let body = format!(r#"{{"lines": [{{"itemBudgetedCost": {cost}, "quantity": 1}}]}}"#);
        ana.call(EventBuilder::new(Method::PATCH, &path).header("idempotency-key", key).body("application/json", &body)).await
    };
    let first = send("k-1", "100").await;
    for spelling in ["100.0", "1e2", "1.00E+2", "1000e-1"] {
        let again = send("k-1", spelling).await;
        assert_eq!((again.status, again.is_replay(), &again.body), (200, true, &first.body), "{spelling}");
    }
    for other in ["1000", "100.01", "-100", "\"100\""] {
        assert_eq!(send("k-1", other).await.body["code"], json!("idempotency_mismatch"), "{other}");
    }
}
