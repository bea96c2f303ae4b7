//! Every route × every actor.

use super::*;

/// A route with the expected statuses of all actors.
struct Row {
    method: Method,
    /// The pattern in the route table.
    pattern: &'static str,
    body: fn(&Things) -> Value,
    expected: [u16; 12],
}

impl Row {
    /// Whether the row is about the content of a file.
    fn is_download(&self) -> bool {
        self.method == Method::GET && (self.pattern.ends_with("/{fileId}") || self.pattern.ends_with("/thumbnail"))
    }
}

/// A row that refuses actors without a valid session, and the pending actor. The statuses are those of outsider to admin.
fn row(method: Method, pattern: &'static str, body: fn(&Things) -> Value, [outsider, viewer, editor, owner, author, admin]: [u16; 6]) -> Row {
    Row { method, pattern, body, expected: [401, 401, 401, 401, 401, 403, outsider, viewer, editor, owner, author, admin] }
}

/// A row with its own statuses for all actors.
fn open_row(method: Method, pattern: &'static str, body: fn(&Things) -> Value, expected: [u16; 12]) -> Row {
    Row { method, pattern, body, expected }
}

fn a_picture(_: &Things) -> Value {
    picture()
}

fn nothing(_: &Things) -> Value {
    Value::Null
}

fn table() -> Vec<Row> {
    accounts().into_iter().chain(resources()).collect()
}

#[rustfmt::skip]
fn accounts() -> Vec<Row> {
    vec![
        // The request decides. A token is not read.
        open_row(Method::POST, "/auth/login", |things| json!({"email": format!("{}@nobody.test", things.project), "password": "wrong"}), [401; 12]),
        open_row(Method::POST, "/auth/refresh", |_| json!({"refreshToken": "nonsense"}), [401; 12]),
        open_row(Method::POST, "/auth/login/mfa", |_| json!({"challenge": "nonsense", "code": "123456"}), [401; 12]),
        open_row(Method::POST, "/auth/login/mfa/enrol", |_| json!({"challenge": "nonsense"}), [401; 12]),
        open_row(Method::POST, "/auth/login/password", |_| json!({"challenge": "nonsense", "newPassword": PASSWORD}), [401; 12]),
        open_row(Method::POST, "/auth/password/forgot", |_| json!({"email": "nobody@nobody.test"}), [202; 12]),
        open_row(Method::POST, "/auth/password/reset", |_| json!({"token": "usr_x.y", "newPassword": PASSWORD}), [400; 12]),
        open_row(Method::POST, "/auth/email/confirm", |_| json!({"token": "usr_x.y"}), [400; 12]),
        open_row(Method::POST, "/auth/sign-up", |_| json!({"email": "nobody@nobody.test"}), [202; 12]),
        open_row(Method::POST, "/auth/sign-up/confirm", |_| json!({"token": "x.y", "password": PASSWORD}), [400; 12]),
        open_row(Method::GET, "/auth/.well-known/jwks.json", nothing, [200; 12]),
        // Anyone who was ever signed in may sign out.
        open_row(Method::POST, "/auth/logout", nothing, [401, 401, 204, 204, 204, 204, 204, 204, 204, 204, 204, 204]),
        open_row(Method::GET, "/auth/me", nothing, [401, 401, 401, 401, 401, 200, 200, 200, 200, 200, 200, 200]),
        row(Method::PATCH, "/auth/me", |_| json!({"occupation": "here"}), [200; 6]),
        row(Method::POST, "/auth/password", |_| json!({"currentPassword": PASSWORD, "newPassword": PASSWORD}), [204; 6]),
        row(Method::POST, "/auth/me/email", |_| json!({"email": "nobody@nobody.test", "currentPassword": PASSWORD}), [202; 6]),
        row(Method::GET, "/auth/mfa", nothing, [200; 6]),
        // The second factor is off.
        row(Method::POST, "/auth/mfa/totp/confirm", |_| json!({"code": "123456"}), [409; 6]),
        row(Method::POST, "/auth/mfa/recovery-codes", |_| json!({"code": "123456"}), [409; 6]),
        row(Method::POST, "/auth/mfa/disable", |_| json!({"currentPassword": PASSWORD, "code": "123456"}), [409; 6]),
        row(Method::POST, "/auth/mfa/totp", |_| json!({"currentPassword": PASSWORD}), [200; 6]),
        row(Method::POST, "/auth/me/thumbnail", a_picture, [201; 6]),
        // Nobody has such a file.
        row(Method::POST, "/auth/me/thumbnail/{fileId}/complete", nothing, [404; 6]),
        row(Method::DELETE, "/auth/me/thumbnail", nothing, [204; 6]),
        row(Method::GET, "/auth/users/{id}/thumbnail", nothing, [200; 6]),
        row(Method::GET, "/auth/sessions", nothing, [200; 6]),
        // The session belongs to the pending person.
        row(Method::DELETE, "/auth/sessions/{id}", nothing, [404; 6]),
        row(Method::GET, "/auth/users", nothing, [200; 6]),
        row(Method::POST, "/auth/users", |things| json!({"email": format!("{}@new.test", &things.message[things.message.len() - 20..])}), [403, 403, 403, 403, 403, 201]),
        row(Method::PATCH, "/auth/users/{id}", |_| json!({"pending": true}), [403, 403, 403, 403, 403, 200]),
        // The pending person has signed in, and has no second factor.
        row(Method::POST, "/auth/users/{id}/invitation", nothing, [403, 403, 403, 403, 403, 409]),
        row(Method::DELETE, "/auth/users/{id}/invitation", nothing, [403, 403, 403, 403, 403, 204]),
        row(Method::POST, "/auth/users/{id}/password-reset", nothing, [403, 403, 403, 403, 403, 202]),
        row(Method::DELETE, "/auth/users/{id}/mfa", nothing, [403, 403, 403, 403, 403, 409]),
        row(Method::POST, "/auth/ws-ticket", nothing, [200; 6]),
    ]
}

#[rustfmt::skip]
fn resources() -> Vec<Row> {
    vec![
        row(Method::GET, "/projects/list", nothing, [200; 6]),
        row(Method::POST, "/projects", |_| json!({"title": "Another"}), [201; 6]),
        row(Method::GET, "/projects/{id}", nothing, [404, 200, 200, 200, 200, 200]),
        row(Method::PATCH, "/projects/{id}", |_| json!({"status": "35%"}), [404, 403, 200, 200, 200, 200]),
        row(Method::DELETE, "/projects/{id}", nothing, [404, 403, 403, 204, 403, 204]),
        row(Method::PUT, "/projects/{id}/team/{userId}", |_| json!({"role": "viewer"}), [404, 403, 403, 200, 403, 200]),
        row(Method::DELETE, "/projects/{id}/team/{userId}", nothing, [404, 403, 403, 204, 403, 204]),
        row(Method::GET, "/projects/{id}/files", nothing, [404, 200, 200, 200, 200, 200]),
        row(Method::POST, "/projects/{id}/files", a_picture, [404, 403, 201, 201, 201, 201]),
        // The author has declared the file and not uploaded it. Nobody else can complete it.
        row(Method::POST, "/projects/{id}/files/{fileId}/complete", nothing, [404, 403, 404, 404, 409, 404]),
        row(Method::GET, "/projects/{id}/files/{fileId}", nothing, [404, 200, 200, 200, 200, 200]),
        row(Method::DELETE, "/projects/{id}/files/{fileId}", nothing, [404, 403, 204, 204, 204, 204]),
        row(Method::GET, "/projects/{id}/budget", nothing, [404, 403, 200, 200, 200, 200]),
        row(Method::PATCH, "/projects/{id}/budget", |_| json!({"lines": [{"quantity": 1}]}), [404, 403, 200, 200, 200, 200]),

        // An administrator outside a team does not take part in its conversation.
        row(Method::GET, "/messages/conversations", nothing, [200; 6]),
        row(Method::POST, "/messages/conversations", |things| json!({"type": "project", "projectId": things.project}), [404, 200, 200, 200, 200, 404]),
        row(Method::GET, "/messages/conversations/{id}", nothing, [404, 200, 200, 200, 200, 404]),
        // The opener of a group decides about it. The participants of a project's conversation are the team.
        row(Method::PATCH, "/messages/conversations/{id}", |_| json!({"title": "Renamed"}), [404, 403, 403, 403, 200, 404]),
        row(Method::PUT, "/messages/conversations/{id}/participants/{userId}", nothing, [404, 403, 403, 403, 204, 404]),
        row(Method::DELETE, "/messages/conversations/{id}/participants/{userId}", nothing, [404, 403, 403, 403, 204, 404]),
        row(Method::PUT, "/messages/conversations/{id}/read", |_| json!({"seq": 1}), [404, 204, 204, 204, 204, 404]),
        row(Method::GET, "/messages/sync", nothing, [200; 6]),
        // Everyone has their own notifications. Someone else's id changes nothing.
        row(Method::GET, "/messages/notifications", nothing, [200; 6]),
        row(Method::PUT, "/messages/notifications/read", |_| json!({"notificationIds": ["ntf_01ARZ3NDEKTSV4RRFFQ69G5FAV"]}), [204; 6]),
        row(Method::GET, "/messages/conversations/{id}/files", nothing, [404, 200, 200, 200, 200, 404]),
        row(Method::POST, "/messages/conversations/{id}/files", a_picture, [404, 201, 201, 201, 201, 404]),
        row(Method::POST, "/messages/conversations/{id}/files/{fileId}/complete", nothing, [404, 404, 404, 404, 409, 404]),
        row(Method::GET, "/messages/conversations/{id}/files/{fileId}", nothing, [404, 200, 200, 200, 200, 404]),
        row(Method::DELETE, "/messages/conversations/{id}/files/{fileId}", nothing, [404, 403, 403, 204, 204, 404]),
        row(Method::GET, "/messages/conversations/{id}/messages", nothing, [404, 200, 200, 200, 200, 404]),
        row(Method::POST, "/messages/conversations/{id}/messages", |_| json!({"text": "hello"}), [404, 201, 201, 201, 201, 404]),
        row(Method::GET, "/messages/{id}", nothing, [404, 200, 200, 200, 200, 404]),
        row(Method::PATCH, "/messages/{id}", |_| json!({"text": "changed"}), [404, 403, 403, 403, 200, 404]),
        row(Method::DELETE, "/messages/{id}", nothing, [404, 403, 403, 204, 204, 404]),
        row(Method::PUT, "/messages/{id}/reactions/{emoji}", nothing, [404, 200, 200, 200, 200, 404]),
        row(Method::DELETE, "/messages/{id}/reactions/{emoji}", nothing, [404, 200, 200, 200, 200, 404]),
    ]
}

/// The path of a row for these resources.
fn path(row: &Row, things: &Things) -> String {
    let id = if row.pattern.contains("/participants/") || row.method == Method::PATCH && row.pattern == "/messages/conversations/{id}" {
        &things.group
    } else if row.pattern.starts_with("/messages/conversations") {
        &things.conversation
    } else if row.pattern.starts_with("/messages") {
        &things.message
    } else if row.pattern.starts_with("/auth/sessions") {
        &things.session
    } else if row.pattern.starts_with("/auth/users") {
        // The pending person stays pending.
        &things.waiting
    } else {
        &things.project
    };
    let user = if row.method == Method::PUT { &things.outsider } else { &things.member };
    let file = if row.pattern.starts_with("/messages") { &things.conversation_file } else { &things.project_file };
    let path = row.pattern.replace("{fileId}", file).replace("{id}", id).replace("{userId}", user).replace("{emoji}", "%F0%9F%91%8D");
    if row.method == Method::GET && row.pattern == "/auth/users" { format!("{path}?q=a") } else { path }
}

async fn call(person: &Person, row: &Row, path: &str, things: &Things) -> Answer {
    match (row.body)(things) {
        Value::Null => person.request(row.method.clone(), path, &[], None).await,
        body => person.send(row.method.clone(), path, &[], &body).await,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_answers_every_actor_as_declared() {
    let mut cast = cast().await;
    let mut wrong = Vec::new();
    for row in table() {
        let mut things = cast.things().await;
        let is_local = cast.world.forge().is_some();
        if row.is_download() && is_local {
            cast.upload(&things).await;
            things.waiting.clone_from(&cast.actors[AUTHOR].id);
        }
        for (index, actor) in ACTORS.iter().enumerate() {
            // If the viewer is the caller, the editor is the member to remove.
            things.member.clone_from(&cast.actors[if index == VIEWER { EDITOR } else { VIEWER }].id);
            let answer = call(&cast.actors[index], &row, &path(&row, &things), &things).await;
            // A deployed backend issues no expired token, so the test uses an invalid one.
            let is_unsigned = *actor == "expired" && !is_local;
            let expected = match row.expected[index] {
                204 if is_unsigned => 401,
                // Nothing is uploaded to a deployed backend: its bucket may be out of reach.
                200 if row.is_download() && !is_local => 404,
                expected => expected,
            };
            if answer.status != expected {
                wrong.push(format!("{} {} as {actor}: {} instead of {}: {}", row.method, row.pattern, answer.status, expected, answer.body));
            }
            if row.pattern == "/auth/logout" && index >= PENDING {
                cast.actors[index] = cast.world.login_again(&cast.actors[index]).await;
                cast.session = session_of(&cast.actors[PENDING]);
            }
            // A failed sign-in counts against its address.
            if is_success(answer.status) && row.method != Method::GET || row.pattern == "/auth/login" {
                things = cast.things().await;
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    // No actor could end the session of the pending person.
    let pending = &cast.actors[PENDING];
    pending.post("/auth/refresh", json!({"refreshToken": pending.refresh_token})).await.expect(200);
}

/// Hidden and missing resources give byte-identical responses, except for the request id.
#[tokio::test(flavor = "multi_thread")]
async fn foreign_and_unknown_ids_get_the_same_answer() {
    let mut cast = cast().await;
    let things = cast.things().await;
    // Ids of the same form that never existed.
    let mut gone = cast.things().await;
    gone.project = gone.project.replace("prj_01", "prj_00");
    gone.conversation = gone.conversation.replace("cnv_01", "cnv_00");
    gone.group = gone.group.replace("cnv_01", "cnv_00");
    gone.message = gone.message.replace("msg_01", "msg_00");
    gone.session = gone.session.replace("ses_01", "ses_00");
    gone.waiting = gone.waiting.replace("usr_01", "usr_00");
    let malformed = Things {
        project: "prj_..%2F..%2Fetc".to_owned(),
        conversation: "cnv_x".to_owned(),
        group: "cnv_%00".to_owned(),
        message: "msg_%00".to_owned(),
        session: "ses_..%2F".to_owned(),
        waiting: "usr_%F0%9F%91%8D".to_owned(),
        outsider: things.outsider.clone(),
        member: things.member.clone(),
        project_file: "fil_x".to_owned(),
        conversation_file: "fil_..%2F".to_owned(),
        declared: things.declared.clone(),
    };
    let outsider = &cast.actors[OUTSIDER];
    // Ids in the path, and in the only body that names a hidden resource.
    let in_a_body = |row: &Row| row.method == Method::POST && row.pattern == "/messages/conversations";
    for row in table().iter().filter(|row| row.pattern.contains("{id}") || in_a_body(row)) {
        let mut answers = Vec::new();
        for things in [&things, &gone, &malformed] {
            let mut answer = call(outsider, row, &path(row, things), things).await;
            answer.body["requestId"] = Value::Null;
            answers.push((answer.status, answer.body));
        }
        // Nothing was uploaded.
        let expected = if row.is_download() { 404 } else { row.expected[OUTSIDER] };
        assert_eq!(answers[0].0, expected, "{} {}", row.method, row.pattern);
        assert_eq!(answers[0], answers[1], "{} {}", row.method, row.pattern);
        assert_eq!(answers[0], answers[2], "{} {}", row.method, row.pattern);
    }
}

/// What answers everybody.
const HEALTH: [&str; 3] = ["/auth/health", "/projects/health", "/messages/health"];

#[test]
fn every_route_is_in_the_authorization_table() {
    let listed: BTreeSet<String> = table().iter().map(|row| format!("{} {}", row.method, row.pattern)).collect();
    let document = document("openapi.json");
    let paths = document["paths"].as_object().unwrap().iter().filter(|(path, _)| !HEALTH.contains(&path.as_str()));
    let methods = paths.flat_map(|(path, item)| item.as_object().unwrap().keys().map(move |method| (method, path)));
    let real: BTreeSet<String> =
        methods.filter(|(method, _)| *method != "parameters").map(|(method, path)| format!("{} {path}", method.to_uppercase())).collect();
    assert_eq!(listed, real);
}
