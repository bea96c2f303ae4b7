//! HTTP behavior besides the routes: methods, media types and notations. Names in JSON have no special meaning.

use end_to_end::{TestStack, text};
use local_stack::config::Options;
use local_stack::stack::Stack;
use reqwest::Method;
use serde_json::{Value, json};

const RAW_VALUE: &str = "$serde_json::private::RawValue";
const NUMBER: &str = "$serde_json::private::Number";

#[tokio::test(flavor = "multi_thread")]
async fn head_equals_get_without_body() {
    let world = TestStack::start().await;
    let ana = world.login("ana").await;
    let project = world.project(&ana, "Atrium", &[]).await;
    for path in [
        "/auth/health",
        "/auth/me",
        "/auth/.well-known/jwks.json",
        "/projects/health",
        "/projects/list",
        &format!("/projects/{project}"),
        &format!("/projects/{project}/budget"),
        "/messages/health",
        "/messages/conversations",
        "/projects/prj_x",
    ] {
        let (get, head) = (ana.get(path).await, ana.request(Method::HEAD, path, &[], None).await);
        assert_eq!((head.status, head.body, head.headers.get("etag")), (get.status, Value::Null, get.headers.get("etag")), "{path}");
        assert_eq!(head.headers.get("content-type"), get.headers.get("content-type"), "{path}");
    }
    let project = format!("/projects/{project}");
    let etag = ana.get(&project).await.header("etag").to_owned();
    assert_eq!(ana.request(Method::HEAD, &project, &[("if-none-match", &etag)], None).await.status, 304);
    assert_eq!(ana.request(Method::HEAD, "/auth/login", &[], None).await.status, 405);
    assert_eq!(world.anonymous().request(Method::HEAD, "/projects/list", &[], None).await.status, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn content_type_parameters_are_ignored_and_encodings_refused() {
    let world = TestStack::start().await;
    let ana = world.login("ana").await;
    let body = json!({"title": "Atrium"}).to_string();
    for content_type in
        ["application/json", "application/json; charset=utf-8", "application/json;charset=UTF-16", "Application/JSON; charset=latin1; x=y"]
    {
        let answer = ana.request(Method::POST, "/projects", &[("content-type", content_type)], Some(body.clone())).await;
        assert_eq!(answer.status, 201, "{content_type}");
    }
    for coding in ["gzip", "br", "deflate, identity", "GZIP", "nonsense"] {
        let headers = [("content-type", "application/json"), ("content-encoding", coding)];
        let answer = ana.request(Method::POST, "/projects", &headers, Some(body.clone())).await;
        assert!(answer.headers.contains_key("accept-encoding"), "{coding}: {:?}", answer.headers);
        answer.expect_error(415, "unsupported_media_type");
    }
    let headers = [("content-type", "application/json"), ("content-encoding", "identity")];
    assert_eq!(ana.request(Method::POST, "/projects", &headers, Some(body)).await.status, 201);
    for limit in ["101", "18446744073709551616", "99999999999999999999999999"] {
        ana.get(&format!("/projects/list?limit={limit}")).await.expect(200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn member_names_cannot_crash_or_smuggle_values() {
    let world = TestStack::start().await;
    let ana = world.login("ana").await;
    let anonymous = world.anonymous();
    let raw =
        async |method: Method, path: &str, body: String| anonymous.request(method, path, &[("content-type", "application/json")], Some(body)).await;
    let deep = json!("[".repeat(26_000) + &"]".repeat(26_000)).to_string();
    for name in [RAW_VALUE, NUMBER, "\\u0024serde_json::private::RawValue"] {
        for (method, path) in [(Method::PATCH, "/projects/x"), (Method::POST, "/projects"), (Method::PATCH, "/messages/x")] {
            raw(method, path, format!(r#"{{"{name}": {deep}}}"#)).await.expect_error(401, "missing_token");
        }
        let login = json!({"email": "ana@mylg.test", "password": local_stack::people::PASSWORD}).to_string();
        let smuggled = raw(Method::POST, "/auth/login", format!(r#"{{"{name}": {}}}"#, json!(login))).await;
        let codes: Vec<_> =
            smuggled.expect_error(422, "validation_failed")["errors"].as_array().unwrap().iter().map(|fault| fault["code"].clone()).collect();
        assert!(codes.contains(&json!("unknown_field")) && codes.contains(&json!("required")), "{codes:?}");
    }
    let mut socket = ana.connect().await;
    for name in [RAW_VALUE, NUMBER] {
        socket.send_text(&format!(r#"{{"{name}": {}}}"#, json!("[".repeat(31_000)))).await;
        assert_eq!(socket.next().await.unwrap()["action"], json!("error"));
        socket.send_text(&format!(r#"{{"action": {{"{name}": "\"sendMessage\""}}, "ref": 1}}"#)).await;
        assert_eq!(socket.next().await.unwrap()["action"], json!("error"));
    }
    let (pong, _) = socket.ask(json!({"action": "ping", "ref": "1"})).await;
    assert_eq!(pong["action"], json!("pong"), "everything still runs");
    // As names of a folder and a file, they are ordinary names, in storage and in responses.
    let project = format!("/projects/{}", world.project(&ana, "Atrium", &[]).await);
    for name in [RAW_VALUE, NUMBER] {
        let body = format!(r#"{{"folders": {{"{name}": [{{"fileName": "{name}", "url": "b"}}]}}}}"#);
        let patched = ana.request(Method::PATCH, &project, &[("content-type", "application/json")], Some(body)).await.expect(200);
        assert_eq!(patched["folders"][name], json!([{"fileName": name, "url": "b"}]));
        assert_eq!(ana.get(&project).await.expect(200), patched);
    }
    let client = shared_utils::aws::AwsConfig::local(&world.stack().database_url).dynamodb();
    let table = world.stack().declaration.table_name("projects");
    assert!(client.scan().table_name(table).send().await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn origins_are_compared_as_browsers_send_them() {
    let origins = "https://APP.mylg.studio:443,http://xn--Mnchen-3ya.example:80,https://b.test:8443";
    let world = TestStack::start_with(Options { origins: Some(origins.to_owned()), ..Options::for_tests() }).await;
    for origin in ["https://app.mylg.studio", "http://xn--mnchen-3ya.example", "https://b.test:8443"] {
        let answer = world.anonymous().request(Method::GET, "/auth/health", &[("origin", origin)], None).await;
        assert_eq!(answer.header("access-control-allow-origin"), origin);
    }
    // An origin that no browser sends is refused at the start.
    for unusable in ["https://münchen.example", "https://a.test/path", "a.test"] {
        let options = Options { origins: Some(unusable.to_owned()), ..Options::for_tests() };
        assert!(Stack::start(options).await.is_err(), "{unusable}");
    }
    for origin in ["https://b.test", "https://app.mylg.studio:443", "http://app.mylg.studio"] {
        let answer = world.anonymous().request(Method::GET, "/auth/health", &[("origin", origin)], None).await;
        assert!(!answer.headers.contains_key("access-control-allow-origin"), "{origin}");
    }
}

/// The token's payload must be UTF-8 (RFC 7519, section 7.2), including claims that are ignored.
#[tokio::test(flavor = "multi_thread")]
async fn tokens_with_non_utf8_payloads_are_refused() {
    let world = TestStack::start().await;
    let ana = world.login("ana").await;
    let forge = world.forge().expect("the local key can be read");
    let claims = end_to_end::claims_of(&text(&json!(ana.token)));
    let good = forge.sign(&claims).await;
    assert_eq!(world.with_token(&good).get("/auth/me").await.status, 200);
    let mut bad = claims.to_string().into_bytes();
    bad.truncate(bad.len() - 1);
    bad.extend_from_slice(b",\"note\":\"\xff\xfe\"}");
    world.with_token(&forge.sign_bytes(&bad).await).get("/auth/me").await.expect_error(401, "invalid_token");
}

/// HTTP APIs send the path decoded, and cut at a `?` that was encoded. Nothing decodes it again.
#[tokio::test(flavor = "multi_thread")]
async fn paths_arrive_decoded_and_are_not_decoded_again() {
    let world = TestStack::start().await;
    let (ana, ben) = (world.login("ana").await, world.login("ben").await);
    let messages = format!("/messages/conversations/{}/messages", world.direct(&ana, &ben).await);
    let message = text(&ana.post(&messages, json!({"text": "hello"})).await.expect(201)["messageId"]);
    let react = async |emoji: &str| ana.request(Method::PUT, &format!("/messages/{message}/reactions/{emoji}"), &[], None).await;
    react("%F0%9F%91%8D").await.expect(200);
    assert_eq!(react("%25F0%259F%2591%258D").await.expect_error(422, "validation_failed")["errors"][0]["pointer"], json!("/emoji"));
    react("%F0%9F%91%8D%2Fx").await.expect_error(404, "not_found");
    ana.get("/auth%2Fme").await.expect(200);
    ana.get("/auth/me%3Fx=1").await.expect(200);
    ana.get("/projects/prj_%2E%2E%2Flist").await.expect_error(404, "not_found");
}
