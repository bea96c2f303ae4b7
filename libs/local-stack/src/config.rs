//! The options, files and start errors of a local stack.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::json;
use shared_utils::auth::{KeyFileSigner, spki_from_point};
use shared_utils::env::EnvError;

use crate::database::DatabaseError;
use crate::declaration::{DeclarationError, repository};
use crate::websocket_api::Limits;

/// How many events all functions together may handle at once, by default: no limit besides each function's own.
pub const SANDBOXES: usize = 1_000;

/// The options of a local stack.
#[derive(Debug, Clone)]
pub struct Options {
    /// The directory of the functions' binaries.
    pub binaries: PathBuf,
    /// The folder for data and key. If absent, a new folder that is deleted with the stack.
    pub folder: Option<PathBuf>,
    /// Whether data is kept in memory even if there is a folder.
    pub in_memory: bool,
    /// The ports of HTTP API, WebSocket API, database, console, mails and S3. 0 means any free port.
    pub ports: [u16; 6],
    /// The allowed browser origins, besides the console's.
    pub origins: Option<String>,
    /// The number of people to seed, besides the four.
    pub more_people: usize,
    /// Variables for the functions that declare them with one of the sources in [`FORWARDED_ENV`](crate::declaration::FORWARDED_ENV).
    pub passed: BTreeMap<String, String>,
    /// How many events all functions together may handle at once, as an account's concurrency quota says. Further events wait.
    pub sandboxes: usize,
    /// The WebSocket gateway's limits.
    pub limits: Limits,
    /// Whether events and log lines are kept for tests to read.
    pub keep: bool,
    /// Whether events and log lines are printed.
    pub print: bool,
    /// The maximum clock offset of a sandbox in either direction, in milliseconds. Each offset is drawn from the seed.
    pub skew_ms: i64,
    /// The seed of random draws.
    pub seed: u64,
}

impl Options {
    /// Options for tests: free ports, data in memory, some rate limits off, everything kept, nothing printed.
    pub fn for_tests() -> Self {
        Self {
            binaries: crate::build::Profile::own().directory(),
            folder: None,
            in_memory: true,
            ports: [0; 6],
            origins: None,
            more_people: 0,
            // All users of a test have the same IP address, and act faster than people do.
            passed: [
                ("LOGIN_RATE", "off"),
                ("CONNECT_RATE", "off"),
                ("ACTION_RATE", "off"),
                ("SEND_RATE", "off"),
                ("MAIL_RATE", "off"),
                ("SIGN_UP", "open"),
            ]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into(),
            sandboxes: SANDBOXES,
            limits: Limits::default(),
            keep: true,
            print: false,
            skew_ms: 0,
            seed: 0,
        }
    }
}

/// Why the stack did not start. The message is one sentence that says what to do.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// `stack.yaml` cannot be used.
    #[error(transparent)]
    Declaration(#[from] DeclarationError),
    /// The database did not start.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// A port is taken.
    #[error("port {port} is taken: end what listens there, or set {variable} to another port (0 for any free one)")]
    Port {
        /// The port.
        port: u16,
        /// The variable that changes the port.
        variable: &'static str,
    },
    /// A folder or file cannot be used.
    #[error("{path} cannot be used: {reason}")]
    Folder {
        /// The folder or file.
        path: PathBuf,
        /// The reason.
        reason: String,
    },
    /// A binary is missing.
    #[error("{0} is not built: run `cargo build --workspace` first")]
    Binary(PathBuf),
    /// The local stack does not know the source of a variable.
    #[error("stack.yaml: {function}: {variable} comes from {source:?}, which the local stack does not know")]
    Source {
        /// The function.
        function: String,
        /// The variable.
        variable: String,
        /// The source.
        r#source: String,
    },
    /// `ALLOWED_ORIGINS` is not a list of origins.
    #[error("{0}: list exact origins such as https://app.example.com, separated by commas")]
    Origins(EnvError),
    /// People could not be seeded.
    #[error("{0}")]
    People(String),
}

/// The id of the local signing key.
pub const KEY_ID: &str = "local-1";
/// The issuer of local tokens.
pub const ISSUER: &str = "https://local.mylg.test";
/// The audience of local tokens.
pub const AUDIENCE: &str = "mylg-api";

/// Prints one line to the terminal. A closed terminal must not end the stack.
pub fn print_line(line: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stdout().lock(), "{line}");
}

pub(crate) fn folder(wanted: Option<PathBuf>) -> Result<(PathBuf, Option<tempfile::TempDir>), StartError> {
    let Some(path) = wanted else {
        let folder = tempfile::tempdir().map_err(|error| StartError::Folder { path: std::env::temp_dir(), reason: error.to_string() })?;
        return Ok((folder.path().to_owned(), Some(folder)));
    };
    std::fs::create_dir_all(&path).map_err(|error| StartError::Folder { path: path.clone(), reason: error.to_string() })?;
    Ok((path, None))
}

/// The public keys in the form of `JWT_PUBLIC_KEYS`. The key file is created at the first run.
pub(crate) fn signing_key(folder: &Path) -> Result<String, StartError> {
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

/// Allows only the owner to read a private key.
fn restrict(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))
}

/// Copies the layer's files to a folder that replaces `/opt`.
pub(crate) fn layer(folder: &Path) -> Result<PathBuf, StartError> {
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
