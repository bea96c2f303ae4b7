//! Raw event in, response out, on the embedded database. Frames on real sockets are in the end-to-end suite.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics, in its helpers too")]

use local_stack::faults::{Effect, Fault};
use local_stack::testing::{Bench, NO_GATEWAY, ORIGIN, SocketEvents, body_of, published_events};
use realtime::Connections;
use serde_json::{Value, json};
use shared_utils::auth::Role;
use shared_utils::dynamo::Store;
use shared_utils::ids::UserId;
use ws_provider::{App, Tables};

struct Studio {
    bench: Bench,
    app: App,
    connections: Connections,
    ana: UserId,
    token: String,
}

async fn studio() -> Studio {
    let bench = Bench::start().await;
    let messaging = messaging::Tables { messages: bench.table("messages"), auth: bench.table("auth"), projects: bench.table("projects") };
    let app = App::new(bench.edge(), &bench.aws(), Tables { messaging, connections: bench.table("connections") }, NO_GATEWAY);
    let connections = Connections::new(Store::new(bench.aws().dynamodb()), bench.table("connections"), bench.clock.clone());
    let ana = bench.person("ana").await;
    let token = bench.token(ana, Role::User).await;
    Studio { bench, app, connections, ana, token }
}

impl Studio {
    async fn connect(&self, socket: &SocketEvents, query: &str, headers: &[(&str, &str)]) -> i64 {
        self.app.handle(socket.connect(query, headers)).await.status_code
    }

    async fn ask(&self, socket: &SocketEvents, frame: Value) -> Value {
        let answer = self.app.handle(socket.message("$default", &frame.to_string())).await;
        assert_eq!(answer.status_code, 200);
        body_of(&answer)
    }
}

#[tokio::test]
async fn the_gate_lets_good_tokens_in_and_nothing_else() {
    let studio = studio().await;
    let good = format!("token={}", studio.token);
    for (query, headers, expected) in [
        (good.as_str(), &[][..], 200),
        (&good, &[("Origin", ORIGIN)][..], 200),
        (&good, &[("origin", "https://evil.test")][..], 403),
        (&good, &[("Origin", "null")][..], 403),
        ("", &[][..], 401),
        ("token=", &[][..], 401),
        ("token=a.b.c", &[][..], 401),
        (&format!("{good}&{good}"), &[][..], 401),
        (&format!("Token={}", studio.token), &[][..], 401),
    ] {
        assert_eq!(studio.connect(&SocketEvents::default(), query, headers).await, expected, "{query} {headers:?}");
    }
    studio.bench.clock.advance_seconds(661);
    assert_eq!(studio.connect(&SocketEvents::default(), &good, &[]).await, 401, "its time is over");
}

#[tokio::test]
async fn nothing_is_posted_inside_connect() {
    let studio = studio().await;
    studio.connect(&SocketEvents::default(), &format!("token={}", studio.token), &[]).await;
    // Whatever there was to say would be owed after the answer; to a first connection there is nothing.
    assert_eq!(studio.app.after_answer().run(std::time::Duration::ZERO).await, 0);
}

#[tokio::test]
async fn a_connection_is_known_until_it_goes() {
    let studio = studio().await;
    let socket = SocketEvents::default();
    studio.connect(&socket, &format!("token={}", studio.token), &[]).await;
    let known = studio.connections.of_users(&[studio.ana]).await.unwrap();
    assert_eq!(known.iter().map(|connection| connection.connection_id.as_str()).collect::<Vec<_>>(), [socket.connection_id()]);
    assert_eq!(studio.ask(&socket, json!({"action": "ping", "ref": "1"})).await["action"], json!("pong"));
    studio.app.handle(socket.disconnect()).await;
    studio.app.after_answer().run(std::time::Duration::from_secs(5)).await;
    assert_eq!(studio.connections.of_users(&[studio.ana]).await.unwrap(), []);
    assert_eq!(studio.ask(&socket, json!({"action": "ping", "ref": "1"})).await["action"], json!("error"), "a connection without an item");
}

#[tokio::test]
async fn a_token_whose_time_is_over_ends_actions() {
    let studio = studio().await;
    let socket = SocketEvents::default();
    studio.connect(&socket, &format!("token={}", studio.token), &[]).await;
    studio.bench.clock.advance_seconds(659);
    assert_eq!(studio.ask(&socket, json!({"action": "ping", "ref": "1"})).await["action"], json!("pong"));
    studio.bench.clock.advance_seconds(2);
    let refused = studio.ask(&socket, json!({"action": "ping", "ref": "2"})).await;
    assert_eq!((&refused["code"], &refused["ref"]), (&json!("auth_expired"), &json!("2")));
    studio.bench.clock.advance_seconds(7_200);
    assert_eq!(studio.connections.of_users(&[studio.ana]).await.unwrap(), [], "a zombie is nobody's connection");
}

#[tokio::test]
async fn identity_is_the_servers() {
    let studio = studio().await;
    let socket = SocketEvents::default();
    studio.connect(&socket, &format!("token={}", studio.token), &[]).await;
    let frame = json!({"action": "sendMessage", "ref": "1", "conversationId": "cnv_x", "text": "hi", "optimisticId": "o", "senderId": "usr_x", "timestamp": "never"});
    let refused = studio.ask(&socket, frame).await;
    assert_eq!((&refused["code"], &refused["optimisticId"]), (&json!("not_found"), &json!("o")));
    let faulty = studio.ask(&socket, json!({"action": "ping", "ref": "1", "nonsense": true})).await;
    assert_eq!(faulty["errors"][0]["pointer"], json!("/nonsense"));
}

#[tokio::test]
async fn a_busy_table_is_an_error_frame_and_not_silence() {
    let studio = studio().await;
    let socket = SocketEvents::default();
    studio.connect(&socket, &format!("token={}", studio.token), &[]).await;
    studio.bench.faults.add(Fault { action: Some("GetItem".to_owned()), effect: Effect::Throttle, skip: 0, times: 4 });
    let busy = studio.ask(&socket, json!({"action": "sendMessage", "ref": "1", "conversationId": "cnv_x", "optimisticId": "o"})).await;
    assert_eq!((&busy["code"], &busy["ref"], &busy["optimisticId"]), (&json!("unavailable"), &json!("1"), &json!("o")));
    studio.bench.faults.clear();
    assert_eq!(studio.ask(&socket, json!({"action": "ping", "ref": "2"})).await["action"], json!("pong"));
}

#[tokio::test]
async fn events_that_nobody_here_wrote_are_answered() {
    let studio = studio().await;
    for (name, event) in published_events("example-apigw-websocket") {
        let answer = studio.app.handle(serde_json::from_value(event).unwrap()).await;
        let expected: &[i64] = if name.contains("disconnect") { &[200] } else { &[401, 403] };
        assert!(expected.contains(&answer.status_code), "{name}: {}", answer.status_code);
    }
}
