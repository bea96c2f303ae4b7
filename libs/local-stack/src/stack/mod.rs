//! The whole stack: `make run` starts it, and end-to-end tests start it on free ports.

mod parts;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use shared_utils::auth::KeyFileSigner;
use tokio::task::JoinHandle;

use crate::clock::StackClock;
use crate::config::{self, KEY_ID, Options, StartError, folder, layer, signing_key};
use crate::console;
use crate::control::{Access, Addresses};
use crate::credentials::CredentialStore;
use crate::database::{Database, Storage};
use crate::declaration::Declaration;
use crate::environment::Values;
use crate::faults::Faults;
use crate::lambda::Function;
use crate::mail_catcher::{self, MailBox};
use crate::object_storage::ObjectStorage;
use crate::people;
use crate::records::Records;
use parts::{BrowserOrigins, Gateways, Shared, control, functions, listen, object_storage, port, require_binaries};

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
    pub database: Arc<Database>,
    /// The clock of the stack.
    pub clock: StackClock,
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
        let shared = Shared::of(&options);
        let storage = if options.in_memory { Storage::Memory } else { Storage::File(folder.join("dynamodb.sqlite")) };
        let faulty = (shared.records.clone(), shared.faults.clone());
        let database = Arc::new(Database::start(&declaration, storage, database, faulty, shared.clock.clone()).await?);
        let [http_url, websocket_url, console_url, mail_url, s3_url] =
            [("http", &http), ("ws", &websocket), ("http", &console_listener), ("http", &mail_listener), ("http", &s3)]
                .map(|(scheme, listener)| format!("{scheme}://localhost:{}", port(listener)));

        let BrowserOrigins { frontend, all, allowed } = BrowserOrigins::of(&options, &console_url)?;
        let objects_folder = if options.in_memory { None } else { Some(folder.join("objects")) };
        let (objects_folder, temporary_objects) = config::folder(objects_folder)?;
        let (objects, s3_server) = object_storage(s3, &declaration, &objects_folder, allowed, &shared)?;
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
        let functions = functions(&declaration, &values, &options, &shared, &lines)?;
        let people = (values.environment(&declaration, "auth-router")?, options.more_people);
        people::seed(&people.0, people.1).await.map_err(StartError::People)?;
        let Gateways { http_server, websocket_server, sockets } =
            Gateways::serve(http, websocket, (&declaration, &functions), options.limits, &shared);
        let mails = MailBox::of(shared.clock.clone());
        let mail_server = mail_catcher::serve(mail_listener, mails.clone(), shared.credentials.clone());
        let access = Access::new(port(&console_listener));
        let control_token = access.token.clone();
        let addresses = Addresses { http: http_url.clone(), websocket: websocket_url.clone(), mail: mail_url.clone() };
        let (declared, stored) = ((&declaration, &functions), (&database, &objects, &mails));
        let control = control(access, addresses, declared, stored, (sockets, people), &shared);
        let console_server = console::serve(console_listener, &http_url, &websocket_url, control);
        let Shared { records, faults, credentials, clock, .. } = shared;
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
            clock,
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
