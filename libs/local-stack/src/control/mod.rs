//! The control interface of the local stack, for the console and for the tests of the TypeScript client: looks into the stack, injects faults, moves
//! the clock.
//!
//! Web pages of other origins must not reach it: it checks `Host` (DNS rebinding), `Origin`, and a token that is new with each start and printed
//! with the console's link.

mod data;
mod faults;
mod item_types;
mod requests;
mod sockets;
mod world;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use axum::routing::{get, post, put};

use crate::clock::StackClock;
use crate::database::Database;
use crate::declaration::Declaration;
use crate::faults::Faults;
use crate::feed::Feed;
use crate::lambda::{Account, Function};
use crate::mail_catcher::MailBox;
use crate::object_storage::ObjectStorage;
use crate::people;
use crate::websocket_api::Sockets;

/// Who may call: the port of the console, and the token.
#[derive(Debug, Clone)]
pub(crate) struct Access {
    pub(crate) token: String,
    port: u16,
}

impl Access {
    /// With a new token.
    pub(crate) fn new(port: u16) -> Self {
        Self { token: shared_utils::random::secret(), port }
    }
}

/// The addresses of the stack's servers.
#[derive(Debug, Clone)]
pub(crate) struct Addresses {
    pub(crate) http: String,
    pub(crate) websocket: String,
    pub(crate) mail: String,
}

/// What the control interface looks into. Clones share everything.
#[derive(Clone)]
pub(crate) struct Control {
    pub(crate) access: Access,
    pub(crate) addresses: Addresses,
    pub(crate) declaration: Arc<Declaration>,
    pub(crate) functions: Arc<BTreeMap<String, Arc<Function>>>,
    /// The stack owns it: its file is closed when the stack is dropped.
    pub(crate) database: Weak<Database>,
    pub(crate) objects: ObjectStorage,
    pub(crate) mails: MailBox,
    pub(crate) sockets: Sockets,
    pub(crate) faults: Faults,
    pub(crate) feed: Feed,
    pub(crate) clock: StackClock,
    pub(crate) account: Account,
    /// The number of sandboxes that the stack was started with.
    pub(crate) sandboxes: usize,
    /// What the tool that makes accounts is started with, and the number of people besides the four.
    pub(crate) people: Arc<(BTreeMap<String, String>, usize)>,
    /// Whether items may be written.
    pub(crate) unlocked: Arc<AtomicBool>,
    pub(crate) resetting: Arc<tokio::sync::Mutex<()>>,
}

impl Control {
    fn database(&self) -> Result<Arc<Database>, StatusCode> {
        self.database.upgrade().ok_or(StatusCode::SERVICE_UNAVAILABLE)
    }

    /// The full name of a table.
    fn table(&self, short: &str) -> Result<String, StatusCode> {
        self.declaration.tables.contains_key(short).then(|| self.declaration.table_name(short)).ok_or(StatusCode::NOT_FOUND)
    }

    fn is_unlocked(&self) -> bool {
        self.unlocked.load(Ordering::SeqCst)
    }

    fn set_unlocked(&self, unlocked: bool) {
        self.unlocked.store(unlocked, Ordering::SeqCst);
    }

    fn require_unlocked(&self) -> Result<(), StatusCode> {
        if self.is_unlocked() { Ok(()) } else { Err(StatusCode::LOCKED) }
    }

    /// Ends faults, sockets and sandboxes, deletes all data, and makes the accounts again.
    async fn reset(&self) -> Result<(), String> {
        let database = self.database.upgrade().ok_or("the stack has ended")?;
        self.faults.clear();
        self.clock.set_offset_ms(0);
        self.sockets.cut_all();
        while !self.sockets.list().is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        // What is under way would write into the new data, and new events would find half of it.
        let _paused = self.account.pause().await;
        for function in self.functions.values() {
            function.kill();
        }
        database.clear(&self.declaration).await?;
        self.objects.clear();
        self.mails.clear();
        let (environment, more) = &*self.people;
        people::seed(environment, *more).await
    }
}

/// The largest body of a request, in bytes: an item with its JSON.
const MAX_BODY: usize = 1024 * 1024;

/// The routes under `/control`.
pub(crate) fn router(control: Control) -> Router {
    Router::new()
        .route("/control/state", get(world::state))
        .route("/control/clock", put(world::set_clock))
        .route("/control/sandboxes", put(world::set_sandboxes))
        .route("/control/reset", post(world::reset))
        .route("/control/faults", get(faults::status).post(faults::add_fault).put(faults::run_risks).delete(faults::clear))
        .route("/control/feed", get(requests::feed))
        .route("/control/events/{id}", get(requests::event))
        .route("/control/sockets", get(sockets::list))
        .route("/control/sockets/cut", post(sockets::cut_all))
        .route("/control/sockets/{id}", axum::routing::delete(sockets::close))
        .route("/control/sockets/{id}/frames", post(sockets::send))
        .route("/control/sockets/{id}/cut", post(sockets::cut))
        .route("/control/sockets/{id}/expire", post(sockets::expire))
        .route("/control/tables", get(data::tables))
        .route("/control/tables/{table}/items", get(data::items).put(data::put_item).delete(data::delete_item))
        .route("/control/unlocked", post(data::unlock))
        .route("/control/mails", get(data::mails))
        .route("/control/objects", get(data::objects))
        .route("/control/objects/content", get(data::object))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(from_fn_with_state(control.access.clone(), admit))
        .with_state(control)
}

/// Refuses requests without the token, and pages of other origins.
async fn admit(State(access): State<Access>, request: Request, next: Next) -> Result<Response, StatusCode> {
    if is_admitted(&access, request.headers()) { Ok(next.run(request).await) } else { Err(StatusCode::FORBIDDEN) }
}

fn is_admitted(access: &Access, headers: &HeaderMap) -> bool {
    let value = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let hosts = ["localhost", "127.0.0.1"].map(|host| format!("{host}:{}", access.port));
    let is_own_host = value("host").is_some_and(|host| hosts.iter().any(|own| own == host));
    let is_own_origin = value("origin").is_none_or(|origin| hosts.iter().any(|own| origin == format!("http://{own}")));
    is_own_host && is_own_origin && value("authorization") == Some(&format!("Bearer {}", access.token))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (axum::http::HeaderName::from_static(name), HeaderValue::from_str(value).unwrap())).collect()
    }

    #[test]
    fn pages_of_other_origins_are_refused() {
        let access = Access::new(3002);
        let token = format!("Bearer {}", access.token);
        let admitted = |pairs: &[(&'static str, &str)]| is_admitted(&access, &headers(pairs));
        assert!(admitted(&[("host", "localhost:3002"), ("authorization", &token)]));
        assert!(admitted(&[("host", "127.0.0.1:3002"), ("origin", "http://localhost:3002"), ("authorization", &token)]));
        // A name that an attacker's DNS server points at this machine.
        assert!(!admitted(&[("host", "evil.test:3002"), ("authorization", &token)]));
        assert!(!admitted(&[("host", "localhost:3002"), ("origin", "http://evil.test"), ("authorization", &token)]));
        assert!(!admitted(&[("host", "localhost:3002"), ("origin", "null"), ("authorization", &token)]));
        assert!(!admitted(&[("host", "localhost:3002"), ("authorization", "Bearer x")]));
        assert!(!admitted(&[("host", "localhost:3002")]));
    }
}
