//! What a local stack is started with, where its files are, and why it may not start.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::json;
use shared_utils::auth::{KeyFileSigner, spki_from_point};
use shared_utils::env::EnvError;

use crate::database::DatabaseError;
use crate::declaration::{DeclarationError, repository};
use crate::websocket_api::Limits;

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

/// The name of the one local signing key.
pub const KEY_ID: &str = "local-1";
/// Who issues tokens here.
pub const ISSUER: &str = "https://local.mylg.test";
/// For whom.
pub const AUDIENCE: &str = "mylg-api";

/// Prints one line for the person at the terminal. One that is gone must not end the stack.
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

/// The public keys as `JWT_PUBLIC_KEYS` has them; the key file is made at first run.
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

/// Only its owner may read a private key.
fn restrict(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))
}

/// A stand-in for `/opt`: the layer's files where the functions look for them.
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
