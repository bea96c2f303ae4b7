//! Raw event in, response out, on the embedded database. Frames on real sockets are in the end-to-end suite.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics, in its helpers too")]

mod locks;
mod tabs;

use access::revocations::Mark;
use access::revocations::Revocations;
use access::session::Session;
use access::tickets::Tickets;
use local_stack::faults::{Effect, InjectedFault};
use local_stack::testing::{Harness, NO_GATEWAY, ORIGIN, SocketEvents, body_of, published_events};
use realtime::Connections;
use serde_json::{Value, json};
use shared_utils::auth::{Caller, Role};
use shared_utils::dynamo::Store;
use shared_utils::ids::{SessionId, UserId};
use shared_utils::rate_limit::Rate;
use ws_provider::{ACKNOWLEDGED, ACTIONS, App, Rates, Tables};

struct Studio {
    harness: Harness,
    app: App,
    connections: Connections,
    ana: UserId,
    token: String,
}

async fn studio() -> Studio {
    let harness = Harness::start().await;
    let messaging = messaging::Tables { messages: harness.table("messages"), auth: harness.table("auth"), projects: harness.table("projects") };
    let tables = Tables { messaging, connections: harness.table("connections") };
    let app = App::new(harness.context(), &harness.aws(), tables, NO_GATEWAY, Rates::default());
    let connections = Connections::new(Store::new(harness.aws().dynamodb()), harness.table("connections"), harness.clock.clone());
    let ana = harness.person("ana").await;
    let token = harness.token(ana, Role::User).await;
    Studio { harness, app, connections, ana, token }
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
    studio.harness.clock.advance_seconds(661);
    assert_eq!(studio.connect(&SocketEvents::default(), &good, &[]).await, 401, "its time is over");
}

#[tokio::test]
async fn nothing_is_posted_inside_connect() {
    let studio = studio().await;
    studio.connect(&SocketEvents::default(), &format!("token={}", studio.token), &[]).await;
    // What others are told runs after the response: that someone has come.
    assert_eq!(studio.app.background_tasks().run(std::time::Duration::ZERO).await, 1);
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
    studio.app.background_tasks().run(std::time::Duration::from_secs(5)).await;
    assert_eq!(studio.connections.of_users(&[studio.ana]).await.unwrap(), []);
    assert_eq!(studio.ask(&socket, json!({"action": "ping", "ref": "1"})).await["action"], json!("error"), "a connection without an item");
}

#[tokio::test]
async fn a_token_whose_time_is_over_ends_actions() {
    let studio = studio().await;
    let socket = SocketEvents::default();
    studio.connect(&socket, &format!("token={}", studio.token), &[]).await;
    studio.harness.clock.advance_seconds(659);
    assert_eq!(studio.ask(&socket, json!({"action": "ping", "ref": "1"})).await["action"], json!("pong"));
    studio.harness.clock.advance_seconds(2);
    let refused = studio.ask(&socket, json!({"action": "ping", "ref": "2"})).await;
    assert_eq!((&refused["code"], &refused["ref"]), (&json!("auth_expired"), &json!("2")));
    studio.harness.clock.advance_seconds(7_200);
    assert_eq!(studio.connections.of_users(&[studio.ana]).await.unwrap(), [], "a zombie is nobody's connection");
}

/// Runs the background tasks.
async fn settle(studio: &Studio) {
    studio.app.background_tasks().run(std::time::Duration::from_secs(5)).await;
}

#[tokio::test]
async fn an_expired_connection_has_a_minute_to_be_renewed() {
    let studio = studio().await;
    let ping = json!({"action": "ping", "ref": "p"});
    let open = || async { studio.connections.of_users(&[studio.ana]).await.unwrap().len() };
    let socket = SocketEvents::default();
    studio.connect(&socket, &format!("token={}", studio.token), &[]).await;
    studio.harness.clock.advance_seconds(661);
    assert_eq!(studio.ask(&socket, ping.clone()).await["code"], json!("auth_expired"));
    settle(&studio).await;
    assert_eq!(open().await, 1, "it may still be renewed");
    studio.harness.clock.advance_seconds(59);
    assert_eq!(studio.ask(&socket, ping.clone()).await["code"], json!("auth_expired"));
    settle(&studio).await;
    let fresh = studio.harness.token(studio.ana, Role::User).await;
    let renewed = studio.ask(&socket, json!({"action": "auth", "ref": "a", "token": fresh})).await;
    assert_eq!((&renewed["action"], &renewed["of"]), (&json!("ack"), &json!("auth")), "{renewed}");
    assert_eq!(studio.ask(&socket, ping.clone()).await["action"], json!("pong"));
    let listed = &studio.connections.of_users(&[studio.ana]).await.unwrap()[0];
    assert!(listed.is_live(studio.harness.clock.now()) && listed.told_expired_at.is_none(), "deliveries go on too");

    // Not renewed, it is closed at the next delivery after that minute.
    studio.harness.clock.advance_seconds(661);
    studio.ask(&socket, ping.clone()).await;
    settle(&studio).await;
    studio.harness.clock.advance_seconds(60);
    assert_eq!(studio.ask(&socket, ping).await["code"], json!("auth_expired"));
    settle(&studio).await;
    assert_eq!(open().await, 0);
}

#[tokio::test]
async fn a_renewal_takes_a_good_token_of_the_same_person() {
    let studio = studio().await;
    let socket = SocketEvents::default();
    studio.connect(&socket, &format!("token={}", studio.token), &[]).await;
    for (frame, code) in [
        (json!({"action": "auth", "ref": "1"}), "validation_failed"),
        (json!({"action": "auth", "ref": "1", "token": "a.b.c"}), "invalid_token"),
        (json!({"action": "auth", "ref": "1", "token": studio.token, "more": 1}), "validation_failed"),
    ] {
        assert_eq!(studio.ask(&socket, frame).await["code"], json!(code));
    }
    settle(&studio).await;
    assert_eq!(studio.connections.of_users(&[studio.ana]).await.unwrap().len(), 1);
    let bens = studio.harness.token(studio.harness.person("ben").await, Role::User).await;
    assert_eq!(studio.ask(&socket, json!({"action": "auth", "ref": "1", "token": bens})).await["code"], json!("forbidden"));
    settle(&studio).await;
    assert_eq!(studio.connections.of_users(&[studio.ana]).await.unwrap().len(), 0, "another person's token closes");
}

async fn session(studio: &Studio) -> Session {
    let now = studio.harness.clock.now();
    let session = SessionId::generate(now);
    let caller = Caller { user: studio.ana, session, role: Role::User, version: 1, pending: false, expires_at: now.plus_seconds(600) };
    let revocations = Revocations::new(Store::new(studio.harness.aws().dynamodb()), studio.harness.table("auth"), studio.harness.clock.clone());
    revocations.check_session(caller).await.unwrap()
}

async fn ticket(studio: &Studio) -> String {
    let tickets = Tickets::new(Store::new(studio.harness.aws().dynamodb()), studio.harness.table("auth"), studio.harness.clock.clone());
    tickets.issue(&session(studio).await, 30, Rate::OFF).await.unwrap()
}

#[tokio::test]
async fn a_ticket_opens_one_socket_within_half_a_minute() {
    let studio = studio().await;
    let connect = async |query: &str, headers: &[(&str, &str)]| studio.connect(&SocketEvents::default(), query, headers).await;
    let good = ticket(&studio).await;
    // Another site's page does not even use it up.
    assert_eq!(connect(&format!("ticket={good}"), &[("Origin", "https://evil.test")]).await, 403);
    assert_eq!(connect(&format!("ticket={good}&token={}", studio.token), &[]).await, 401, "two credentials are none");
    assert_eq!(connect(&format!("ticket={good}&ticket={good}"), &[]).await, 401);
    assert_eq!(connect(&format!("ticket={good}"), &[("Sec-WebSocket-Protocol", &format!("mylg.v1, ticket.{good}"))]).await, 401);
    assert_eq!(connect(&format!("ticket={good}"), &[("Origin", ORIGIN)]).await, 200);
    assert_eq!(connect(&format!("ticket={good}"), &[("Origin", ORIGIN)]).await, 401, "once");
    let late = ticket(&studio).await;
    studio.harness.clock.advance_seconds(30);
    assert_eq!(connect(&format!("ticket={late}"), &[]).await, 401, "its half minute is over, whatever the table still holds");
    assert_eq!(connect("ticket=", &[]).await, 401);
    assert_eq!(connect(&format!("ticket={}", "A".repeat(43)), &[]).await, 401);

    // Of many at once one gets in.
    let raced = ticket(&studio).await;
    let query = format!("ticket={raced}");
    let mut statuses = futures_util::future::join_all((0..8).map(|_| connect(&query, &[]))).await;
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 401, 401, 401, 401, 401, 401, 401]);
}

#[tokio::test]
async fn a_ticket_dies_with_the_rights_that_it_was_given_for() {
    let studio = studio().await;
    let good = ticket(&studio).await;
    studio.harness.outdate_tokens(studio.ana).await;
    assert_eq!(studio.connect(&SocketEvents::default(), &format!("ticket={good}"), &[]).await, 401);
}

#[tokio::test]
async fn a_ticket_may_come_as_a_protocol_and_is_never_answered() {
    let studio = studio().await;
    let connect = async |protocols: &str, query: &str| {
        let answer = studio.app.handle(SocketEvents::default().connect(query, &[("Sec-WebSocket-Protocol", protocols)])).await;
        (answer.status_code, answer.headers.get("sec-websocket-protocol").map(|value| value.to_str().unwrap().to_owned()))
    };
    let ours = Some("mylg.v1".to_owned());
    assert_eq!(connect(&format!("mylg.v1, ticket.{}", ticket(&studio).await), "").await, (200, ours.clone()));
    assert_eq!(connect(&format!("ticket.{},mylg.v1", ticket(&studio).await), "").await, (200, ours.clone()));
    assert_eq!(connect(&format!("ticket.{}", ticket(&studio).await), "").await, (200, None));
    assert_eq!(connect("mylg.v1", &format!("token={}", studio.token)).await, (200, ours));
    assert_eq!(connect("graphql-ws", &format!("token={}", studio.token)).await, (200, None));
    assert_eq!(connect("mylg.v1", "").await, (401, None));
    assert_eq!(connect("mylg.v1, ticket.", "").await, (401, None));
    let two = format!("mylg.v1, ticket.{}, ticket.{}", ticket(&studio).await, ticket(&studio).await);
    assert_eq!(connect(&two, "").await, (401, None));
}

#[tokio::test]
async fn a_person_opens_thirty_sockets_a_minute() {
    let studio = studio().await;
    let query = format!("token={}", studio.token);
    for _ in 0..30 {
        assert_eq!(studio.connect(&SocketEvents::default(), &query, &[]).await, 200);
    }
    let refused = SocketEvents::default();
    assert_eq!(studio.connect(&refused, &query, &[]).await, 429);
    assert_eq!(studio.ask(&refused, json!({"action": "ping", "ref": "1"})).await["code"], json!("invalid_token"), "nothing is left of it");
    studio.harness.clock.advance_seconds(2);
    assert_eq!(studio.connect(&SocketEvents::default(), &query, &[]).await, 200);
}

#[tokio::test]
async fn actions_and_sends_have_their_pace() {
    let studio = studio().await;
    let socket = SocketEvents::default();
    studio.connect(&socket, &format!("token={}", studio.token), &[]).await;
    let send = json!({"action": "sendMessage", "ref": "s", "conversationId": "cnv_x", "optimisticId": "o"});
    for _ in 0..10 {
        assert_eq!(studio.ask(&socket, send.clone()).await["code"], json!("not_found"));
    }
    let refused = studio.ask(&socket, send.clone()).await;
    assert_eq!((&refused["code"], &refused["retryAfterMs"], &refused["optimisticId"]), (&json!("too_many_requests"), &json!(1000), &json!("o")));
    // Other actions go on; what was refused was not counted.
    for _ in 0..50 {
        assert_eq!(studio.ask(&socket, json!({"action": "ping", "ref": "p"})).await["action"], json!("pong"));
    }
    assert_eq!(studio.ask(&socket, json!({"action": "ping", "ref": "p"})).await["retryAfterMs"], json!(1000));
    let other = SocketEvents::default();
    studio.connect(&other, &format!("token={}", studio.token), &[]).await;
    assert_eq!(studio.ask(&other, send.clone()).await["code"], json!("not_found"), "each connection has its own");
    studio.harness.clock.advance_seconds(1);
    assert_eq!(studio.ask(&socket, send.clone()).await["code"], json!("not_found"));
    assert_eq!(studio.ask(&socket, send).await["code"], json!("too_many_requests"));
}

/// More sockets are no more sends, and no more actions than two sockets have.
#[tokio::test]
async fn a_person_has_a_pace_whatever_they_send_through() {
    let studio = studio().await;
    let ben = studio.harness.person("ben").await;
    let tables = messaging::Tables {
        messages: studio.harness.table("messages"),
        auth: studio.harness.table("auth"),
        projects: studio.harness.table("projects"),
    };
    let messaging = messaging::Messaging::new(Store::new(studio.harness.aws().dynamodb()), tables, studio.harness.clock.clone());
    let new = messaging::open::NewConversation::Direct(ben);
    let opened = messaging.open(studio.ana, new, &[ben], None, async { Ok(session(&studio).await) }).await.unwrap();
    let conversation = opened.conversation.head.conversation_id;
    let sockets: Vec<SocketEvents> = (0..3).map(|_| SocketEvents::default()).collect();
    for socket in &sockets {
        studio.connect(socket, &format!("token={}", studio.token), &[]).await;
    }
    let send = async |socket: usize, n: usize| {
        let frame = json!({"action": "sendMessage", "ref": "s", "conversationId": conversation, "text": "x", "optimisticId": n.to_string()});
        studio.ask(&sockets[socket], frame).await
    };
    for n in 0..10 {
        assert_eq!(send(n % 3, n).await["action"], json!("ack"));
    }
    let refused = send(0, 10).await;
    assert_eq!((&refused["code"], &refused["retryAfterMs"]), (&json!("too_many_requests"), &json!(1000)));
    assert_eq!(send(1, 3).await["action"], json!("ack"), "what was sent already may be asked for again");
    // Eleven sends and one refused: so many more actions until the two minutes' worth is spent.
    for n in 12..120 {
        assert_eq!(studio.ask(&sockets[n % 3], json!({"action": "ping", "ref": "p"})).await["action"], json!("pong"), "{n}");
    }
    assert_eq!(studio.ask(&sockets[2], json!({"action": "ping", "ref": "p"})).await["code"], json!("too_many_requests"));
}

/// The login behind a token.
fn login_of(studio: &Studio, token: &str) -> SessionId {
    studio.harness.context().verifier.verify(token, studio.harness.clock.now()).unwrap().session
}

/// After an ended login or other rights, whatever a connection sends is refused, and it is closed; also where nobody else closes it.
#[tokio::test]
async fn every_action_of_an_ended_login_is_refused_and_closes() {
    let studio = studio().await;
    let ways = ["ended", "outdated", "expired"];
    for (action, way) in ACTIONS.iter().chain(ACKNOWLEDGED).copied().chain(["nonsense"]).flat_map(|action| ways.map(|way| (action, way))) {
        let ben = studio.harness.person("ben").await;
        let token = studio.harness.token(ben, Role::User).await;
        let socket = SocketEvents::default();
        assert_eq!(studio.connect(&socket, &format!("token={token}"), &[]).await, 200);
        let code = match way {
            "ended" => {
                studio.harness.revoke(Mark::Session(login_of(&studio, &token))).await;
                "session_revoked"
            }
            "outdated" => {
                studio.harness.revoke(Mark::Version(ben, 1)).await;
                "invalid_token"
            }
            // A renewal is what it waits for, and not with a token whose time is over as well.
            _ if action == "auth" => "token_expired",
            _ => "auth_expired",
        };
        // What is remembered of revocations is good for five seconds; a token for eleven minutes with its leeway.
        studio.harness.clock.advance_seconds(if way == "expired" { 661 } else { 6 });
        let refused = studio.ask(&socket, json!({"action": action, "ref": "1", "token": token})).await;
        assert_eq!(refused["code"], json!(code), "{action}, {way}");
        settle(&studio).await;
        // A connection whose time is over has a minute to be renewed.
        let left = usize::from(way == "expired");
        assert_eq!(studio.connections.of_users(&[ben]).await.unwrap().len(), left, "{action}, {way}");
    }
}

#[tokio::test]
async fn a_renewal_takes_no_ended_login() {
    let studio = studio().await;
    let socket = SocketEvents::default();
    studio.connect(&socket, &format!("token={}", studio.token), &[]).await;
    let renewal = studio.harness.token(studio.ana, Role::User).await;
    studio.harness.revoke(Mark::Session(login_of(&studio, &renewal))).await;
    studio.harness.clock.advance_seconds(6);
    assert_eq!(studio.ask(&socket, json!({"action": "auth", "ref": "1", "token": renewal})).await["code"], json!("session_revoked"));
    assert_eq!(studio.ask(&socket, json!({"action": "ping", "ref": "1"})).await["action"], json!("pong"), "its own login goes on");
}

/// What the table knows of a connection that was renewed while someone noted that it had expired.
#[tokio::test]
async fn a_late_note_does_not_touch_a_renewed_connection() {
    let studio = studio().await;
    let socket = SocketEvents::default();
    studio.connect(&socket, &format!("token={}", studio.token), &[]).await;
    studio.harness.clock.advance_seconds(661);
    let expired = studio.connections.of_users(&[studio.ana]).await.unwrap().remove(0);
    let fresh = studio.harness.token(studio.ana, Role::User).await;
    assert_eq!(studio.ask(&socket, json!({"action": "auth", "ref": "a", "token": fresh})).await["action"], json!("ack"));
    studio.connections.told_expired(&expired).await.unwrap();
    assert_eq!(studio.connections.of_users(&[studio.ana]).await.unwrap()[0].told_expired_at, None);
    assert_eq!(studio.connections.find(socket.connection_id()).await.unwrap().unwrap().told_expired_at, None);
}

#[tokio::test]
async fn frames_at_the_same_moment_are_all_counted() {
    let studio = studio().await;
    let socket = SocketEvents::default();
    studio.connect(&socket, &format!("token={}", studio.token), &[]).await;
    let ping = || studio.ask(&socket, json!({"action": "ping", "ref": "p"}));
    futures_util::future::join_all((0..59).map(|_| ping())).await;
    ping().await;
    assert_eq!(ping().await["code"], json!("too_many_requests"));
}

#[tokio::test]
async fn an_unreadable_ticket_table_lets_nobody_in() {
    let studio = studio().await;
    let good = ticket(&studio).await;
    studio.harness.faults.add(InjectedFault { action: Some("DeleteItem".to_owned()), effect: Effect::Throttle, skip: 0, times: usize::MAX });
    assert_eq!(studio.connect(&SocketEvents::default(), &format!("ticket={good}"), &[]).await, 503);
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
    studio.harness.faults.add(InjectedFault { action: Some("GetItem".to_owned()), effect: Effect::Throttle, skip: 0, times: 4 });
    let busy = studio.ask(&socket, json!({"action": "sendMessage", "ref": "1", "conversationId": "cnv_x", "optimisticId": "o"})).await;
    assert_eq!((&busy["code"], &busy["ref"], &busy["optimisticId"]), (&json!("unavailable"), &json!("1"), &json!("o")));
    studio.harness.faults.clear();
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
