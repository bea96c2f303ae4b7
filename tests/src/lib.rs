//! What end-to-end tests are written with: people who call the HTTP API and hold sockets, and answers that say what they should be.
//!
//! Nothing here reaches behind the public interfaces, except to inject faults, to read what a request cost and to search the logs: every
//! world remembers the secrets that went through it, and at its end none of them may be in a log line.

mod browser;
mod forge;
pub mod losses;
mod mirror;
mod person;
mod secrets;
mod socket;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use local_stack::config::Options;
use local_stack::people::{PASSWORD, PEOPLE};
use local_stack::stack::Stack;
use secrets::Secrets;
use serde_json::{Value, json};

pub use browser::Page;
pub use forge::{Forge, claims_of};
pub use mirror::{Known, Mirror};
pub use person::{Person, is_success};
pub use socket::Socket;
pub use test_harness::Answer;

/// A running backend: one of the test's own on this machine, or the deployed one that `MYLG_HTTP_URL` and `MYLG_WS_URL` name.
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
            self.secrets.hold_out_of(&stack.last_log_lines());
        }
    }
}

impl TestStack {
    /// The deployed backend where one is named, else one of the test's own on free ports with its data in memory.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn start() -> Self {
        match (std::env::var("MYLG_HTTP_URL"), std::env::var("MYLG_WS_URL")) {
            (Ok(http_url), Ok(websocket_url)) => Self { stack: None, http_url, websocket_url, secrets: Secrets::default() },
            _ => Self::start_with(Options::for_tests()).await,
        }
    }

    /// As [`Self::start`], with so many more people to sign in as: `user001`…
    ///
    /// # Panics
    /// When it does not start.
    pub async fn start_peopled(more_people: usize) -> Self {
        if std::env::var_os("MYLG_HTTP_URL").is_some() {
            return Self::start().await;
        }
        Self::start_with(Options { more_people, ..Options::for_tests() }).await
    }

    /// A backend of the test's own with these options.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn start_with(options: Options) -> Self {
        let stack = Stack::start(options).await.unwrap_or_else(|error| panic!("{error}"));
        Self { http_url: stack.http_url.clone(), websocket_url: stack.websocket_url.clone(), stack: Some(stack), secrets: Secrets::default() }
    }

    /// The stack of a backend of the test's own, for faults and records.
    ///
    /// # Panics
    /// For a deployed backend: nobody reaches behind its interfaces.
    pub fn stack(&self) -> &Stack {
        self.stack.as_ref().expect("a backend of the test's own")
    }

    /// The status that a refused handshake has: the emulator has 403 for every refusal.
    pub fn refusal(&self, status: u16) -> u16 {
        if self.stack.is_some() { status } else { 403 }
    }

    /// Waits until all background tasks are done. A deployed backend does not tell: it gets four seconds.
    pub async fn settled(&self) {
        match &self.stack {
            Some(stack) => stack.settled().await,
            None => tokio::time::sleep(Duration::from_secs(4)).await,
        }
    }

    /// Someone without a token.
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

    /// Someone with this token, good or bad.
    pub fn with_token(&self, token: &str) -> Person {
        Person { token: Some(token.to_owned()), ..self.anonymous() }
    }

    /// Signs in one of the seeded people: `ana`, `ben`, `cleo`, `dana`, `user001`… In a deployed backend it is someone new who has
    /// their part, so that tests do not meet each other's traces.
    ///
    /// # Panics
    /// When signing in fails.
    pub async fn login(&self, name: &str) -> Person {
        let email = if self.stack.is_some() { format!("{name}@mylg.test") } else { newcomer(name).await };
        self.login_as(&email).await
    }

    /// Signs the same person in again, as on another device.
    ///
    /// # Panics
    /// When signing in fails.
    pub async fn login_again(&self, person: &Person) -> Person {
        self.login_as(&person.email).await
    }

    /// Refreshes a person's tokens, as a client does, when the access token has less than half its time to live.
    ///
    /// # Panics
    /// When that is refused.
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

    /// A rightly signed token of this person whose time is over. From a deployed backend nobody gets one: there it is a broken one.
    pub async fn expired(&self, person: &Person) -> String {
        let token = person.token.as_deref().unwrap_or_default();
        let Some(forge) = self.forge() else { return format!("{token}x") };
        let mut claims = claims_of(token);
        let now = claims["iat"].as_i64().unwrap_or_default();
        claims["iat"] = json!(now - 700);
        claims["exp"] = json!(now - 100);
        forge.sign(&claims).await
    }

    /// What signs as auth-router does. `None` of a deployed backend, whose key never leaves KMS.
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

    /// A project of `owner` with these people in its team.
    ///
    /// # Panics
    /// When it cannot be made.
    pub async fn project(&self, owner: &Person, title: &str, team: &[(&Person, &str)]) -> String {
        let team: Vec<Value> = team.iter().map(|(person, role)| json!({"userId": person.id, "role": role})).collect();
        text(&owner.post("/projects", json!({"title": title, "team": team})).await.expect(201)["projectId"])
    }

    /// The direct conversation of two people.
    ///
    /// # Panics
    /// When it cannot be opened.
    pub async fn direct(&self, one: &Person, other: &Person) -> String {
        let answer = one.post("/messages/conversations", json!({"type": "direct", "participants": [other.id]})).await;
        assert!([200, 201].contains(&answer.status), "{answer:?}");
        text(&answer.body["conversationId"])
    }
}

/// Makes someone new in the deployed backend's table, with the operators' tool; their address.
async fn newcomer(name: &str) -> String {
    use tokio::io::AsyncWriteExt;
    let role = PEOPLE.iter().find(|(email, ..)| email.starts_with(&format!("{name}@"))).map_or("user", |(_, role, ..)| *role);
    let random = test_harness::random_name();
    let email = format!("{name}-{random}@mylg.test");
    let tool = local_stack::build::Profile::own().directory().join("create-user");
    let mut child =
        tokio::process::Command::new(tool).stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::null()).spawn().expect("the tool");
    let person = json!({"email": email, "role": role, "password": PASSWORD}).to_string();
    child.stdin.take().expect("its input").write_all(person.as_bytes()).await.expect("its input takes a line");
    assert!(child.wait().await.expect("it ends").success(), "{email} could not be made");
    email
}

/// A JSON text as it is.
///
/// # Panics
/// When it is none.
#[track_caller]
pub fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("not a text: {value}")).to_owned()
}
