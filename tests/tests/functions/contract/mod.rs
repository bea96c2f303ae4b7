//! Each operation and frame of the contract, with values made from its schema: bounds, wrong types, null, missing and unknown members, and the
//! errors that every operation of its kind has. The harness compares each response with the contract.

mod accounts;
mod frames;
mod probes;
mod requests;

use ::contract::openapi::operations;
use end_to_end::{Person, TestStack, text};
use local_stack::faults::{Effect, InjectedFault};
use local_stack::people::PASSWORD;
use reqwest::Method;
use serde_json::{Value, json};
use shared_utils::http::routing::Body;

/// What the paths of operations name.
struct Resources {
    project: String,
    group: String,
    message: String,
    session: String,
    person: String,
}

impl Resources {
    async fn new(world: &TestStack, ana: &Person, ben: &Person) -> Self {
        let group = json!({"type": "group", "title": "Probes", "participants": [ben.id]});
        let group = text(&ana.post("/messages/conversations", group).await.expect(201)["conversationId"]);
        let path = format!("/messages/conversations/{group}/messages");
        let message =
            text(&ana.post(&path, json!({"text": "probe", "attachments": [{"key": "k", "name": "n", "type": "t"}]})).await.expect(201)["messageId"]);
        let sessions = world.login_again(ana).await.get("/auth/sessions").await.expect(200);
        Self {
            project: world.project(ana, "Probes", &[(ben, "editor")]).await,
            group,
            message,
            session: text(&sessions["items"][0]["sessionId"]),
            person: ben.id.clone(),
        }
    }

    /// A path of this pattern.
    fn path(&self, pattern: &str) -> String {
        let id = match pattern.split('/').nth(1).unwrap_or_default() {
            "projects" => &self.project,
            "auth" if pattern.contains("sessions") => &self.session,
            "auth" => &self.person,
            _ if pattern.contains("conversations") => &self.group,
            _ => &self.message,
        };
        pattern
            .replace("{fileId}", "fil_01ARZ3NDEKTSV4RRFFQ69G5FAV")
            .replace("{id}", id)
            .replace("{userId}", &self.person)
            .replace("{emoji}", "%F0%9F%91%8D")
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_body_has_its_size_type_and_form() {
    let world = TestStack::start().await;
    let (ana, ben) = (world.login("ana").await, world.login("ben").await);
    let resources = Resources::new(&world, &ana, &ben).await;
    let json_type = [("content-type", "application/json")];
    for routed in operations() {
        let (method, path) = (routed.operation.method.clone(), resources.path(routed.operation.pattern));
        let (Body::Json(max) | Body::OptionalJson(max)) = routed.body else { continue };
        let person = if routed.operation.id == "logout" { &ben } else { &ana };
        let long = format!("{{\"x\":\"{}\"}}", "x".repeat(max));
        // API Gateway itself takes ten megabytes, a Lambda function six.
        if max < 3_000_000 {
            person.request(method.clone(), &path, &json_type, Some(long)).await.expect_error(413, "payload_too_large");
        }
        person
            .request(method.clone(), &path, &[("content-type", "text/plain")], Some("{}".to_owned()))
            .await
            .expect_error(415, "unsupported_media_type");
        person.request(method.clone(), &path, &json_type, Some("{".to_owned())).await.expect_error(400, "invalid_json");
        person.send(method, &path, &[], &json!({"nonsense": 1})).await.expect_error(422, "validation_failed");
    }
}

/// A header or parameter that an operation declares has its effect, and has none on an operation that does not declare it: another status
/// would not be in the contract.
#[tokio::test(flavor = "multi_thread")]
async fn headers_and_queries_are_read_exactly_where_they_are_declared() {
    let world = TestStack::start().await;
    let (ana, ben) = (world.login("ana").await, world.login("ben").await);
    let resources = Resources::new(&world, &ana, &ben).await;
    for routed in operations().iter().filter(|routed| !["login", "logout", "deleteProject"].contains(&routed.operation.id)) {
        let (method, path) = (routed.operation.method.clone(), resources.path(routed.operation.pattern));
        let declares = |name: &str| routed.operation.headers.contains(&name);
        let with = async |name: &str, value: &str| {
            let (headers, body) = ([(name, value), ("content-type", "application/json")], (routed.body != Body::None).then(|| "{}".to_owned()));
            ana.request(method.clone(), &path, &headers, body).await
        };
        if method == Method::GET {
            let etag = ana.get(&path).await.etag().to_owned();
            assert_eq!(declares("If-None-Match"), !etag.is_empty(), "{path}");
            if declares("If-None-Match") {
                let same = with("if-none-match", &etag).await;
                assert_eq!((same.status, same.etag()), (304, etag.as_str()), "{path}");
            }
            let has_query = routed.codes().contains("invalid_parameter");
            assert_eq!(ana.get(&format!("{path}?nonsense=1")).await.status == 400, has_query, "{path}");
            for parameter in &routed.operation.query {
                let answer = ana.get(&format!("{path}?{}=x", parameter.name)).await;
                assert!(!answer.body["detail"].as_str().unwrap_or_default().starts_with("There is no query parameter"), "{path}: {}", answer.body);
            }
            continue;
        }
        assert_eq!(with("if-match", "\"0\"").await.code() == "version_mismatch", declares("If-Match"), "{method} {path}");
        // An empty key is none, and refused by whoever reads it.
        assert_eq!(with("idempotency-key", "").await.code() == "invalid_parameter", declares("Idempotency-Key"), "{method} {path}");
    }
    let path = resources.path("/projects/{id}");
    ana.request(Method::DELETE, &path, &[("if-match", "\"0\"")], None).await.expect_error(412, "version_mismatch");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_throttled_table_is_unavailable_in_every_operation() {
    let world = TestStack::start().await;
    let (ana, ben) = (world.login("ana").await, world.login("ben").await);
    let resources = Resources::new(&world, &ana, &ben).await;
    world.stack().faults.add(InjectedFault { action: None, effect: Effect::Throttle, skip: 0, times: usize::MAX });
    // Bodies are valid: a sandbox that has just read the revocations calls no table before it refuses a body.
    let (hash, checksum) = (&"A".repeat(43), &format!("{}=", "A".repeat(43)));
    let calls = operations().into_iter().filter(|routed| routed.operation.id != "getPublicKeys").map(|routed| {
        let (ana, resources) = (&ana, &resources);
        async move {
            let path = resources.path(routed.operation.pattern);
            let body = match routed.operation.id {
                "login" => json!({"email": "ana@mylg.test", "password": "x"}),
                "refreshSession" => json!({"refreshToken": ana.refresh_token}),
                "changePassword" => json!({"currentPassword": "x", "newPassword": "y"}),
                "forgotPassword" | "signUp" => json!({"email": "ana@mylg.test"}),
                "resetPassword" => json!({"token": format!("{}.{hash}", ana.id), "newPassword": PASSWORD}),
                "confirmEmail" => json!({"token": format!("{}.{hash}", ana.id)}),
                "confirmSignUp" => json!({"token": format!("{hash}.{hash}"), "password": PASSWORD}),
                "changeEmail" => json!({"email": "an@mylg.test", "currentPassword": "x"}),
                "loginWithCode" => json!({"challenge": "x", "code": "x"}),
                "enrolAtLogin" => json!({"challenge": "x"}),
                "loginWithNewPassword" => json!({"challenge": "x", "newPassword": PASSWORD}),
                "beginSecondFactor" => json!({"currentPassword": "x"}),
                "confirmSecondFactor" | "replaceRecoveryCodes" => json!({"code": "x"}),
                "disableSecondFactor" => json!({"currentPassword": "x", "code": "x"}),
                "markNotificationsRead" => json!({"upTo": "ntf_01ARZ3NDEKTSV4RRFFQ69G5FAV"}),
                "openConversation" => json!({"type": "direct", "participants": [resources.person]}),
                "createUser" => json!({"email": "new@mylg.test"}),
                "updateMe" | "updateUser" => json!({"name": "x"}),
                "createPicture" => json!({"name": "x.png", "type": "image/png", "size": 1, "checksum": checksum}),
                "createProjectFile" | "createConversationFile" => json!({"name": "x.txt", "type": "text/plain", "size": 1, "checksum": checksum}),
                "createProject" | "renameConversation" | "updateProject" => json!({"title": "x"}),
                "sendMessage" | "editMessage" => json!({"text": "x"}),
                "markConversationRead" => json!({"seq": 0}),
                "setTeamMember" => json!({"role": "editor"}),
                _ => json!({}),
            };
            let answer = if routed.body == Body::None {
                ana.request(routed.operation.method.clone(), &path, &[], None).await
            } else {
                ana.send(routed.operation.method.clone(), &path, &[], &body).await
            };
            (routed.operation.id, answer)
        }
    });
    for (id, answer) in futures_util::future::join_all(calls).await {
        assert_eq!((answer.status, answer.code(), answer.header("retry-after")), (503, "unavailable", "1"), "{id}: {}", answer.body);
    }
}

/// Responses that no other test has.
#[tokio::test(flavor = "multi_thread")]
async fn rarer_responses_are_as_documented() {
    let world = TestStack::start().await;
    let (ana, ben) = (world.login("ana").await, world.login("ben").await);
    let direct = format!("/messages/conversations/{}", world.direct(&ana, &ben).await);
    ana.patch(&direct, json!({"title": "Ours"})).await.expect_error(409, "conflict");
    ana.request(Method::PUT, &format!("{direct}/participants/{}", ben.id), &[], None).await.expect_error(409, "conflict");
    ana.delete(&format!("{direct}/participants/{}", ben.id)).await.expect_error(409, "conflict");

    let message = text(&ana.post(&format!("{direct}/messages"), json!({"text": "hello"})).await.expect(201)["messageId"]);
    for method in [Method::PUT, Method::DELETE] {
        ana.request(method, &format!("/messages/{message}/reactions/x"), &[], None).await.expect_error(422, "validation_failed");
    }
    ana.delete(&format!("/messages/{message}")).await;
    let reaction = format!("/messages/{message}/reactions/%F0%9F%91%8D");
    ana.delete(&reaction).await.expect_error(409, "deleted");

    ana.post("/auth/users", json!({"email": "ben@mylg.test"})).await.expect_error(409, "conflict");
    ana.patch(&format!("/auth/users/{}", ben.id), json!({"email": "ana@mylg.test"})).await.expect_error(409, "conflict");
    ana.patch("/auth/users/usr_01ARZ3NDEKTSV4RRFFQ69G5FAV", json!({"pending": true})).await.expect_error(404, "not_found");
    ana.patch(&format!("/auth/users/{}", ana.id), json!({"role": "user"})).await.expect_error(409, "last_admin");

    let keyed = [("idempotency-key", "k")];
    let project = text(&ana.send(Method::POST, "/projects", &keyed, &json!({"title": "A"})).await.expect(201)["projectId"]);
    ana.send(Method::POST, "/projects", &keyed, &json!({"title": "B"})).await.expect_error(422, "idempotency_mismatch");
    ana.delete(&format!("/projects/{project}")).await;
    ana.send(Method::POST, "/projects", &keyed, &json!({"title": "A"})).await.expect_error(404, "not_found");
    ana.delete("/projects/list").await.expect_error(405, "method_not_allowed");

    let from = |origin: &'static str| [("x-session-transport", "cookie"), ("origin", origin)];
    let login = json!({"email": ana.email, "password": "x"});
    let elsewhere = from("https://evil.test");
    world.anonymous().send(Method::POST, "/auth/login", &elsewhere, &login).await.expect_error(403, "forbidden");
    world.anonymous().send(Method::POST, "/auth/logout", &elsewhere, &json!({})).await.expect_error(403, "forbidden");
    let first_visit = world.anonymous().send(Method::POST, "/auth/refresh", &from("http://localhost:5173"), &json!({})).await;
    assert_eq!((first_visit.status, first_visit.body), (204, Value::Null));
}
