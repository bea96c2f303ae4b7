//! The options of a function.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::account::Account;
use super::sandbox::LineSink;
use crate::clock::StackClock;
use crate::credentials::CredentialStore;
use crate::faults::Faults;
use crate::records::{EventRecord, Records};

/// Receives one record per event.
pub type ReportSink = Arc<dyn Fn(&EventRecord) + Send + Sync>;

/// The options of a function.
pub struct FunctionOptions {
    /// The name.
    pub name: String,
    /// The binary.
    pub binary: PathBuf,
    /// The maximum time for one event, including the work after the response.
    pub timeout: Duration,
    /// The events that all functions of the account may handle at once.
    pub account: Account,
    /// The clock of the functions.
    pub clock: StackClock,
    /// The environment, without the variables that differ between sandboxes.
    pub environment: BTreeMap<String, String>,
    /// Gives each process its credentials.
    pub credentials: CredentialStore,
    /// The records of the events.
    pub records: Records,
    /// The faults that may kill the processes.
    pub faults: Faults,
    /// The clock offsets of the processes.
    pub skew: Skew,
    /// Receives the log lines: the function's name, then the line.
    pub lines: LineSink,
    /// Receives one record per event.
    pub report: ReportSink,
}

/// The clock offsets of a function's processes.
#[derive(Debug, Clone, Copy, Default)]
pub struct Skew {
    /// The seed of the offsets.
    pub seed: u64,
    /// The maximum offset in either direction, in milliseconds.
    pub most_ms: i64,
}
