//! Every route and every socket action × every actor, with the status each must get. A route that is in a function and not in this
//! table fails the test, and so does one in the table that no function has.

use std::collections::BTreeSet;

use end_to_end::{Answer, Person, World, text};
use reqwest::Method;
use serde_json::{Value, json};

/// The actors, in the order of the expected statuses.
const ACTORS: [&str; 7] = ["anonymous", "bad token", "outsider", "viewer", "editor", "owner", "author"];

/// A route with the statuses of all actors. The author is an editor of the project who wrote the message and opened the group.
struct Row {
    method: Method,
    /// As the route table has it.
    pattern: &'static str,
    body: fn(&Things) -> Value,
    expected: [u16; 7],
}

/// What the requests are about, made afresh for each row and actor.
struct Things {
    project: String,
    conversation: String,
    message: String,
    outsider: String,
    member: String,
}

fn row(method: Method, pattern: &'static str, body: fn(&Things) -> Value, expected: [u16; 7]) -> Row {
    Row { method, pattern, body, expected }
}

fn nothing(_: &Things) -> Value {
    Value::Null
}

#[rustfmt::skip]
fn table() -> Vec<Row> {
    vec![
        // Open to everyone: what is sent decides, a token is not looked at.
        row(Method::POST, "/auth/login", |things| json!({"email": format!("{}@nobody.test", things.project), "password": "wrong"}), [401; 7]),
        row(Method::POST, "/auth/refresh", |_| json!({"refreshToken": "nonsense"}), [401; 7]),
        row(Method::GET, "/auth/.well-known/jwks.json", nothing, [200; 7]),
        row(Method::POST, "/auth/logout", nothing, [401, 401, 204, 204, 204, 204, 204]),
        row(Method::GET, "/auth/me", nothing, [401, 401, 200, 200, 200, 200, 200]),

        row(Method::GET, "/projects/list", nothing, [401, 401, 200, 200, 200, 200, 200]),
        row(Method::POST, "/projects", |_| json!({"title": "Another"}), [401, 401, 201, 201, 201, 201, 201]),
        row(Method::GET, "/projects/{id}", nothing, [401, 401, 404, 200, 200, 200, 200]),
        row(Method::PATCH, "/projects/{id}", |_| json!({"status": "35%"}), [401, 401, 404, 403, 200, 200, 200]),
        row(Method::DELETE, "/projects/{id}", nothing, [401, 401, 404, 403, 403, 204, 403]),
        row(Method::PUT, "/projects/{id}/team/{userId}", |_| json!({"role": "viewer"}), [401, 401, 404, 403, 403, 200, 403]),
        row(Method::DELETE, "/projects/{id}/team/{userId}", nothing, [401, 401, 404, 403, 403, 204, 403]),
        row(Method::GET, "/projects/{id}/budget", nothing, [401, 401, 404, 403, 200, 200, 200]),
        row(Method::PATCH, "/projects/{id}/budget", |_| json!({"lines": [{"quantity": 1}]}), [401, 401, 404, 403, 200, 200, 200]),

        row(Method::GET, "/messages/conversations", nothing, [401, 401, 200, 200, 200, 200, 200]),
        row(Method::POST, "/messages/conversations", |things| json!({"type": "project", "projectId": things.project}), [401, 401, 404, 200, 200, 200, 200]),
        row(Method::GET, "/messages/conversations/{id}", nothing, [401, 401, 404, 200, 200, 200, 200]),
        row(Method::GET, "/messages/conversations/{id}/messages", nothing, [401, 401, 404, 200, 200, 200, 200]),
        row(Method::POST, "/messages/conversations/{id}/messages", |_| json!({"text": "hello"}), [401, 401, 404, 201, 201, 201, 201]),
        row(Method::GET, "/messages/{id}", nothing, [401, 401, 404, 200, 200, 200, 200]),
        row(Method::PATCH, "/messages/{id}", |_| json!({"text": "changed"}), [401, 401, 404, 403, 403, 403, 200]),
        row(Method::DELETE, "/messages/{id}", nothing, [401, 401, 404, 403, 403, 204, 204]),
    ]
}

struct Cast {
    world: World,
    owner: Person,
    actors: Vec<Person>,
}

async fn cast() -> Cast {
    let world = World::start_peopled(2).await;
    let owner = world.login("user001").await;
    let mut actors = vec![world.anonymous(), world.with_token("eyJhbGciOiJub25lIn0.e30.")];
    for name in ["dana", "cleo", "ben"] {
        actors.push(world.login(name).await);
    }
    actors.push(owner.clone());
    actors.push(world.login("user002").await);
    Cast { world, owner, actors }
}

impl Cast {
    async fn things(&self) -> Things {
        let [_, _, outsider, viewer, editor, _, author] = &self.actors[..] else { unreachable!() };
        let team = [(viewer, "viewer"), (editor, "editor"), (author, "editor")];
        let project = self.world.project(&self.owner, "Atrium", &team).await;
        let opened = self.owner.post("/messages/conversations", json!({"type": "project", "projectId": project})).await.expect(201);
        let conversation = text(&opened["conversationId"]);
        let sent = author.post(&format!("/messages/conversations/{conversation}/messages"), json!({"text": "mine"})).await.expect(201);
        Things { project, conversation, message: text(&sent["messageId"]), outsider: outsider.id.clone(), member: viewer.id.clone() }
    }
}

/// The path of a row for these things.
fn path(row: &Row, things: &Things) -> String {
    let id = if row.pattern.starts_with("/messages/conversations") {
        &things.conversation
    } else if row.pattern.starts_with("/messages") {
        &things.message
    } else {
        &things.project
    };
    let user = if row.method == Method::PUT { &things.outsider } else { &things.member };
    row.pattern.replace("{id}", id).replace("{userId}", user)
}

async fn call(person: &Person, row: &Row, path: &str, things: &Things) -> Answer {
    match (row.body)(things) {
        Value::Null => person.request(row.method.clone(), path, &[], None).await,
        body => person.send(row.method.clone(), path, &[], &body).await,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_and_every_actor() {
    let mut cast = cast().await;
    let mut wrong = Vec::new();
    for row in table() {
        for (index, actor) in ACTORS.iter().enumerate() {
            let things = cast.things().await;
            // A viewer who is to be removed by the editor must not be the one who asks.
            let things = if *actor == "viewer" { Things { member: cast.actors[4].id.clone(), ..things } } else { things };
            let answer = call(&cast.actors[index], &row, &path(&row, &things), &things).await;
            if answer.status != row.expected[index] {
                wrong.push(format!(
                    "{} {} as {actor}: {} instead of {}: {}",
                    row.method, row.pattern, answer.status, row.expected[index], answer.body
                ));
            }
            if row.pattern == "/auth/logout" && answer.status == 204 {
                cast.actors[index] = cast.world.login_again(&cast.actors[index]).await;
                cast.owner = cast.actors[5].clone();
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What cannot be seen and what is not there answer byte for byte alike, request id aside.
#[tokio::test(flavor = "multi_thread")]
async fn foreign_and_random_ids_answer_alike() {
    let cast = cast().await;
    let outsider = &cast.actors[2];
    let things = cast.things().await;
    // Ids of the same shape that never were: of another project, deleted at once.
    let mut gone = cast.things().await;
    gone.project = gone.project.replace("prj_01", "prj_00");
    gone.conversation = gone.conversation.replace("cnv_01", "cnv_00");
    gone.message = gone.message.replace("msg_01", "msg_00");
    let malformed = Things {
        project: "prj_..%2F..%2Fetc".to_owned(),
        conversation: "cnv_x".to_owned(),
        message: "msg_%00".to_owned(),
        outsider: things.outsider.clone(),
        member: things.member.clone(),
    };
    for row in table().iter().filter(|row| row.pattern.contains("{id}")) {
        let mut answers = Vec::new();
        for things in [&things, &gone, &malformed] {
            let mut answer = call(outsider, row, &path(row, things), things).await;
            answer.body["requestId"] = Value::Null;
            answers.push((answer.status, answer.body));
        }
        assert_eq!(answers[0].0, 404, "{} {}", row.method, row.pattern);
        assert_eq!(answers[0], answers[1], "{} {}", row.method, row.pattern);
        assert_eq!(answers[0], answers[2], "{} {}", row.method, row.pattern);
    }
}

#[test]
fn no_route_is_missing_from_the_table() {
    let listed: BTreeSet<String> = table().iter().map(|row| format!("{} {}", row.method, row.pattern)).collect();
    let mut real = BTreeSet::new();
    real.extend(auth_router::ROUTES.iter().map(|route| format!("{} {}", route.method, route.pattern)));
    real.extend(projects_router::ROUTES.iter().map(|route| format!("{} {}", route.method, route.pattern)));
    real.extend(messages_router::ROUTES.iter().map(|route| format!("{} {}", route.method, route.pattern)));
    assert_eq!(listed, real);
}

/// An action with the fields that make it good, and what an outsider gets: `None` where it concerns nobody else.
type ActionRow = (&'static str, fn(&Things) -> Value, Option<&'static str>, Option<&'static str>);

/// Action, fields, the code for an outsider, the code for a viewer who is not the author.
#[rustfmt::skip]
fn actions() -> Vec<ActionRow> {
    vec![
        ("sendMessage", |things| json!({"conversationId": things.conversation, "text": "hello", "optimisticId": "o"}), Some("not_found"), None),
        ("editMessage", |things| json!({"messageId": things.message, "text": "changed"}), Some("not_found"), Some("forbidden")),
        ("deleteMessage", |things| json!({"messageId": things.message}), Some("not_found"), Some("forbidden")),
        ("ping", |_| json!({}), None, None),
        ("setActiveConversation", |things| json!({"conversationId": things.conversation}), None, None),
        ("setActiveRevision", |_| json!({"revision": 1}), None, None),
        ("projectUpdated", |_| json!({"fields": {"title": "forged"}}), None, None),
        ("budgetUpdated", |_| json!({"revision": 1, "total": 1}), None, None),
        ("clientRevisionUpdated", |_| json!({"clientRevisionId": 1}), None, None),
        ("timelineUpdated", |_| json!({"events": []}), None, None),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn every_socket_action_and_every_actor() {
    let cast = cast().await;
    assert_eq!(cast.actors[0].try_connect("", &[]).await.err(), Some(cast.world.refusal(401)));
    assert_eq!(cast.actors[1].try_connect("?token=eyJhbGciOiJub25lIn0.e30.", &[]).await.err(), Some(cast.world.refusal(401)));
    for (action, fields, outsider, viewer) in actions() {
        let things = cast.things().await;
        for (person, code) in [(&cast.actors[2], outsider), (&cast.actors[3], viewer), (&cast.actors[6], None)] {
            let mut socket = person.connect().await;
            let mut frame = fields(&things);
            frame["action"] = json!(action);
            frame["ref"] = json!("r");
            let (reply, _) = socket.ask(frame).await;
            assert_eq!(reply["code"].as_str(), code, "{action}: {reply}");
        }
    }
    let listed: BTreeSet<&str> = actions().iter().map(|row| row.0).collect();
    assert_eq!(listed, ws_provider::ACTIONS.iter().copied().collect());
}
