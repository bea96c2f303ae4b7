//! `DynamoDB`: the embedded engine on its own runtime, behind a proxy that counts calls by caller and injects faults.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType, Projection, ProjectionType, ScalarAttributeType,
    TimeToLiveSpecification,
};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use shared_utils::aws::AwsConfig;
use tokio::net::TcpListener;

use crate::declaration::Declaration;
use crate::faults::{Effect, Faults, lost};
use crate::records::{Capacity, Records};

/// Where the data is stored.
#[derive(Debug, Clone)]
pub enum Storage {
    /// In memory, until the process ends.
    Memory,
    /// In this file.
    File(PathBuf),
}

/// Why the database did not start.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// The file is not a database, or cannot be opened.
    #[error("the database file {path} cannot be opened ({reason}): move it away and start again, or name another folder with LOCAL_DIR")]
    File {
        /// The file.
        path: PathBuf,
        /// The reason.
        reason: String,
    },
    /// Any other failure.
    #[error("the embedded database did not start: {0}")]
    Start(String),
}

/// A running database.
pub struct Database {
    /// The address of the proxy: `http://127.0.0.1:<port>`.
    pub endpoint: String,
    /// The address of the engine itself, without the proxy.
    pub engine: String,
    handle: dynoxide::Database,
    stop: Option<tokio::sync::oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Database {
    /// Starts the engine, serves the proxy on `listener`, and creates missing tables.
    pub async fn start(
        declaration: &Declaration,
        storage: Storage,
        listener: TcpListener,
        records: Records,
        faults: Faults,
    ) -> Result<Self, DatabaseError> {
        let handle = open(storage)?;
        let (engine, stop, thread) = start_engine(handle.clone())?;
        let endpoint = format!("http://{}", listener.local_addr().map_err(|error| DatabaseError::Start(error.to_string()))?);
        let front = Front { engine: Arc::from(engine.as_str()), client: Client::builder(TokioExecutor::new()).build_http(), records, faults };
        let router = Router::new().fallback(forward).layer(DefaultBodyLimit::max(16 * 1024 * 1024)).with_state(front);
        tokio::spawn(async move {
            let _ = axum::serve(listener, router).await;
        });
        let database = Self { endpoint, engine, handle, stop: Some(stop), thread: Some(thread) };
        database.make_tables(declaration).await.map_err(DatabaseError::Start)?;
        Ok(database)
    }

    /// Writes items (in `DynamoDB`'s JSON) in one transaction, in place of those with the same keys. Much faster than requests: for benchmarks.
    pub fn import(&self, table: &str, items: Vec<Value>) -> Result<(), String> {
        let items = items.into_iter().map(serde_json::from_value).collect::<Result<_, _>>().map_err(|error| error.to_string())?;
        self.handle.import_items(table, items, dynoxide::ImportOptions::default()).map_err(|error| error.to_string())?;
        Ok(())
    }

    /// The items of a partition, in `DynamoDB`'s JSON: at most 1 MB.
    pub fn partition(&self, table: &str, partition: &str) -> Result<Vec<Value>, String> {
        let query = json!({
            "TableName": table,
            "KeyConditionExpression": "pk = :pk",
            "ExpressionAttributeValues": {":pk": {"S": partition}},
        });
        let query = serde_json::from_value(query).map_err(|error| error.to_string())?;
        let found = self.handle.query(query).map_err(|error| error.to_string())?;
        found.items.into_iter().flatten().map(|item| serde_json::to_value(item).map_err(|error| error.to_string())).collect()
    }

    async fn make_tables(&self, declaration: &Declaration) -> Result<(), String> {
        let client = AwsConfig::local(&self.endpoint).dynamodb();
        for (short, table) in &declaration.tables {
            let name = declaration.table_name(short);
            let mut attributes = vec!["pk".to_owned(), "sk".to_owned()];
            let mut create =
                client.create_table().table_name(&name).billing_mode(BillingMode::PayPerRequest).set_key_schema(Some(key_schema("pk", "sk")?));
            for (index_name, index) in &table.indexes {
                attributes.extend([index.partition_key.clone(), index.sort_key.clone()]);
                let index = GlobalSecondaryIndex::builder()
                    .index_name(index_name)
                    .set_key_schema(Some(key_schema(&index.partition_key, &index.sort_key)?))
                    .projection(Projection::builder().projection_type(ProjectionType::All).build())
                    .build()
                    .map_err(|error| error.to_string())?;
                create = create.global_secondary_indexes(index);
            }
            for attribute in attributes {
                let definition = AttributeDefinition::builder().attribute_name(attribute).attribute_type(ScalarAttributeType::S).build();
                create = create.attribute_definitions(definition.map_err(|error| error.to_string())?);
            }
            match create.send().await {
                Ok(_) => {
                    let ttl = TimeToLiveSpecification::builder().attribute_name("ttl").enabled(true).build().map_err(|error| error.to_string())?;
                    let set = client.update_time_to_live().table_name(&name).time_to_live_specification(ttl).send().await;
                    set.map_err(|error| aws_sdk_dynamodb::error::DisplayErrorContext(error).to_string())?;
                }
                Err(error)
                    if error
                        .as_service_error()
                        .is_some_and(aws_sdk_dynamodb::operation::create_table::CreateTableError::is_resource_in_use_exception) => {}
                Err(error) => return Err(aws_sdk_dynamodb::error::DisplayErrorContext(error).to_string()),
            }
        }
        Ok(())
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn key_schema(partition: &str, sort: &str) -> Result<Vec<KeySchemaElement>, String> {
    [(partition, KeyType::Hash), (sort, KeyType::Range)]
        .into_iter()
        .map(|(name, kind)| KeySchemaElement::builder().attribute_name(name).key_type(kind).build().map_err(|error| error.to_string()))
        .collect()
}

fn open(storage: Storage) -> Result<dynoxide::Database, DatabaseError> {
    match storage {
        Storage::Memory => dynoxide::Database::memory().map_err(|error| DatabaseError::Start(error.to_string())),
        Storage::File(path) => {
            dynoxide::Database::new(&path.to_string_lossy()).map_err(|error| DatabaseError::File { path, reason: error.to_string() })
        }
    }
}

/// Runs the engine on its own thread and runtime, because it blocks its thread. Returns its address, a way to stop it, and the thread.
fn start_engine(database: dynoxide::Database) -> Result<(String, tokio::sync::oneshot::Sender<()>, std::thread::JoinHandle<()>), DatabaseError> {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).map_err(|error| DatabaseError::Start(error.to_string()))?;
    let address = listener.local_addr().map_err(|error| DatabaseError::Start(error.to_string()))?;
    listener.set_nonblocking(true).map_err(|error| DatabaseError::Start(error.to_string()))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| DatabaseError::Start(error.to_string()))?;
    let (stop, stopped) = tokio::sync::oneshot::channel();
    let thread = std::thread::spawn(move || {
        runtime.block_on(async move {
            let Ok(listener) = TcpListener::from_std(listener) else { return };
            // The engine does not delete expired items by itself.
            let sweeper = database.clone();
            let sweep = async move {
                let mut rest = SWEEP;
                loop {
                    tokio::time::sleep(rest).await;
                    let began = Instant::now();
                    let _ = sweeper.sweep_ttl();
                    // A sweep reads every item, and requests wait for it. In a large database, not one request in a hundred may meet one.
                    rest = SWEEP.max(began.elapsed() * 500);
                }
            };
            // A graceful end would wait for every idle connection of every client.
            tokio::select! {
                () = dynoxide::server::serve_on(listener, database) => {}
                () = sweep => {}
                _ = stopped => {}
            }
        });
    });
    Ok((format!("http://{address}"), stop, thread))
}

/// The minimum time between two sweeps, which delete expired items.
const SWEEP: Duration = Duration::from_secs(2);

#[derive(Clone)]
struct Front {
    engine: Arc<str>,
    client: Client<HttpConnector, Full<Bytes>>,
    records: Records,
    faults: Faults,
}

/// The caller of a request: the access key in its signature. Every sandbox has its own access key.
pub(crate) fn access_key(headers: &HeaderMap) -> String {
    let authorization = headers.get("authorization").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let key = authorization.split_once("Credential=").and_then(|(_, rest)| rest.split('/').next());
    key.unwrap_or_default().to_owned()
}

async fn forward(State(front): State<Front>, uri: Uri, method: axum::http::Method, headers: HeaderMap, body: Bytes) -> Response {
    let started = Instant::now();
    let target = headers.get("x-amz-target").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let action = target.rsplit('.').next().unwrap_or_default().to_owned();
    let effect = if action.is_empty() { None } else { front.faults.strike(&action) };
    let pass = || pass(&front, &action, (&uri, &method, headers.clone()), body.clone());
    let failed = |response| (response, Capacity::default());
    let (response, capacity) = match effect {
        Some(Effect::Throttle | Effect::Gone) => failed(error(400, "ProvisionedThroughputExceededException")),
        Some(Effect::Deny) => failed(error(400, "AccessDeniedException")),
        Some(Effect::ServerError) => failed(error(500, "InternalServerError")),
        Some(Effect::Delay(delay)) => {
            tokio::time::sleep(delay).await;
            pass().await
        }
        Some(Effect::DropResponse) => (lost(), pass().await.1),
        Some(Effect::Kill) => {
            let passed = pass().await;
            front.faults.kill(&access_key(&headers));
            // The process is killed before it receives the response.
            tokio::time::sleep(Duration::from_millis(20)).await;
            passed
        }
        None => pass().await,
    };
    front.records.call(&access_key(&headers), action, &body, (response.status().as_u16(), capacity), started);
    response
}

/// The start of member names that the engine's JSON parser treats specially. For a table, they are ordinary names.
const RESERVED: &str = "$serde_json::";
/// The start that the engine stores instead.
const ESCAPED: &str = "$serde_json::~";

/// Replaces every `from` in a body. `None` if the body does not contain `from`.
fn replaced(body: &[u8], from: &str, to: &str) -> Option<Bytes> {
    let text = std::str::from_utf8(body).ok()?;
    text.contains(from).then(|| Bytes::from(text.replace(from, to)))
}

/// A request that asks for the consumed capacity. The functions do not ask, and their SDK ignores it in the response.
fn with_capacity(body: &Bytes) -> Bytes {
    match body.strip_prefix(b"{") {
        Some(rest) if rest != b"}" => [b"{\"ReturnConsumedCapacity\":\"TOTAL\",", rest].concat().into(),
        _ => body.clone(),
    }
}

/// Passes a request to the engine. Returns its response, and the consumed capacity if events are kept.
async fn pass(
    front: &Front,
    action: &str,
    (uri, method, mut headers): (&Uri, &axum::http::Method, HeaderMap),
    mut body: Bytes,
) -> (Response, Capacity) {
    // Actions on tables have no such member.
    let is_measured = front.records.keeps() && (action.ends_with("Item") || action.ends_with("Items") || action == "Query");
    if is_measured {
        body = with_capacity(&body);
    }
    if let Some(escaped) = replaced(&body, RESERVED, ESCAPED) {
        body = escaped;
    }
    headers.remove("content-length");
    let path = uri.path_and_query().map_or("/", axum::http::uri::PathAndQuery::as_str);
    let failed = || (error(500, "InternalServerError"), Capacity::default());
    let Ok(mut request) = http::Request::builder().method(method).uri(format!("{}{path}", front.engine)).body(Full::new(body)) else {
        return failed();
    };
    *request.headers_mut() = headers;
    let Ok(response) = front.client.request(request).await else { return failed() };
    let (mut parts, body) = response.into_parts();
    let Ok(body) = body.collect().await.map(http_body_util::Collected::to_bytes) else { return failed() };
    let capacity = if is_measured { Capacity::of_response(action, &body) } else { Capacity::default() };
    let response = match replaced(&body, ESCAPED, RESERVED) {
        Some(original) => {
            parts.headers.remove("content-length");
            parts.headers.remove("x-amz-crc32");
            Response::from_parts(parts, Body::from(original))
        }
        None => Response::from_parts(parts, Body::from(body)),
    };
    (response, capacity)
}

fn error(status: u16, code: &str) -> Response {
    let body = json!({"__type": format!("com.amazonaws.dynamodb.v20120810#{code}"), "message": "a fault that was asked for"});
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (status, [("content-type", "application/x-amz-json-1.0")], body.to_string()).into_response()
}
