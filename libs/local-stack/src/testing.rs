//! The same parts for the tests of the functions: a database in memory, signing keys, raw events.

use std::collections::BTreeMap;
use std::net::IpAddr;

use access::revocations::{Mark, Revocations};
use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};
use serde_json::{Value, json};
use shared_utils::auth::{AccessClaims, KeyFileSigner, Role, Verifier, sign, spki_from_point};
use shared_utils::aws::AwsConfig;
use shared_utils::clock::{Clock, Timestamp};
use shared_utils::dynamo::{Key, Outcome, Store, Transaction, to_item};
use shared_utils::http::{CorsPolicy, HttpContext};
use shared_utils::ids::{SessionId, UserId};
use tokio::net::TcpListener;

use crate::database::{Database, Storage};
use crate::declaration::Declaration;
use crate::events::{HttpRequest, SocketContext, gateway_id, http_event};
use crate::faults::Faults;
use crate::records::Records;

/// An origin that the test edge lists.
pub const ORIGIN: &str = "https://app.mylg.test";
/// The issuer of test tokens.
pub const ISSUER: &str = "https://test.mylg.test";
/// Their audience.
pub const AUDIENCE: &str = "mylg-test";
/// The key's name in them.
pub const KEY_ID: &str = "test-1";

/// A database in memory with all tables, and what a function is built from in tests.
pub struct Harness {
    /// The database.
    pub database: Database,
    /// Its faults.
    pub faults: Faults,
    /// What was declared.
    pub declaration: Declaration,
    /// The clock that the edge goes by.
    pub clock: Clock,
    key: String,
}

/// An address where no gateway listens: deliveries fail, and nothing else does.
pub const NO_GATEWAY: &str = "http://127.0.0.1:1";

impl Harness {
    /// Starts a database and makes a key.
    ///
    /// # Panics
    /// When the machine cannot run a database.
    pub async fn start() -> Self {
        let declaration = Declaration::read().expect("stack.yaml is readable");
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
        let faults = Faults::default();
        let database = Database::start(&declaration, Storage::Memory, listener, Records::default(), faults.clone()).await.expect("a database");
        let key = KeyFileSigner::generate_pem().expect("a key");
        Self { database, faults, declaration, clock: Clock::manual(), key }
    }

    /// Configuration of clients of this database.
    pub fn aws(&self) -> AwsConfig {
        AwsConfig::local(&self.database.endpoint)
    }

    /// As [`Self::aws`], past the front: for tests that make very many calls and need no faults.
    pub fn engine(&self) -> AwsConfig {
        AwsConfig::local(&self.database.engine)
    }

    /// A table's full name.
    pub fn table(&self, short: &str) -> String {
        self.declaration.table_name(short)
    }

    /// The signing key.
    ///
    /// # Panics
    /// Never: the key was made here.
    pub fn signer(&self) -> KeyFileSigner {
        KeyFileSigner::from_pem(KEY_ID, self.key.as_bytes()).expect("a key")
    }

    /// An access token of this person for the next ten minutes, without any login behind it.
    pub async fn token(&self, user: UserId, role: Role) -> String {
        let now = self.clock.now();
        let issued_at = u64::try_from(now.seconds()).unwrap_or(0);
        let claims = AccessClaims {
            iss: ISSUER.to_owned(),
            aud: AUDIENCE.to_owned(),
            sub: user,
            sid: SessionId::generate(now),
            role,
            ver: 1,
            pnd: None,
            iat: issued_at,
            nbf: None,
            exp: issued_at + 600,
            jti: "test".to_owned(),
        };
        sign(&self.signer(), &claims).await.unwrap_or_default()
    }

    /// Outdates every token of this person, as a change of their role does.
    ///
    /// # Panics
    /// When the database does not take it.
    pub async fn outdate_tokens(&self, user: UserId) {
        self.revoke(Mark::Version(user, 1)).await;
    }

    /// Puts a mark among the revocations.
    ///
    /// # Panics
    /// When the database does not take it.
    pub async fn revoke(&self, mark: Mark) {
        let store = Store::new(self.aws().dynamodb());
        let revocations = Revocations::new(store.clone(), self.table("auth"), self.clock.clone());
        let mut revocation = Transaction::new();
        revocation.add((), revocations.write(&[mark]));
        store.transact(&revocation).await.and_then(Outcome::require_committed).expect("a written item");
    }

    /// Puts an active person into the directory.
    ///
    /// # Panics
    /// When the database does not take it.
    pub async fn person(&self, name: &str) -> UserId {
        let user_id = UserId::generate(self.clock.now());
        let entry = json!({
            "userId": user_id, "firstName": name, "lastName": null, "username": null, "thumbnail": null, "role": "user", "occupation": null,
            "pending": false, "disabled": false,
        });
        let item = to_item(Key::new(format!("PERSON#{user_id}"), "ENTRY"), "person", &entry).expect("an item");
        Store::new(self.aws().dynamodb()).put_item(&self.table("auth"), item).await.expect("a written item");
        user_id
    }

    /// An edge that trusts the signing key and goes by the manual clock.
    ///
    /// # Panics
    /// Never: its parts are made here.
    pub fn context(&self) -> HttpContext {
        let keys = BTreeMap::from([(KEY_ID.to_owned(), spki_from_point(self.signer().public_point()))]);
        HttpContext {
            cors: CorsPolicy::built_in(ORIGIN).expect("an origin"),
            verifier: Verifier::new(keys, ISSUER.to_owned(), AUDIENCE.to_owned()).expect("a verifier"),
            clock: self.clock.clone(),
        }
    }
}

/// A request on its way to become a raw event.
#[derive(Debug, Clone)]
pub struct EventBuilder {
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
    peer: IpAddr,
}

impl EventBuilder {
    /// A request without a body.
    ///
    /// # Panics
    /// When `uri` is none.
    pub fn new(method: Method, uri: &str) -> Self {
        Self { method, uri: uri.parse().expect("a URI"), headers: HeaderMap::new(), body: Bytes::new(), peer: IpAddr::from([127, 0, 0, 1]) }
    }

    /// Adds a header.
    ///
    /// # Panics
    /// When it cannot be one.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        let name: HeaderName = name.parse().expect("a header name");
        self.headers.append(name, HeaderValue::from_str(value).expect("a header value"));
        self
    }

    /// Comes from this address.
    pub fn peer(mut self, peer: IpAddr) -> Self {
        self.peer = peer;
        self
    }

    /// Adds a bearer token.
    pub fn bearer(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    /// A JSON body.
    pub fn json(self, body: &Value) -> Self {
        self.body("application/json", &body.to_string())
    }

    /// Any body.
    pub fn body(self, content_type: &str, body: &str) -> Self {
        let mut request = self.header("content-type", content_type);
        request.body = Bytes::from(body.to_owned());
        request
    }

    /// The event, in whatever type reads it.
    ///
    /// # Panics
    /// When the type cannot read it.
    pub fn event<T: serde::de::DeserializeOwned>(&self) -> T {
        let event = http_event(&HttpRequest {
            route_key: "$default",
            proxy: None,
            method: &self.method,
            uri: &self.uri,
            headers: &self.headers,
            body: &self.body,
            peer: self.peer,
            request_id: &gateway_id(),
        });
        serde_json::from_value(event).expect("a readable event")
    }
}

/// A connection's raw events.
pub struct SocketEvents(SocketContext);

impl Default for SocketEvents {
    fn default() -> Self {
        Self(SocketContext {
            connection_id: gateway_id(),
            connected_at: Clock::System.now(),
            host: "localhost".to_owned(),
            user_agent: "test".to_owned(),
            peer: IpAddr::from([127, 0, 0, 1]),
        })
    }
}

impl SocketEvents {
    /// One that the gateway has opened at this time.
    pub fn opened_at(connected_at: Timestamp) -> Self {
        let Self(context) = Self::default();
        Self(SocketContext { connected_at, ..context })
    }

    /// Its id.
    pub fn connection_id(&self) -> &str {
        &self.0.connection_id
    }

    /// `$connect` with this query and these headers.
    ///
    /// # Panics
    /// When a header cannot be one, or the type cannot read the event.
    pub fn connect<T: serde::de::DeserializeOwned>(&self, query: &str, headers: &[(&str, &str)]) -> T {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(name.parse::<HeaderName>().expect("a header name"), HeaderValue::from_str(value).expect("a header value"));
        }
        serde_json::from_value(self.0.connect_event(&map, query)).expect("a readable event")
    }

    /// A frame on a route.
    ///
    /// # Panics
    /// When the type cannot read the event.
    pub fn message<T: serde::de::DeserializeOwned>(&self, route: &str, body: &str) -> T {
        serde_json::from_value(self.0.message_event(route, body)).expect("a readable event")
    }

    /// `$disconnect`.
    ///
    /// # Panics
    /// When the type cannot read the event.
    pub fn disconnect<T: serde::de::DeserializeOwned>(&self) -> T {
        serde_json::from_value(self.0.disconnect_event(1000, "")).expect("a readable event")
    }
}

/// The event files inside the published `aws_lambda_events` crate whose names begin so: inputs that nobody here wrote. Empty, with a
/// line that says so, where the registry is laid out otherwise.
///
/// # Panics
/// When the folder of events is there and none is named so.
pub fn published_events(prefix: &str) -> Vec<(String, Value)> {
    let home = std::env::var_os("CARGO_HOME").map(std::path::PathBuf::from);
    let home = home.or_else(|| Some(std::path::PathBuf::from(std::env::var_os("HOME")?).join(".cargo")));
    let registries = home.and_then(|home| std::fs::read_dir(home.join("registry/src")).ok());
    let crates = registries.into_iter().flatten().flatten().filter_map(|registry| std::fs::read_dir(registry.path()).ok()).flatten().flatten();
    let published = |entry: &std::fs::DirEntry| entry.file_name().to_string_lossy().starts_with("aws_lambda_events-1.");
    let files = crates.filter(published).find_map(|entry| std::fs::read_dir(entry.path().join("src/fixtures")).ok());
    let Some(files) = files else {
        crate::config::print_line("skipped: the published event files are not where a registry has them");
        return Vec::new();
    };
    let read = |entry: std::fs::DirEntry| {
        let name = entry.file_name().into_string().ok().filter(|name| name.starts_with(prefix))?;
        Some((name, serde_json::from_slice(&std::fs::read(entry.path()).ok()?).ok()?))
    };
    let events: Vec<_> = files.flatten().filter_map(read).collect();
    assert!(!events.is_empty(), "no published event is named {prefix}…");
    events
}

/// How much a test does: `full` with `FULL_SUITE` set, as in CI, else `quick`.
pub fn size(full: usize, quick: usize) -> usize {
    if std::env::var_os("FULL_SUITE").is_some() { full } else { quick }
}

/// A name that nobody has.
pub fn random_name() -> String {
    shared_utils::random::bytes::<6>().map(|byte| format!("{byte:02x}")).concat()
}

/// Any JSON, with no meaning in the names of members. `None` when the text is not JSON.
pub fn read_json(text: &str) -> Option<Value> {
    shared_utils::json::parse(text, 128)
}

/// The body of an answer as JSON, null without one.
pub fn body_of(answer: &impl serde::Serialize) -> Value {
    let answer = json!(answer);
    answer.get("body").and_then(Value::as_str).and_then(read_json).unwrap_or(Value::Null)
}
