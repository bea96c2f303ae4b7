//! The parts that a stack is started from.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use shared_utils::origins::AllowedOrigins;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::clock::StackClock;
use crate::config::{Options, StartError, print_line};
use crate::control::{Access, Addresses, Control};
use crate::credentials::CredentialStore;
use crate::database::Database;
use crate::declaration::Declaration;
use crate::environment::Values;
use crate::faults::Faults;
use crate::feed::Feed;
use crate::http_api::{self, HttpRoute};
use crate::lambda::{Account, Function, FunctionOptions, LineSink, ReportSink, Skew, line};
use crate::mail_catcher::MailBox;
use crate::object_storage::{ObjectStorage, ObjectStorageOptions};
use crate::records::Records;
use crate::websocket_api::{self, Limits, Sockets, WebSocketOptions};

/// What was declared, and its functions by name.
type Declared<'a> = (&'a Declaration, &'a BTreeMap<String, Arc<Function>>);

/// What the servers share. Clones share everything.
#[derive(Clone)]
pub(super) struct Shared {
    pub(super) records: Records,
    pub(super) faults: Faults,
    pub(super) credentials: CredentialStore,
    pub(super) clock: StackClock,
    pub(super) account: Account,
}

impl Shared {
    pub(super) fn of(options: &Options) -> Self {
        Self {
            records: if options.keep { Records::keeping() } else { Records::default() },
            faults: Faults::default(),
            credentials: CredentialStore::default(),
            clock: StackClock::default(),
            account: Account::new(options.sandboxes),
        }
    }
}

pub(super) fn require_binaries(declaration: &Declaration, options: &Options) -> Result<(), StartError> {
    let missing = declaration.functions.keys().map(|name| options.binaries.join(name)).find(|binary| !binary.exists());
    missing.map_or(Ok(()), |missing| Err(StartError::Binary(missing)))
}

/// S3, with its objects in a folder.
pub(super) fn object_storage(
    listener: TcpListener,
    declaration: &Declaration,
    folder: &Path,
    origins: AllowedOrigins,
    shared: &Shared,
) -> Result<(ObjectStorage, JoinHandle<()>), StartError> {
    let Shared { records, faults, credentials, clock, .. } = shared.clone();
    ObjectStorage::start(listener, ObjectStorageOptions { declaration: declaration.clone(), folder, origins, credentials, records, faults, clock })
}

/// The servers of both APIs.
pub(super) struct Gateways {
    pub(super) http_server: JoinHandle<()>,
    pub(super) websocket_server: JoinHandle<()>,
    pub(super) sockets: Sockets,
}

impl Gateways {
    /// Serves the declared routes.
    pub(super) fn serve(http: TcpListener, websocket: TcpListener, (declaration, functions): Declared<'_>, limits: Limits, shared: &Shared) -> Self {
        let function = |name: &str| functions.get(name).cloned();
        let http_routes = declaration.http_api.routes.iter();
        let http_routes = http_routes.filter_map(|route| Some(HttpRoute { key: route.route.clone(), function: function(&route.function)? }));
        let socket = &declaration.websocket_api;
        let (websocket_server, sockets) = websocket_api::serve(
            websocket,
            WebSocketOptions {
                selection: &socket.route_selection_expression,
                routes: socket.routes.iter().filter_map(|route| Some((route.clone(), function(&route.function)?))).collect(),
                limits,
                records: shared.records.clone(),
                faults: shared.faults.clone(),
                clock: shared.clock.clone(),
            },
        );
        Self { http_server: http_api::serve(http, http_routes.collect(), shared.clock.clone()), websocket_server, sockets }
    }
}

/// What the control interface looks into.
pub(super) fn control(
    access: Access,
    addresses: Addresses,
    (declaration, functions): Declared<'_>,
    (database, objects, mails): (&Arc<Database>, &ObjectStorage, &MailBox),
    (sockets, people): (Sockets, (BTreeMap<String, String>, usize)),
    shared: &Shared,
) -> Control {
    Control {
        access,
        addresses,
        declaration: Arc::new(declaration.clone()),
        functions: Arc::new(functions.clone()),
        database: Arc::downgrade(database),
        objects: objects.clone(),
        mails: mails.clone(),
        sockets,
        faults: shared.faults.clone(),
        feed: shared.records.feed().clone(),
        clock: shared.clock.clone(),
        account: shared.account.clone(),
        sandboxes: shared.account.limit(),
        people: Arc::new(people),
        unlocked: Arc::default(),
        resetting: Arc::default(),
    }
}

/// The origins that browsers may call from.
pub(super) struct BrowserOrigins {
    /// The first one of the options. Links in mails lead to it.
    pub(super) frontend: String,
    /// All of them, the console's too, as `ALLOWED_ORIGINS` has them.
    pub(super) all: String,
    pub(super) allowed: AllowedOrigins,
}

impl BrowserOrigins {
    pub(super) fn of(options: &Options, console_url: &str) -> Result<Self, StartError> {
        let wanted = options.origins.as_deref().unwrap_or("http://localhost:5173");
        let all = format!("{console_url},{wanted}");
        let allowed = AllowedOrigins::parse(&all).map_err(StartError::Origins)?;
        Ok(Self { frontend: wanted.split(',').next().unwrap_or_default().trim().to_owned(), all, allowed })
    }
}

/// Every declared function, with its environment.
pub(super) fn functions(
    declaration: &Declaration,
    values: &Values,
    options: &Options,
    shared: &Shared,
    lines: &Arc<Mutex<Vec<String>>>,
) -> Result<BTreeMap<String, Arc<Function>>, StartError> {
    let mut functions = BTreeMap::new();
    for (name, function) in &declaration.functions {
        let environment = values.environment(declaration, name)?;
        let function = Function::new(FunctionOptions {
            name: name.clone(),
            binary: options.binaries.join(name),
            timeout: Duration::from_secs(function.timeout_s),
            account: shared.account.clone(),
            clock: shared.clock.clone(),
            environment,
            credentials: shared.credentials.clone(),
            records: shared.records.clone(),
            faults: shared.faults.clone(),
            skew: Skew { seed: options.seed, most_ms: options.skew_ms },
            lines: line_sink(options, shared.records.feed().clone(), lines.clone()),
            report: report_sink(options.print),
        });
        functions.insert(name.clone(), function);
    }
    Ok(functions)
}

fn line_sink(options: &Options, feed: Feed, kept: Arc<Mutex<Vec<String>>>) -> LineSink {
    let (keep, print) = (options.keep, options.print);
    Arc::new(move |name, line| {
        feed.line(line);
        if keep {
            kept.lock().unwrap_or_else(PoisonError::into_inner).push(line.to_owned());
        }
        if print {
            print_line(&format!("  [{name}] {line}"));
        }
    })
}

fn report_sink(print: bool) -> ReportSink {
    Arc::new(move |record| {
        if print {
            print_line(&line(record));
        }
    })
}

pub(super) fn port(listener: &TcpListener) -> u16 {
    listener.local_addr().map_or(0, |address| address.port())
}

pub(super) async fn listen(ports: [u16; 6]) -> Result<[TcpListener; 6], StartError> {
    let listen = async |index: usize, variable| {
        let port = ports[index];
        TcpListener::bind(("127.0.0.1", port)).await.map_err(|_| StartError::Port { port, variable })
    };
    Ok([
        listen(0, "HTTP_PORT").await?,
        listen(1, "WS_PORT").await?,
        listen(2, "DYNAMODB_PORT").await?,
        listen(3, "CONSOLE_PORT").await?,
        listen(4, "MAIL_PORT").await?,
        listen(5, "S3_PORT").await?,
    ])
}
