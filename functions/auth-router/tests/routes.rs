//! Raw event in, response out, on the embedded database.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics, in its helpers too")]

use std::net::IpAddr;

use auth_router::store::{AuthStore, NewUser, Profile};
use auth_router::{App, Lifetimes, Signer, Tables, hash_password};
use futures_util::future::join_all;
use http::Method;
use local_stack::testing::{Bench, EventBuilder, NO_GATEWAY, body_of, published_events};
use serde_json::{Value, json};
use shared_utils::auth::Role;
use shared_utils::dynamo::Store;

const PASSWORD: &str = "correct horse battery";
const REFRESH: &str = "/auth/refresh";

struct Studio {
    bench: Bench,
    app: App,
    ana: Profile,
}

async fn studio() -> Studio {
    let bench = Bench::start().await;
    let tables = Tables { auth: bench.table("auth"), connections: bench.table("connections") };
    let app = App::new(bench.edge(), &bench.aws(), tables.clone(), NO_GATEWAY, Signer::KeyFile(bench.signer()), Lifetimes::default());
    let store = AuthStore::new(Store::new(bench.aws().dynamodb()), tables.auth);
    let new = NewUser {
        email: " Ana@MYLG.test ".to_owned(),
        password_hash: hash_password(PASSWORD).unwrap(),
        role: Role::Designer,
        first_name: Some("Ana".to_owned()),
        last_name: None,
    };
    let ana = store.create_user(new, bench.clock.now()).await.unwrap();
    Studio { bench, app, ana }
}

impl Studio {
    async fn call(&self, event: EventBuilder) -> (i64, Value) {
        let answer = self.app.handle(event.event()).await;
        (answer.status_code, body_of(&answer))
    }

    async fn post(&self, path: &str, body: Value) -> (i64, Value) {
        self.call(EventBuilder::new(Method::POST, path).json(&body)).await
    }

    async fn login(&self) -> Value {
        let (status, body) = self.post("/auth/login", json!({"email": "ana@mylg.test", "password": PASSWORD})).await;
        assert_eq!(status, 200, "{body}");
        body
    }

    async fn login_from(&self, ip: [u8; 4], email: &str, password: &str) -> (i64, Option<String>) {
        let event = EventBuilder::new(Method::POST, "/auth/login").peer(IpAddr::from(ip)).json(&json!({"email": email, "password": password}));
        let answer = self.app.handle(event.event()).await;
        (answer.status_code, answer.headers.get("retry-after").map(|value| value.to_str().unwrap().to_owned()))
    }

    async fn refresh(&self, token: &Value) -> (i64, Value) {
        self.post(REFRESH, json!({"refreshToken": token})).await
    }

    async fn me(&self, token: &Value) -> (i64, Value) {
        self.call(EventBuilder::new(Method::GET, "/auth/me").bearer(token.as_str().unwrap())).await
    }
}

#[tokio::test]
async fn a_login_gives_tokens_and_the_profile() {
    let studio = studio().await;
    let (status, body) = studio.post("/auth/login", json!({"email": "  ANA@mylg.TEST", "password": PASSWORD})).await;
    assert_eq!((status, &body["tokenType"], &body["user"]["userId"]), (200, &json!("Bearer"), &json!(studio.ana.user_id)));
    assert!((570..=600).contains(&body["expiresIn"].as_u64().unwrap()));
    assert_eq!(body["user"]["phoneNumber"], Value::Null, "absent values are null, never left out");
    assert!(!body.to_string().contains("argon2"));
    assert_eq!(studio.me(&body["accessToken"]).await, (200, body["user"].clone()));
}

#[tokio::test]
async fn unknown_addresses_and_wrong_passwords_answer_alike() {
    let studio = studio().await;
    let mut answers = Vec::new();
    for (email, password) in [("ana@mylg.test", "wrong password"), ("nobody@mylg.test", PASSWORD), ("ana@mylg.test", "")] {
        let (status, mut body) = studio.post("/auth/login", json!({"email": email, "password": password})).await;
        body["requestId"] = Value::Null;
        answers.push((status, body));
    }
    assert_eq!(answers[0].0, 401);
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
}

#[tokio::test]
async fn the_fifth_failure_locks_known_and_unknown_addresses_alike() {
    let studio = studio().await;
    for email in ["ana@mylg.test", "nobody@mylg.test"] {
        for _ in 0..5 {
            assert_eq!(studio.login_from([1, 1, 1, 1], email, "wrong").await, (401, None));
        }
        // Locked for a second: also for the right password, and without making it longer.
        for _ in 0..3 {
            assert_eq!(studio.login_from([1, 1, 1, 1], email, PASSWORD).await, (429, Some("1".to_owned())));
        }
        studio.bench.clock.advance_seconds(1);
        assert_eq!(studio.login_from([1, 1, 1, 1], email, "wrong").await, (401, None));
        assert_eq!(studio.login_from([1, 1, 1, 1], email, "wrong").await, (429, Some("2".to_owned())));
        studio.bench.clock.advance_seconds(900);
        assert_eq!(studio.login_from([1, 1, 1, 1], email, "wrong").await, (401, None));
    }
}

#[tokio::test]
async fn a_stranger_cannot_lock_the_owner_out_of_a_known_place() {
    let studio = studio().await;
    assert_eq!(studio.login_from([10, 0, 0, 1], "ana@mylg.test", PASSWORD).await.0, 200);
    for _ in 0..5 {
        studio.login_from([6, 6, 6, 6], "ana@mylg.test", "guess").await;
    }
    assert_eq!(studio.login_from([6, 6, 6, 6], "ana@mylg.test", PASSWORD).await.0, 429);
    assert_eq!(studio.login_from([10, 0, 0, 1], "ana@mylg.test", PASSWORD).await.0, 200);
}

#[tokio::test]
async fn a_refresh_moves_the_chain_on_and_repeats_within_the_grace() {
    let studio = studio().await;
    let first = studio.login().await["refreshToken"].clone();
    let (status, second) = studio.refresh(&first).await;
    assert_eq!(status, 200);
    assert_ne!(second["refreshToken"], first);
    assert!(second.get("user").is_none());
    studio.bench.clock.advance_seconds(29);
    // A second tab, a lost answer: the very same successor.
    assert_eq!(studio.refresh(&first).await.1["refreshToken"], second["refreshToken"]);
    let (_, third) = studio.refresh(&second["refreshToken"]).await;
    assert_ne!(third["refreshToken"], second["refreshToken"]);
    assert_eq!(studio.me(&third["accessToken"]).await.0, 200);
}

#[tokio::test]
async fn n_refreshes_at_once_give_one_token_to_all() {
    let studio = studio().await;
    let token = studio.login().await["refreshToken"].clone();
    let mut seen: Vec<Value> = join_all((0..16).map(|_| studio.refresh(&token)))
        .await
        .into_iter()
        .map(|(status, body)| {
            assert_eq!(status, 200);
            body["refreshToken"].clone()
        })
        .collect();
    seen.dedup();
    assert_eq!(seen.len(), 1);
}

#[tokio::test]
async fn reuse_after_the_grace_ends_the_login() {
    let studio = studio().await;
    let login = studio.login().await;
    let (_, next) = studio.refresh(&login["refreshToken"]).await;
    studio.bench.clock.advance_seconds(31);
    for token in [&login["refreshToken"], &next["refreshToken"]] {
        let (status, body) = studio.refresh(token).await;
        assert_eq!((status, &body["code"]), (401, &json!("invalid_refresh_token")));
    }
    assert_eq!(studio.me(&next["accessToken"]).await.1["code"], json!("session_revoked"));
}

#[tokio::test]
async fn a_wrong_secret_of_a_known_family_ends_it_and_anything_else_touches_nothing() {
    let studio = studio().await;
    let login = studio.login().await;
    let token = login["refreshToken"].as_str().unwrap().to_owned();
    let (family, secret) = token.split_once('.').unwrap();
    for nonsense in
        ["", "x", family, secret, &format!("{family}."), &format!("{family}.{secret}A"), &format!("{family}.short"), &format!("fam_x.{secret}")]
    {
        assert_eq!(studio.refresh(&json!(nonsense)).await.0, 401);
    }
    let unknown = token.replacen("fam_01", "fam_00", 1);
    assert_eq!(studio.refresh(&json!(unknown)).await.0, 401);
    let (status, next) = studio.refresh(&json!(token)).await;
    assert_eq!(status, 200, "all that touched nothing");
    let forged = format!("{family}.{}", shared_utils::random::secret());
    assert_eq!(studio.refresh(&json!(forged)).await.0, 401);
    assert_eq!(studio.refresh(&next["refreshToken"]).await.0, 401, "the forgery ended the family");
}

#[tokio::test]
async fn a_login_ends_idle_or_absolutely() {
    let studio = studio().await;
    let day = 86_400;
    let idle = studio.login().await["refreshToken"].clone();
    studio.bench.clock.advance_seconds(7 * day + 121);
    assert_eq!(studio.refresh(&idle).await.0, 401);
    let mut token = studio.login().await["refreshToken"].clone();
    for _ in 0..5 {
        studio.bench.clock.advance_seconds(6 * day - 60);
        let (status, body) = studio.refresh(&token).await;
        assert_eq!(status, 200);
        token = body["refreshToken"].clone();
    }
    studio.bench.clock.advance_seconds(600);
    assert_eq!(studio.refresh(&token).await.0, 401, "thirty days are over");
}

#[tokio::test]
async fn a_logout_ends_refresh_and_access_and_may_be_repeated() {
    let studio = studio().await;
    let (one, other) = (studio.login().await, studio.login().await);
    let body = json!({"refreshToken": one["refreshToken"]});
    assert_eq!(studio.post("/auth/logout", body.clone()).await.0, 204);
    assert_eq!(studio.post("/auth/logout", body).await.0, 204);
    assert_eq!(studio.refresh(&one["refreshToken"]).await.0, 401);
    assert_eq!(studio.me(&one["accessToken"]).await.1["code"], json!("session_revoked"));
    assert_eq!(studio.me(&other["accessToken"]).await.0, 200);
    // Everywhere, by bearer alone and without any body; also with a token whose time is over.
    studio.bench.clock.advance_seconds(3_600);
    let bearer = other["accessToken"].as_str().unwrap();
    let third = studio.login().await;
    let everywhere = EventBuilder::new(Method::POST, "/auth/logout").bearer(bearer).json(&json!({"scope": "global"}));
    assert_eq!(studio.call(everywhere).await.0, 204);
    assert_eq!(studio.refresh(&third["refreshToken"]).await.0, 401);
    assert_eq!(studio.call(EventBuilder::new(Method::POST, "/auth/logout")).await.1["code"], json!("missing_token"));
    assert_eq!(studio.call(EventBuilder::new(Method::POST, "/auth/logout").bearer("a.b.c")).await.1["code"], json!("invalid_token"));
    assert_eq!(studio.post("/auth/logout", json!({"refreshToken": "dead"})).await.0, 204);
    assert_eq!(studio.post("/auth/logout", json!({"scope": "all"})).await.0, 422);
}

#[tokio::test]
async fn the_twenty_first_login_ends_the_least_recently_used() {
    let studio = studio().await;
    let mut logins = Vec::new();
    for _ in 0..21 {
        logins.push(studio.login().await);
        studio.bench.clock.advance_seconds(1);
    }
    assert_eq!(studio.refresh(&logins[0]["refreshToken"]).await.0, 401);
    assert_eq!(studio.refresh(&logins[1]["refreshToken"]).await.0, 200);
}

#[tokio::test]
async fn expired_tokens_say_so_and_the_public_keys_verify() {
    let studio = studio().await;
    let login = studio.login().await;
    studio.bench.clock.advance_seconds(661);
    assert_eq!(studio.me(&login["accessToken"]).await.1["code"], json!("token_expired"));
    let answer = studio.app.handle(EventBuilder::new(Method::GET, "/auth/.well-known/jwks.json").event()).await;
    assert_eq!(answer.headers["cache-control"], "public, max-age=300");
    let key = &body_of(&answer)["keys"][0];
    assert_eq!((&key["kty"], &key["crv"], &key["alg"], &key["kid"]), (&json!("EC"), &json!("P-256"), &json!("ES256"), &json!("test-1")));
    assert!(key.get("d").is_none());
}

#[tokio::test]
async fn events_that_nobody_here_wrote_are_answered() {
    let studio = studio().await;
    let events = published_events("example-apigw-v2-request").into_iter().chain(published_events("example-apigw-sam-http"));
    for (name, event) in events {
        let answer = studio.app.handle(serde_json::from_value(event).unwrap()).await;
        assert!([404, 405].contains(&answer.status_code), "{name}: {}", answer.status_code);
        assert_eq!(answer.headers["content-type"], "application/problem+json", "{name}");
    }
}
