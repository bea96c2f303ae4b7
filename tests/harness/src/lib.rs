//! Tools for the tests of the functions: a database in memory, signing keys, raw events, people and their responses.

mod answer;
mod events;
mod s3;
mod studio;

use std::collections::BTreeMap;

use access::revocations::{Mark, Revocations};
use files::{FileLimits, FileTable, Files, OwnerKind};
use local_stack::clock::StackClock;
use local_stack::database::{Database, Storage};
use local_stack::declaration::Declaration;
use local_stack::faults::Faults;
use local_stack::records::Records;
use messaging::Tables;
use messaging::broadcast::Broadcaster;
use objects::ObjectStore;
use serde_json::{Value, json};
use shared_utils::auth::{AccessClaims, KeyFileSigner, Role, Verifier, sign, spki_from_point};
use shared_utils::aws::AwsConfig;
use shared_utils::clock::Clock;
use shared_utils::dynamo::{Key, Outcome, Store, Transaction, to_item};
use shared_utils::http::{CorsPolicy, HttpContext};
use shared_utils::ids::{SessionId, UserId};
use tokio::net::TcpListener;

pub use answer::Answer;
pub use events::{EventBuilder, SocketEvents, cargo_metadata, published_events};
pub use s3::{LocalS3, form_body, post_form};
pub use studio::{Person, Studio};

/// An origin that the test context allows.
pub const ORIGIN: &str = "https://app.mylg.test";
/// The issuer of test tokens.
pub const ISSUER: &str = "https://test.mylg.test";
/// The audience of test tokens.
pub const AUDIENCE: &str = "mylg-test";
/// The id of the key that signs test tokens.
pub const KEY_ID: &str = "test-1";

/// A database in memory with all tables, and the parts from which tests build a function.
pub struct Harness {
    /// The database.
    pub database: Database,
    /// The database's injected faults.
    pub faults: Faults,
    /// The content of `stack.yaml`.
    pub declaration: Declaration,
    /// The clock of the context.
    pub clock: Clock,
    key: String,
}

/// An address where no gateway listens. Deliveries fail, and nothing else does.
pub const NO_GATEWAY: &str = "http://127.0.0.1:1";

impl Harness {
    /// Starts a database and creates a key.
    ///
    /// # Panics
    /// If the machine cannot run a database.
    pub async fn start() -> Self {
        let declaration = Declaration::read().expect("stack.yaml is readable");
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
        let faults = Faults::default();
        let database = Database::start(&declaration, Storage::Memory, listener, (Records::default(), faults.clone()), StackClock::default());
        let database = database.await.expect("a database");
        let key = KeyFileSigner::generate_pem().expect("a key");
        Self { database, faults, declaration, clock: Clock::manual(), key }
    }

    /// The configuration of clients of this database.
    pub fn aws(&self) -> AwsConfig {
        AwsConfig::local(&self.database.endpoint)
    }

    /// As [`Self::aws`], without the proxy: for tests that make very many calls and need no faults.
    pub fn engine(&self) -> AwsConfig {
        AwsConfig::local(&self.database.engine)
    }

    /// A table's full name.
    pub fn table(&self, short: &str) -> String {
        self.declaration.table_name(short)
    }

    /// The tables' full names.
    pub fn tables(&self) -> Tables {
        let [auth, projects, messages, connections] = ["auth", "projects", "messages", "connections"].map(|name| self.table(name));
        Tables { auth, projects, messages, connections }
    }

    /// A store on this database.
    pub fn store(&self) -> Store {
        Store::new(self.aws().dynamodb())
    }

    /// A broadcaster on this database, without a gateway.
    pub fn broadcaster(&self) -> Broadcaster {
        self.broadcaster_on(&self.aws(), NO_GATEWAY)
    }

    /// As [`Self::broadcaster`], with these clients and this gateway.
    pub fn broadcaster_on(&self, aws: &AwsConfig, gateway: &str) -> Broadcaster {
        Broadcaster::new(aws, self.tables(), gateway, &self.clock)
    }

    /// Files of this kind in this table, whose objects are at an address where nothing listens.
    pub fn files(&self, kind: OwnerKind, table: &str) -> Files {
        self.files_on(&AwsConfig { s3_endpoint: Some(NO_GATEWAY.to_owned()), ..self.aws() }, kind, table)
    }

    /// As [`Self::files`], with the objects of these clients.
    pub fn files_on(&self, aws: &AwsConfig, kind: OwnerKind, table: &str) -> Files {
        let (records, objects) = (FileTable::new(self.store(), self.table(table)), ObjectStore::new(aws, &self.declaration.bucket_name("files")));
        Files::new(records, objects, FileLimits::of(kind), false, self.clock.clone())
    }

    /// The revocations in this database.
    pub fn revocations(&self) -> Revocations {
        Revocations::new(self.store(), self.table("auth"), self.clock.clone())
    }

    /// The signing key.
    ///
    /// # Panics
    /// Never, because the key was created here.
    pub fn signer(&self) -> KeyFileSigner {
        KeyFileSigner::from_pem(KEY_ID, self.key.as_bytes()).expect("a key")
    }

    /// An access token of this person for the next ten minutes, without a session in the database.
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

    /// Makes every token of this person outdated, as a change of role does.
    ///
    /// # Panics
    /// If the database refuses the write.
    pub async fn outdate_tokens(&self, user: UserId) {
        self.revoke(Mark::Version(user, 1)).await;
    }

    /// Writes a mark to the revocations.
    ///
    /// # Panics
    /// If the database refuses the write.
    pub async fn revoke(&self, mark: Mark) {
        let mut revocation = Transaction::new();
        revocation.add((), self.revocations().write(&[mark]));
        self.store().transact(&revocation).await.and_then(Outcome::require_committed).expect("a written item");
    }

    /// Adds an active person to the directory.
    ///
    /// # Panics
    /// If the database refuses the write.
    pub async fn person(&self, name: &str) -> UserId {
        let user_id = UserId::generate(self.clock.now());
        let entry = json!({
            "userId": user_id, "firstName": name, "lastName": null, "username": null, "thumbnail": null, "role": "user", "occupation": null,
            "pending": false, "disabled": false,
        });
        let item = to_item(Key::new(format!("PERSON#{user_id}"), "ENTRY"), "person", &entry).expect("an item");
        self.store().put_item(&self.table("auth"), item).await.expect("a written item");
        user_id
    }

    /// An HTTP context that trusts the signing key and uses the manual clock.
    ///
    /// # Panics
    /// Never, because its parts are created here.
    pub fn context(&self) -> HttpContext {
        let keys = BTreeMap::from([(KEY_ID.to_owned(), spki_from_point(self.signer().public_point()))]);
        HttpContext {
            cors: CorsPolicy::built_in(ORIGIN).expect("an origin"),
            verifier: Verifier::new(keys, ISSUER.to_owned(), AUDIENCE.to_owned()).expect("a verifier"),
            clock: self.clock.clone(),
        }
    }
}

/// The size of a test: `full` if `FULL_SUITE` is set, as in CI, else `quick`.
pub fn size(full: usize, quick: usize) -> usize {
    if std::env::var_os("FULL_SUITE").is_some() { full } else { quick }
}

/// A random name.
pub fn random_name() -> String {
    shared_utils::random::bytes::<6>().map(|byte| format!("{byte:02x}")).concat()
}

/// Parses any JSON. Member names have no special meaning. `None` if the text is not JSON.
pub fn read_json(text: &str) -> Option<Value> {
    shared_utils::json::parse(text, 128)
}

/// The body of a response as JSON, or null if there is none.
pub fn body_of(answer: &impl serde::Serialize) -> Value {
    let answer = json!(answer);
    answer.get("body").and_then(Value::as_str).and_then(read_json).unwrap_or(Value::Null)
}
