//! Tools for end-to-end tests: people who call the HTTP API and hold sockets, and responses with assertions.
//!
//! The tools use only the public interfaces, except to inject faults, to read the cost of a request and to search the logs. Every test stack
//! records the secrets that pass through it. At its end, no log line may contain one of them.

mod browser;
mod contract;
pub mod cost;
mod forge;
pub mod losses;
mod mirror;
mod person;
mod secrets;
mod socket;
pub mod upload;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use data_encoding::BASE32_NOPAD;
use local_stack::config::Options;
use local_stack::people::{PASSWORD, PEOPLE};
use local_stack::stack::Stack;
use secrets::Secrets;
use serde_json::{Value, json};

pub use browser::Page;
pub use contract::document;
pub use forge::{Forge, claims_of};
pub use mirror::{Known, Mirror};
pub use person::{Person, is_success};
pub use socket::Socket;
pub use test_harness::Answer;

/// The longest time that a function may work: its queue, its time-out, and the work after the response.
const LONGEST_WORK: Duration = Duration::from_mins(2);

/// A running backend: a local one for this test, or the deployed one at `MYLG_HTTP_URL` and `MYLG_WS_URL`.
pub struct TestStack {
    stack: Option<Stack>,
    http_url: String,
    websocket_url: String,
    secrets: Secrets,
}

impl Drop for TestStack {
    fn drop(&mut self) {
        if let Some(stack) = &self.stack
            && !std::thread::panicking()
        {
            for mail in stack.mails.mails(None) {
                self.secrets.add_from_mail(&mail.text);
            }
            self.secrets.hold_out_of(&stack.last_log_lines());
            hold_to_roles(stack);
        }
    }
}

impl TestStack {
    /// Uses the deployed backend if one is named. Otherwise starts a local one on free ports, with its data in memory.
    ///
    /// # Panics
    /// If the backend does not start.
    pub async fn start() -> Self {
        match (std::env::var("MYLG_HTTP_URL"), std::env::var("MYLG_WS_URL")) {
            (Ok(http_url), Ok(websocket_url)) => Self { stack: None, http_url, websocket_url, secrets: Secrets::default() },
            _ => Self::start_with(Options::for_tests()).await,
        }
    }

    /// As [`Self::start`], with this many additional people who can sign in: `user001`…
    ///
    /// # Panics
    /// If the backend does not start.
    pub async fn start_peopled(more_people: usize) -> Self {
        if std::env::var_os("MYLG_HTTP_URL").is_some() {
            return Self::start().await;
        }
        Self::start_with(Options { more_people, ..Options::for_tests() }).await
    }

    /// Starts a local backend with these options.
    ///
    /// # Panics
    /// If the backend does not start.
    pub async fn start_with(options: Options) -> Self {
        let stack = Stack::start(options).await.unwrap_or_else(|error| panic!("{error}"));
        Self { http_url: stack.http_url.clone(), websocket_url: stack.websocket_url.clone(), stack: Some(stack), secrets: Secrets::default() }
    }

    /// The local stack, for faults and records.
    ///
    /// # Panics
    /// If the backend is deployed: tests use only its public interfaces.
    pub fn stack(&self) -> &Stack {
        self.stack.as_ref().expect("a backend of the test's own")
    }

    /// The status of a refused handshake. The emulator returns 403 for every refusal.
    pub fn refusal(&self, status: u16) -> u16 {
        if self.stack.is_some() { status } else { 403 }
    }

    /// Waits until all background tasks are done. A deployed backend does not report this, so it gets four seconds.
    ///
    /// # Panics
    /// If a function works for longer than any time-out.
    pub async fn settled(&self) {
        match &self.stack {
            Some(stack) => tokio::time::timeout(LONGEST_WORK, stack.settled()).await.expect("every function ends its work"),
            None => tokio::time::sleep(Duration::from_secs(4)).await,
        }
    }

    /// A person without a token.
    pub fn anonymous(&self) -> Person {
        Person {
            http: reqwest::Client::new(),
            base: self.http_url.clone(),
            socket_base: self.websocket_url.clone(),
            token: None,
            refresh_token: String::new(),
            id: String::new(),
            email: String::new(),
            secrets: self.secrets.clone(),
        }
    }

    /// A person with this token, valid or not.
    pub fn with_token(&self, token: &str) -> Person {
        Person { token: Some(token.to_owned()), ..self.anonymous() }
    }

    /// Signs in one of the seeded people: `ana`, `ben`, `cleo`, `dana`, `user001`… In a deployed backend, this is a new person with the
    /// same role, so that tests do not see each other's data.
    ///
    /// # Panics
    /// If signing in fails.
    pub async fn login(&self, name: &str) -> Person {
        let email = if self.stack.is_some() { format!("{name}@mylg.test") } else { newcomer(name).await };
        self.login_as(&email).await
    }

    /// Signs the same person in again, as on another device.
    ///
    /// # Panics
    /// If signing in fails.
    pub async fn login_again(&self, person: &Person) -> Person {
        self.login_as(&person.email).await
    }

    /// Refreshes a person's tokens, as a client does, if the access token has less than half of its lifetime left.
    ///
    /// # Panics
    /// If the refresh is refused.
    pub async fn renew(&self, person: &mut Person) {
        let claims = claims_of(person.token.as_deref().unwrap_or_default());
        let [issued, expiry] = ["iat", "exp"].map(|name| claims[name].as_i64().unwrap_or_default());
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        if i64::try_from(now).unwrap_or_default() > issued + (expiry - issued) / 2 {
            let answer = person.post("/auth/refresh", json!({"refreshToken": person.refresh_token})).await.expect(200);
            person.token = Some(text(&answer["accessToken"]));
            person.refresh_token = text(&answer["refreshToken"]);
        }
    }

    /// A correctly signed token of this person that has expired. A deployed backend issues none, so there it is an invalid token.
    pub async fn expired(&self, person: &Person) -> String {
        let token = person.token.as_deref().unwrap_or_default();
        let Some(forge) = self.forge() else { return format!("{token}x") };
        let mut claims = claims_of(token);
        let now = claims["iat"].as_i64().unwrap_or_default();
        claims["iat"] = json!(now - 700);
        claims["exp"] = json!(now - 100);
        forge.sign(&claims).await
    }

    /// A signer with auth-router's key. `None` for a deployed backend, whose key never leaves KMS.
    pub fn forge(&self) -> Option<Forge> {
        self.stack.as_ref()?.signer().map(Forge)
    }

    async fn login_as(&self, email: &str) -> Person {
        let mut person = self.anonymous();
        let answer = person.post("/auth/login", json!({"email": email, "password": PASSWORD})).await.expect(200);
        person.token = Some(text(&answer["accessToken"]));
        person.refresh_token = text(&answer["refreshToken"]);
        person.id = text(&answer["user"]["userId"]);
        email.clone_into(&mut person.email);
        person
    }

    /// Creates a project of `owner` with these people in its team.
    ///
    /// # Panics
    /// If the project cannot be created.
    pub async fn project(&self, owner: &Person, title: &str, team: &[(&Person, &str)]) -> String {
        let team: Vec<Value> = team.iter().map(|(person, role)| json!({"userId": person.id, "role": role})).collect();
        text(&owner.post("/projects", json!({"title": title, "team": team})).await.expect(201)["projectId"])
    }

    /// Opens the direct conversation of two people.
    ///
    /// # Panics
    /// If the conversation cannot be opened.
    pub async fn direct(&self, one: &Person, other: &Person) -> String {
        let answer = one.post("/messages/conversations", json!({"type": "direct", "participants": [other.id]})).await;
        assert!([200, 201].contains(&answer.status), "{answer:?}");
        text(&answer.body["conversationId"])
    }
}

/// Checks that the role of each function allows every call that it made, to the partition key, and every access to an object.
fn hold_to_roles(stack: &Stack) {
    for event in stack.records.events() {
        for access in event.calls.iter().chain(&event.calls_after).flat_map(|call| &call.accesses) {
            let (function, label) = (&event.function, &event.label);
            assert!(stack.declaration.allows(function, access), "the role of {function} does not allow {access:?} ({label})");
        }
    }
    for access in stack.objects.accesses() {
        assert!(access.is_allowed, "the role does not allow {access:?}");
    }
}

/// Creates a person in the deployed backend's table with the operators' tool, and returns the address.
async fn newcomer(name: &str) -> String {
    use tokio::io::AsyncWriteExt;
    let role = PEOPLE.iter().find(|(email, ..)| email.starts_with(&format!("{name}@"))).map_or("user", |(_, role, ..)| *role);
    let random = test_harness::random_name();
    let email = format!("{name}-{random}@mylg.test");
    let tool = local_stack::build::Profile::own().directory().join("create-user");
    let mut child =
        local_stack::programs::command(&tool).stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::null()).spawn().expect("the tool");
    let person = json!({"email": email, "role": role, "password": PASSWORD}).to_string();
    child.stdin.take().expect("its input").write_all(person.as_bytes()).await.expect("its input takes a line");
    assert!(child.wait().await.expect("it ends").success(), "{email} could not be made");
    email
}

/// The present code of an authenticator app with this secret.
///
/// # Panics
/// If the secret is not one of 160 bits in base32.
pub fn totp_code(secret: &str) -> String {
    totp_code_after(secret, 0)
}

/// The code that such an app shows after so many seconds.
///
/// # Panics
/// If the secret is not one of 160 bits in base32.
pub fn totp_code_after(secret: &str, seconds: u64) -> String {
    let secret = BASE32_NOPAD.decode(secret.as_bytes()).ok().and_then(|secret| secret.try_into().ok()).expect("a secret of 160 bits");
    let app = totp_rs::Builder::new().with_secret(totp_rs::Secret::new_stack(secret)).build().expect("an app");
    app.generate(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs() + seconds).to_string()
}

/// The text of a JSON value.
///
/// # Panics
/// If the value is not a text.
#[track_caller]
pub fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("not a text: {value}")).to_owned()
}
