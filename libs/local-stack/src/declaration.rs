//! `terraform/stack.yaml`, read.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use serde::Deserialize;

/// Sources of variables that have the code's own value unless another is passed on.
pub const FORWARDED_ENV: [&str; 2] = ["rate", "local:passed"];

/// What the backend consists of.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Declaration {
    /// The project's name, the first part of every resource's name.
    pub project: String,
    /// Tables by their short name.
    pub tables: BTreeMap<String, Table>,
    /// Functions by their name.
    pub functions: BTreeMap<String, Function>,
    /// The HTTP API.
    pub http_api: HttpApi,
    /// The WebSocket API.
    pub websocket_api: WebSocketApi,
}

/// A table with the keys `pk` and `sk`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    /// What is in it.
    pub description: String,
    /// Global secondary indexes by name.
    #[serde(default)]
    pub indexes: BTreeMap<String, Index>,
}

/// A global secondary index.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Index {
    /// A text attribute.
    pub partition_key: String,
    /// A text attribute.
    pub sort_key: String,
}

/// A function.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Function {
    /// What it is for.
    pub description: String,
    /// Memory, and with it its share of a processor.
    pub memory_mb: u32,
    /// How long one event may take, the work after the answer included.
    pub timeout_s: u64,
    /// Variables, and where their values come from.
    pub environment: BTreeMap<String, String>,
    /// What its role may do.
    pub permissions: Vec<Permission>,
}

/// Something that a role may do.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Permission {
    /// On this table.
    pub table: Option<String>,
    /// On this index of it.
    pub index: Option<String>,
    /// These `DynamoDB` actions.
    #[serde(default)]
    pub actions: Vec<String>,
    /// On items whose partition key matches one of these.
    #[serde(default)]
    pub leading_keys: Vec<String>,
    /// Post to and close connections of the WebSocket API.
    #[serde(default)]
    pub manage_connections: bool,
    /// Sign with the signing key.
    #[serde(default)]
    pub sign: bool,
}

/// The HTTP API.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpApi {
    /// `METHOD /path`, and the function behind it.
    pub routes: Vec<HttpRoute>,
}

/// A route of the HTTP API.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpRoute {
    /// Such as `ANY /auth/{proxy+}`.
    pub route: String,
    /// The function's name.
    pub function: String,
}

/// The WebSocket API.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebSocketApi {
    /// Where a frame's route stands; the local stack knows `$request.body.<member>`.
    pub route_selection_expression: String,
    /// Routes.
    pub routes: Vec<WebSocketRoute>,
}

/// A route of the WebSocket API.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebSocketRoute {
    /// Such as `$connect` or an action's name.
    pub route: String,
    /// The function's name.
    pub function: String,
    /// Whether the function's body is the reply to the sender.
    pub route_response: bool,
}

/// The declaration cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{path}: {reason}")]
pub struct DeclarationError {
    path: PathBuf,
    reason: String,
}

impl Declaration {
    /// Reads the repository's own `terraform/stack.yaml`.
    pub fn read() -> Result<Self, DeclarationError> {
        let path = repository().join("terraform/stack.yaml");
        let fail = |reason: String| DeclarationError { path: path.clone(), reason };
        let text = std::fs::read_to_string(&path).map_err(|error| fail(error.to_string()))?;
        serde_saphyr::from_str(&text).map_err(|error| fail(error.to_string()))
    }

    /// The full name of a table in the local environment.
    pub fn table_name(&self, table: &str) -> String {
        format!("{}-local-{table}", self.project)
    }
}

/// The repository that this crate is a part of.
pub fn repository() -> &'static Path {
    static REPOSITORY: LazyLock<PathBuf> = LazyLock::new(|| {
        let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
        path.canonicalize().unwrap_or_else(|_| path.to_owned())
    });
    &REPOSITORY
}
