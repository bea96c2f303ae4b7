//! Tests of the whole function on the embedded database: raw event in, response out.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics, in its helpers too")]

mod accounts;
mod events;
mod keys;
mod kms;
mod limits;
mod login;
mod logout;
mod mails;
mod model;
mod refresh;
mod second_factor;
mod sessions;
mod transport;
mod users;

use std::net::IpAddr;
use std::ops::Deref;
use std::time::Duration;

use argon2::password_hash::PasswordHasher;
use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, Version};
use auth_router::store::{AuthStore, NewUser, Profile};
use auth_router::{App, Rates, Services, Settings, Signer};
use aws_credential_types::Credentials;
use files::OwnerKind;
use http::Method;
use local_stack::credentials::CredentialStore;
use local_stack::mail_catcher::MailBox;
use mail::Mailer;
use messaging::broadcast::Broadcaster;
use serde_json::{Value, json};
use shared_utils::auth::Role;
use shared_utils::aws::AwsConfig;
use shared_utils::clock::Clock;
use shared_utils::dynamo::Store;
use shared_utils::http::HttpContext;
use shared_utils::rate_limit::Rate;
use test_harness::{Answer, EventBuilder, Harness, NO_GATEWAY, ORIGIN};
use tokio::net::TcpListener;

const PASSWORD: &str = "correct horse battery";

/// The app with two people: ana, an administrator, and ben.
struct Studio {
    studio: test_harness::Studio<App>,
    ana: Profile,
    ben: Profile,
    mails: MailBox,
}

impl Deref for Studio {
    type Target = test_harness::Studio<App>;

    fn deref(&self) -> &Self::Target {
        &self.studio
    }
}

/// Settings without rate limits per address: all requests of a test come from the same address.
fn unhurried() -> Settings {
    Settings { rates: Rates { login: Rate::OFF, refresh: Rate::OFF, session_refresh: Rate::OFF, ..Rates::default() }, ..Settings::default() }
}

fn app_on(harness: &Harness, clock: Clock, settings: Settings) -> App {
    let context = HttpContext { clock: clock.clone(), ..harness.context() };
    let broadcaster = Broadcaster::new(&harness.aws(), harness.tables(), NO_GATEWAY, &clock);
    App::new(
        context,
        broadcaster,
        Services { signer: Signer::KeyFile(harness.signer()), mailer: None, files: harness.files(OwnerKind::Person, "auth") },
        settings,
    )
}

/// A password hash with very low cost.
fn cheap_hash(password: &str) -> String {
    let hasher = Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::new(8, 1, 1, None).unwrap());
    let hash: PasswordHash = hasher.hash_password_with_salt(password.as_bytes(), b"not so random").unwrap();
    hash.to_string()
}

async fn account(harness: &Harness, email: &str, role: Role) -> Profile {
    let new = NewUser {
        email: email.parse().unwrap(),
        password_hash: cheap_hash(PASSWORD),
        role,
        first_name: Some("Ana".to_owned()),
        last_name: None,
        pending: false,
        mail: None,
    };
    AuthStore::new(harness.store(), harness.table("auth")).create_user(new, None, harness.clock.now()).await.unwrap()
}

async fn studio() -> Studio {
    studio_with(unhurried()).await
}

async fn studio_with(settings: Settings) -> Studio {
    let harness = Harness::start().await;
    let ana = account(&harness, " Ana@MYLG.test ", Role::Admin).await;
    let ben = account(&harness, "ben@mylg.test", Role::Designer).await;
    Studio { studio: test_harness::Studio { app: app_on(&harness, harness.clock.clone(), settings), harness }, ana, ben, mails: MailBox::default() }
}

/// As [`studio_with`], with a mail catcher.
async fn mailing_studio(settings: Settings) -> Studio {
    let mut studio = studio_with(settings).await;
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let credentials = CredentialStore::default();
    let role = credentials.issue("auth-router");
    local_stack::mail_catcher::serve(listener, studio.mails.clone(), credentials);
    let harness = &studio.harness;
    let mut aws = AwsConfig { ses_endpoint: Some(endpoint), ..harness.aws() };
    aws.credentials = Credentials::new(role.access_key, role.secret_key, Some(role.session_token), None, "test");
    let mailer = Mailer::new(&aws, "MYLG <no-reply@mylg.test>".to_owned(), None, mail::Studio::new("MYLG", ORIGIN).unwrap());
    let broadcaster = Broadcaster::new(&aws, harness.tables(), NO_GATEWAY, &harness.clock);
    studio.studio.app = App::new(
        harness.context(),
        broadcaster,
        Services { signer: Signer::KeyFile(harness.signer()), mailer: Some(mailer), files: harness.files(OwnerKind::Person, "auth") },
        settings,
    );
    studio
}

async fn send(app: &App, event: EventBuilder) -> Answer {
    // Boxed: a test joins several of these futures on a stack of two megabytes.
    Box::pin(app.handle(event.event())).await.into()
}

impl Studio {
    /// Runs what follows the responses.
    async fn settle(&self) {
        assert_eq!(self.app.background_tasks().run(Duration::from_secs(30)).await, 0);
    }

    /// The token in the newest mail to this address.
    async fn mailed_token(&self, to: &str) -> String {
        self.settle().await;
        let mail = self.mails.mails(Some(to)).into_iter().next().expect("a mail");
        let (_, token) = mail.text.split_once("#token=").expect("a link");
        token.lines().next().unwrap().to_owned()
    }

    /// The subjects of the mails to this address, the oldest first.
    async fn subjects(&self, to: &str) -> Vec<String> {
        self.settle().await;
        self.mails.mails(Some(to)).into_iter().rev().map(|mail| mail.subject).collect()
    }

    /// Sends a request with a token, and with the body unless it is null.
    async fn ask(&self, method: Method, path: &str, token: &Value, body: Value) -> Answer {
        let event = EventBuilder::new(method, path).bearer(token.as_str().unwrap());
        self.call(if body.is_null() { event } else { event.json(&body) }).await
    }

    async fn get(&self, path: &str, token: &Value) -> Answer {
        self.ask(Method::GET, path, token, Value::Null).await
    }

    async fn post(&self, path: &str, body: Value) -> Answer {
        self.call(EventBuilder::new(Method::POST, path).json(&body)).await
    }

    async fn login_as(&self, who: &Profile) -> Value {
        self.post("/auth/login", json!({"email": who.email, "password": PASSWORD})).await.expect(200)
    }

    async fn login(&self) -> Value {
        self.login_as(&self.ana).await
    }

    async fn login_from(&self, ip: [u8; 4], email: &str, password: &str) -> (u16, Option<String>) {
        let event = EventBuilder::new(Method::POST, "/auth/login").peer(IpAddr::from(ip)).json(&json!({"email": email, "password": password}));
        let answer = self.call(event).await;
        (answer.status, answer.headers.get("retry-after").map(|value| value.to_str().unwrap().to_owned()))
    }

    async fn refresh(&self, token: &Value) -> Answer {
        self.post("/auth/refresh", json!({"refreshToken": token})).await
    }

    /// Refreshes, with or without an idempotency key.
    async fn refresh_under(&self, token: &Value, key: Option<&str>) -> Answer {
        let event = EventBuilder::new(Method::POST, "/auth/refresh").json(&json!({"refreshToken": token}));
        self.call(key.map_or(event.clone(), |key| event.header("idempotency-key", key))).await
    }

    async fn me(&self, token: &Value) -> Answer {
        self.get("/auth/me", token).await
    }
}
