//! All of it, wired: what `make run` starts, and what end-to-end tests start on free ports.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::json;
use shared_utils::auth::{KeyFileSigner, spki_from_point};
use shared_utils::env::EnvError;
use shared_utils::http::CorsPolicy;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::console;
use crate::database::{Database, DatabaseError, Storage};
use crate::declaration::{Declaration, DeclarationError, repository};
use crate::environment::Values;
use crate::faults::Faults;
use crate::http_api::{self, HttpRoute};
use crate::lambda::{Function, FunctionOptions, LineSink, ReportSink, Skew, line};
use crate::people;
use crate::records::Records;
use crate::websocket_api::{self, Limits};

/// What the local stack can be told.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where the functions' binaries are.
    pub binaries: PathBuf,
    /// Where data and key are kept; a new folder that goes with the stack when absent.
    pub folder: Option<PathBuf>,
    /// Whether data is kept in memory although there is a folder.
    pub in_memory: bool,
    /// Ports of HTTP API, WebSocket API, database and console; 0 is any free one.
    pub ports: [u16; 4],
    /// Browser origins that may call, besides the console's.
    pub origins: Option<String>,
    /// How many people to seed besides the four.
    pub more_people: usize,
    /// Variables passed on to the functions that declare them with one of the sources in [`FORWARDED_ENV`](crate::declaration::FORWARDED_ENV).
    pub passed: BTreeMap<String, String>,
    /// The WebSocket gateway's limits.
    pub limits: Limits,
    /// Whether events and log lines are kept for tests to read.
    pub keep: bool,
    /// Whether events and log lines are printed.
    pub print: bool,
    /// How far the clocks of sandboxes may be off, either way, in milliseconds; which one is off by how much is drawn from the seed.
    pub skew_ms: i64,
    /// What chance is drawn from.
    pub seed: u64,
}

impl Options {
    /// For tests: free ports, data in memory, rates off, everything kept, nothing printed.
    pub fn for_tests() -> Self {
        Self {
            binaries: crate::build::Profile::own().directory(),
            folder: None,
            in_memory: true,
            ports: [0; 4],
            origins: None,
            more_people: 0,
            // Everyone in a test comes from one address, and faster than people do.
            passed: [("LOGIN_RATE", "off"), ("CONNECT_RATE", "off"), ("ACTION_RATE", "off"), ("SEND_RATE", "off")]
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into(),
            limits: Limits::default(),
            keep: true,
            print: false,
            skew_ms: 0,
            seed: 0,
        }
    }
}

/// Why the stack did not start: one sentence that says what to do.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// `stack.yaml`.
    #[error(transparent)]
    Declaration(#[from] DeclarationError),
    /// The database.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// A port is taken.
    #[error("port {port} is taken: end what listens there, or set {variable} to another port (0 for any free one)")]
    Port {
        /// Which port.
        port: u16,
        /// The variable that changes it.
        variable: &'static str,
    },
    /// A folder or file cannot be used.
    #[error("{path} cannot be used: {reason}")]
    Folder {
        /// Which one.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// A binary is missing.
    #[error("{0} is not built: run `cargo build --workspace` first")]
    Binary(PathBuf),
    /// A variable has a source that is not known here.
    #[error("stack.yaml: {function}: {variable} comes from {source:?}, which the local stack does not know")]
    Source {
        /// Whose.
        function: String,
        /// Which.
        variable: String,
        /// From where.
        r#source: String,
    },
    /// `ALLOWED_ORIGINS` holds something else.
    #[error("{0}: list exact origins such as https://app.example.com, separated by commas")]
    Origins(EnvError),
    /// People could not be seeded.
    #[error("{0}")]
    People(String),
}

/// A running stack. Dropping it ends everything.
pub struct Stack {
    /// `http://localhost:<port>` of the HTTP API.
    pub http_url: String,
    /// `ws://localhost:<port>` of the WebSocket API.
    pub websocket_url: String,
    /// `http://127.0.0.1:<port>` of the database.
    pub database_url: String,
    /// `http://localhost:<port>` of the console.
    pub console_url: String,
    /// What every event cost.
    pub records: Records,
    /// Faults on demand.
    pub faults: Faults,
    /// What was read from `stack.yaml`.
    pub declaration: Declaration,
    functions: BTreeMap<String, Arc<Function>>,
    key_file: PathBuf,
    lines: Arc<Mutex<Vec<String>>>,
    servers: [JoinHandle<()>; 3],
    _database: Database,
    _folder: Option<tempfile::TempDir>,
}

impl Drop for Stack {
    fn drop(&mut self) {
        for server in &self.servers {
            server.abort();
        }
        for function in self.functions.values() {
            function.close();
        }
    }
}

/// How long an ended process may take to be read to its end.
const LAST_WORDS: Duration = Duration::from_secs(5);
/// The name of the one local signing key.
pub const KEY_ID: &str = "local-1";
/// Who issues tokens here.
pub const ISSUER: &str = "https://local.mylg.test";
/// For whom.
pub const AUDIENCE: &str = "mylg-api";

impl Stack {
    /// Starts everything and makes the people.
    pub async fn start(options: Options) -> Result<Self, StartError> {
        let declaration = Declaration::read()?;
        for function in declaration.functions.keys() {
            let binary = options.binaries.join(function);
            if !binary.exists() {
                return Err(StartError::Binary(binary));
            }
        }
        let (folder, temporary) = folder(options.folder.clone())?;
        let [http, websocket, database, console_listener] = listen(options.ports).await?;
        let records = if options.keep { Records::keeping() } else { Records::default() };
        let faults = Faults::default();
        let storage = if options.in_memory { Storage::Memory } else { Storage::File(folder.join("dynamodb.sqlite")) };
        let database = Database::start(&declaration, storage, database, records.clone(), faults.clone()).await?;
        let [http_url, websocket_url, console_url] = [("http", &http), ("ws", &websocket), ("http", &console_listener)]
            .map(|(scheme, listener)| format!("{scheme}://localhost:{}", port(listener)));

        let console_origin = console_url.clone();
        let origins = options.origins.clone().unwrap_or_else(|| "http://localhost:5173".to_owned());
        let origins = format!("{console_origin},{origins}");
        CorsPolicy::built_in(&origins).map_err(StartError::Origins)?;
        let values = Values {
            origins,
            public_keys: signing_key(&folder)?,
            key_file: folder.join("signing.pem"),
            websocket_endpoint: format!("http://127.0.0.1:{}", port(&websocket)),
            database_endpoint: database.endpoint.clone(),
            layer: layer(&folder)?,
            passed: options.passed.clone(),
        };
        let lines = Arc::new(Mutex::new(Vec::new()));
        let mut functions = BTreeMap::new();
        for (name, function) in &declaration.functions {
            let environment = values.environment(&declaration, name)?;
            let function = Function::new(FunctionOptions {
                name: name.clone(),
                binary: options.binaries.join(name),
                timeout: Duration::from_secs(function.timeout_s),
                environment,
                records: records.clone(),
                faults: faults.clone(),
                skew: Skew { seed: options.seed, most_ms: options.skew_ms },
                lines: line_sink(&options, lines.clone()),
                report: report_sink(options.print),
            });
            functions.insert(name.clone(), function);
        }
        people::seed(&values.environment(&declaration, "auth-router")?, options.more_people).await.map_err(StartError::People)?;
        let function = |name: &str| functions.get(name).cloned();
        let http_routes = declaration.http_api.routes.iter();
        let http_server = http_api::serve(
            http,
            http_routes.filter_map(|route| Some(HttpRoute { key: route.route.clone(), function: function(&route.function)? })).collect(),
        );
        let socket = &declaration.websocket_api;
        let socket_routes = socket.routes.iter().filter_map(|route| Some((route.clone(), function(&route.function)?))).collect();
        let websocket_server =
            websocket_api::serve(websocket, &socket.route_selection_expression, socket_routes, options.limits, records.clone(), faults.clone());
        let console_server = console::serve(console_listener, &http_url, &websocket_url);
        Ok(Self {
            http_url,
            websocket_url,
            database_url: database.endpoint.clone(),
            console_url,
            records,
            faults,
            declaration,
            functions,
            key_file: values.key_file,
            lines,
            servers: [http_server, websocket_server, console_server],
            _database: database,
            _folder: temporary,
        })
    }

    /// A function by name.
    pub fn function(&self, name: &str) -> Option<&Arc<Function>> {
        self.functions.get(name)
    }

    /// The key that signs access tokens here, so that tests can sign what auth-router would not. `None` when it cannot be read.
    pub fn signer(&self) -> Option<KeyFileSigner> {
        KeyFileSigner::from_pem(KEY_ID, &std::fs::read(&self.key_file).ok()?).ok()
    }

    /// Every log line that the functions have written, where they are kept.
    pub fn log_lines(&self) -> Vec<String> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Ends every function, and gives every log line up to the last: lines come through a pipe, after the answers.
    pub fn last_log_lines(&self) -> Vec<String> {
        for function in self.functions.values() {
            function.close();
        }
        let until = Instant::now() + LAST_WORDS;
        while Instant::now() < until && !self.functions.values().all(|function| function.is_silent()) {
            std::thread::sleep(Duration::from_millis(2));
        }
        self.log_lines()
    }

    /// Waits until every sandbox is done with what it owes after its answer.
    pub async fn settled(&self) {
        for function in self.functions.values() {
            function.settled().await;
        }
    }
}

fn line_sink(options: &Options, kept: Arc<Mutex<Vec<String>>>) -> LineSink {
    let (keep, print) = (options.keep, options.print);
    Arc::new(move |name, line| {
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

/// Prints one line for the person at the terminal. One that is gone must not end the stack.
pub fn print_line(line: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stdout().lock(), "{line}");
}

fn port(listener: &TcpListener) -> u16 {
    listener.local_addr().map_or(0, |address| address.port())
}

async fn listen(ports: [u16; 4]) -> Result<[TcpListener; 4], StartError> {
    let listen = async |index: usize, variable| {
        let port = ports[index];
        TcpListener::bind(("127.0.0.1", port)).await.map_err(|_| StartError::Port { port, variable })
    };
    Ok([listen(0, "HTTP_PORT").await?, listen(1, "WS_PORT").await?, listen(2, "DYNAMODB_PORT").await?, listen(3, "CONSOLE_PORT").await?])
}

fn folder(wanted: Option<PathBuf>) -> Result<(PathBuf, Option<tempfile::TempDir>), StartError> {
    let Some(path) = wanted else {
        let folder = tempfile::tempdir().map_err(|error| StartError::Folder { path: std::env::temp_dir(), reason: error.to_string() })?;
        return Ok((folder.path().to_owned(), Some(folder)));
    };
    std::fs::create_dir_all(&path).map_err(|error| StartError::Folder { path: path.clone(), reason: error.to_string() })?;
    Ok((path, None))
}

/// The public keys as `JWT_PUBLIC_KEYS` has them; the key file is made at first run.
fn signing_key(folder: &Path) -> Result<String, StartError> {
    let path = folder.join("signing.pem");
    let fail = |reason: String| StartError::Folder { path: path.clone(), reason };
    if !path.exists() {
        let pem = KeyFileSigner::generate_pem().map_err(|error| fail(error.to_string()))?;
        std::fs::write(&path, pem).map_err(|error| fail(error.to_string()))?;
        restrict(&path).map_err(|error| fail(error.to_string()))?;
    }
    let pem = std::fs::read(&path).map_err(|error| fail(error.to_string()))?;
    let signer = KeyFileSigner::from_pem(KEY_ID, &pem).map_err(|error| fail(error.to_string()))?;
    Ok(json!({KEY_ID: spki_from_point(signer.public_point())}).to_string())
}

/// Only its owner may read a private key.
fn restrict(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))
}

/// A stand-in for `/opt`: the layer's files where the functions look for them.
fn layer(folder: &Path) -> Result<PathBuf, StartError> {
    let layer = folder.join("opt/shared-utils");
    let fail = |reason: std::io::Error| StartError::Folder { path: layer.clone(), reason: reason.to_string() };
    std::fs::create_dir_all(&layer).map_err(fail)?;
    let source = repository().join("libs/shared-utils/layer");
    for entry in std::fs::read_dir(&source).map_err(fail)? {
        let entry = entry.map_err(fail)?;
        std::fs::copy(entry.path(), layer.join(entry.file_name())).map_err(fail)?;
    }
    Ok(layer)
}
