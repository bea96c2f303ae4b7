//! The whole stack: `make run` starts it, and end-to-end tests start it on free ports.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use shared_utils::auth::KeyFileSigner;
use shared_utils::origins::AllowedOrigins;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

use crate::config::{self, KEY_ID, Options, StartError, folder, layer, print_line, signing_key};
use crate::console;
use crate::control::Control;
use crate::credentials::CredentialStore;
use crate::database::{Database, Storage};
use crate::declaration::Declaration;
use crate::environment::Values;
use crate::faults::Faults;
use crate::http_api::{self, HttpRoute};
use crate::lambda::{Function, FunctionOptions, LineSink, ReportSink, Skew, line};
use crate::mail_catcher::{self, MailBox};
use crate::object_storage::{ObjectStorage, ObjectStorageOptions};
use crate::people;
use crate::records::Records;
use crate::websocket_api;

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
    /// What callers of the control interface, at `<console_url>/control`, need. New with each start.
    pub control_token: String,
    /// `http://localhost:<port>` of the mail catcher.
    pub mail_url: String,
    /// The mails that were sent.
    pub mails: MailBox,
    /// `http://localhost:<port>` of S3. Browsers reach presigned URLs there.
    pub s3_url: String,
    /// The objects in S3.
    pub objects: ObjectStorage,
    /// The credentials of the functions' roles.
    pub credentials: CredentialStore,
    /// The cost of every event.
    pub records: Records,
    /// The injected faults.
    pub faults: Faults,
    /// The content of `stack.yaml`.
    pub declaration: Declaration,
    functions: BTreeMap<String, Arc<Function>>,
    key_file: PathBuf,
    lines: Arc<Mutex<Vec<String>>>,
    servers: [JoinHandle<()>; 5],
    /// The database, behind its proxy.
    pub database: Database,
    _folders: [Option<tempfile::TempDir>; 2],
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

/// The time to read the rest of the output of an ended process.
const LAST_WORDS: Duration = Duration::from_secs(5);
impl Stack {
    /// Starts everything and creates the accounts.
    pub async fn start(options: Options) -> Result<Self, StartError> {
        let declaration = Declaration::read()?;
        require_binaries(&declaration, &options)?;
        let (folder, temporary) = folder(options.folder.clone())?;
        let [http, websocket, database, console_listener, mail_listener, s3] = listen(options.ports).await?;
        let records = if options.keep { Records::keeping() } else { Records::default() };
        let faults = Faults::default();
        let storage = if options.in_memory { Storage::Memory } else { Storage::File(folder.join("dynamodb.sqlite")) };
        let database = Database::start(&declaration, storage, database, records.clone(), faults.clone()).await?;
        let [http_url, websocket_url, console_url, mail_url, s3_url] =
            [("http", &http), ("ws", &websocket), ("http", &console_listener), ("http", &mail_listener), ("http", &s3)]
                .map(|(scheme, listener)| format!("{scheme}://localhost:{}", port(listener)));

        let BrowserOrigins { frontend, all, allowed } = BrowserOrigins::of(&options, &console_url)?;
        let credentials = CredentialStore::default();
        let objects_folder = if options.in_memory { None } else { Some(folder.join("objects")) };
        let (objects_folder, temporary_objects) = config::folder(objects_folder)?;
        let state = (records.clone(), faults.clone(), credentials.clone());
        let (objects, s3_server) = object_storage(s3, &declaration, &objects_folder, allowed, state)?;
        let values = Values {
            origins: all,
            public_keys: signing_key(&folder)?,
            key_file: folder.join("signing.pem"),
            websocket_endpoint: format!("http://127.0.0.1:{}", port(&websocket)),
            database_endpoint: database.endpoint.clone(),
            mail_endpoint: mail_url.clone(),
            frontend_origin: frontend,
            storage_endpoint: s3_url.clone(),
            layer: layer(&folder)?,
            passed: options.passed.clone(),
        };
        let lines = Arc::new(Mutex::new(Vec::new()));
        let functions = functions(&declaration, &values, &options, (&records, &faults, &credentials), &lines)?;
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
        let mails = MailBox::default();
        let mail_server = mail_catcher::serve(mail_listener, mails.clone(), credentials.clone());
        let control = Control::new(port(&console_listener), faults.clone());
        let control_token = control.token.clone();
        let console_server = console::serve(console_listener, &http_url, &websocket_url, control);
        Ok(Self {
            http_url,
            websocket_url,
            database_url: database.endpoint.clone(),
            console_url,
            control_token,
            mail_url,
            mails,
            s3_url,
            objects,
            credentials,
            records,
            faults,
            declaration,
            functions,
            key_file: values.key_file,
            lines,
            servers: [http_server, websocket_server, console_server, mail_server, s3_server],
            database,
            _folders: [temporary, temporary_objects],
        })
    }

    /// A function by name.
    pub fn function(&self, name: &str) -> Option<&Arc<Function>> {
        self.functions.get(name)
    }

    /// The signer of local access tokens. Tests use it to sign tokens that auth-router would not sign. `None` if the key cannot be read.
    pub fn signer(&self) -> Option<KeyFileSigner> {
        KeyFileSigner::from_pem(KEY_ID, &std::fs::read(&self.key_file).ok()?).ok()
    }

    /// Every log line that the functions have written, if lines are kept.
    pub fn log_lines(&self) -> Vec<String> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Ends every function, and returns every log line. Lines come through a pipe, so they arrive after the responses.
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

    /// Waits until every sandbox has finished its deferred work.
    pub async fn settled(&self) {
        for function in self.functions.values() {
            function.settled().await;
        }
    }
}

fn require_binaries(declaration: &Declaration, options: &Options) -> Result<(), StartError> {
    let missing = declaration.functions.keys().map(|name| options.binaries.join(name)).find(|binary| !binary.exists());
    missing.map_or(Ok(()), |missing| Err(StartError::Binary(missing)))
}

/// S3, with its objects in a folder.
fn object_storage(
    listener: TcpListener,
    declaration: &Declaration,
    folder: &Path,
    origins: AllowedOrigins,
    (records, faults, credentials): (Records, Faults, CredentialStore),
) -> Result<(ObjectStorage, JoinHandle<()>), StartError> {
    ObjectStorage::start(listener, ObjectStorageOptions { declaration: declaration.clone(), folder, origins, credentials, records, faults })
}

/// The origins that browsers may call from.
struct BrowserOrigins {
    /// The first one of the options. Links in mails lead to it.
    frontend: String,
    /// All of them, the console's too, as `ALLOWED_ORIGINS` has them.
    all: String,
    allowed: AllowedOrigins,
}

impl BrowserOrigins {
    fn of(options: &Options, console_url: &str) -> Result<Self, StartError> {
        let wanted = options.origins.as_deref().unwrap_or("http://localhost:5173");
        let all = format!("{console_url},{wanted}");
        let allowed = AllowedOrigins::parse(&all).map_err(StartError::Origins)?;
        Ok(Self { frontend: wanted.split(',').next().unwrap_or_default().trim().to_owned(), all, allowed })
    }
}

/// Every declared function, with its environment.
fn functions(
    declaration: &Declaration,
    values: &Values,
    options: &Options,
    (records, faults, credentials): (&Records, &Faults, &CredentialStore),
    lines: &Arc<Mutex<Vec<String>>>,
) -> Result<BTreeMap<String, Arc<Function>>, StartError> {
    let mut functions = BTreeMap::new();
    let account = Arc::new(Semaphore::new(options.sandboxes));
    for (name, function) in &declaration.functions {
        let environment = values.environment(declaration, name)?;
        let function = Function::new(FunctionOptions {
            name: name.clone(),
            binary: options.binaries.join(name),
            timeout: Duration::from_secs(function.timeout_s),
            account: account.clone(),
            environment,
            credentials: credentials.clone(),
            records: records.clone(),
            faults: faults.clone(),
            skew: Skew { seed: options.seed, most_ms: options.skew_ms },
            lines: line_sink(options, lines.clone()),
            report: report_sink(options.print),
        });
        functions.insert(name.clone(), function);
    }
    Ok(functions)
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

fn port(listener: &TcpListener) -> u16 {
    listener.local_addr().map_or(0, |address| address.port())
}

async fn listen(ports: [u16; 6]) -> Result<[TcpListener; 6], StartError> {
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
