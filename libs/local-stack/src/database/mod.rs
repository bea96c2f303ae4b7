//! `DynamoDB`: the embedded engine on its own runtime, behind a proxy that counts calls by caller and injects faults.

mod front;
mod items;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType, Projection, ProjectionType, ScalarAttributeType,
    TimeToLiveSpecification,
};
use shared_utils::aws::AwsConfig;
use tokio::net::TcpListener;

use crate::clock::StackClock;
use crate::declaration::Declaration;
use crate::faults::Faults;
use crate::records::Records;

pub(crate) use front::access_key;

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
        (records, faults): (Records, Faults),
        clock: StackClock,
    ) -> Result<Self, DatabaseError> {
        let handle = open(storage)?;
        let (engine, stop, thread) = start_engine(handle.clone(), clock)?;
        let endpoint = format!("http://{}", listener.local_addr().map_err(|error| DatabaseError::Start(error.to_string()))?);
        front::serve(listener, &engine, records, faults);
        let database = Self { endpoint, engine, handle, stop: Some(stop), thread: Some(thread) };
        database.make_tables(declaration).await.map_err(DatabaseError::Start)?;
        Ok(database)
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
fn start_engine(
    database: dynoxide::Database,
    clock: StackClock,
) -> Result<(String, tokio::sync::oneshot::Sender<()>, std::thread::JoinHandle<()>), DatabaseError> {
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
                    if clock.offset_ms() > 0 {
                        let _ = items::sweep_moved(&sweeper, &clock);
                    }
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
