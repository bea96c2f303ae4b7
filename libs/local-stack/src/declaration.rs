//! Reads `terraform/stack.yaml`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use serde::Deserialize;

/// The sources of variables that keep the code's default unless a value is passed on.
pub const FORWARDED_ENV: [&str; 4] = ["limit", "local:passed", "option", "rate"];

/// The declaration of the backend.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Declaration {
    /// The project's name, the first part of every resource's name.
    pub project: String,
    /// Tables by their short name.
    pub tables: BTreeMap<String, Table>,
    /// Buckets by their short name.
    #[serde(default)]
    pub buckets: BTreeMap<String, Bucket>,
    /// Variables of the C library, the same for every function.
    pub runtime_environment: BTreeMap<String, String>,
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
    /// What the table contains.
    pub description: String,
    /// Global secondary indexes by name.
    #[serde(default)]
    pub indexes: BTreeMap<String, Index>,
}

/// A global secondary index.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Index {
    /// The partition key, a text attribute.
    pub partition_key: String,
    /// The sort key, a text attribute.
    pub sort_key: String,
}

/// A bucket for objects.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bucket {
    /// What the bucket contains.
    pub description: String,
}

/// A function.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Function {
    /// The purpose of the function.
    pub description: String,
    /// The memory, which also determines the share of a processor.
    pub memory_mb: u32,
    /// The maximum time for one event, including the work after the response.
    pub timeout_s: u64,
    /// The variables, with the sources of their values.
    pub environment: BTreeMap<String, String>,
    /// The permissions of the function's role.
    pub permissions: Vec<Permission>,
}

/// A permission of a role.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Permission {
    /// The table.
    pub table: Option<String>,
    /// The index of the table.
    pub index: Option<String>,
    /// The bucket.
    pub bucket: Option<String>,
    /// The allowed `DynamoDB` or S3 actions.
    #[serde(default)]
    pub actions: Vec<String>,
    /// Limits the actions to items whose partition key matches one of these.
    #[serde(default)]
    pub leading_keys: Vec<String>,
    /// Limits the actions to objects whose key begins with one of these.
    #[serde(default)]
    pub prefixes: Vec<String>,
    /// Allows posting to and closing connections of the WebSocket API.
    #[serde(default)]
    pub manage_connections: bool,
    /// Allows signing with the signing key.
    #[serde(default)]
    pub sign: bool,
    /// Allows sending mail in the environment's name.
    #[serde(default)]
    pub send_mail: bool,
}

/// The HTTP API.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpApi {
    /// The routes, each with its function.
    pub routes: Vec<HttpRoute>,
}

/// A route of the HTTP API.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpRoute {
    /// The route key, such as `ANY /auth/{proxy+}`.
    pub route: String,
    /// The function's name.
    pub function: String,
}

/// The WebSocket API.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebSocketApi {
    /// The expression that selects a frame's route. The local stack supports `$request.body.<member>`.
    pub route_selection_expression: String,
    /// The routes.
    pub routes: Vec<WebSocketRoute>,
}

/// A route of the WebSocket API.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebSocketRoute {
    /// The route key, such as `$connect` or an action's name.
    pub route: String,
    /// The function's name.
    pub function: String,
    /// Whether the function's body is sent to the sender as a reply.
    pub route_response: bool,
}

/// Why the declaration cannot be used.
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

    /// The full name of a bucket in the local environment.
    pub fn bucket_name(&self, bucket: &str) -> String {
        format!("{}-local-{bucket}", self.project)
    }

    /// The full name of a table in the local environment.
    pub fn table_name(&self, table: &str) -> String {
        format!("{}-local-{table}", self.project)
    }
}

/// The root folder of the repository.
pub fn repository() -> &'static Path {
    static REPOSITORY: LazyLock<PathBuf> = LazyLock::new(|| {
        let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
        path.canonicalize().unwrap_or_else(|_| path.to_owned())
    });
    &REPOSITORY
}
