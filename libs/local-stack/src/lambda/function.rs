//! A function: sandboxes start on demand, stay warm, are limited in number, time out, end and are replaced.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::body::Bytes;
use serde_json::Value;
use shared_utils::clock::Clock;
use tokio::sync::{AcquireError, Notify, OwnedSemaphorePermit, Semaphore, oneshot};

use super::runtime_api::{Answer, Event};
use super::sandbox::{LineSink, Sandbox, built_at};
use crate::events::ACCOUNT;
use fastrand::Rng;

use crate::credentials::CredentialStore;
use crate::faults::Faults;
use crate::records::{EventRecord, Records, round_trips};

/// The maximum number of processes of one function. Further events wait.
const MAX_SANDBOXES: usize = 16;

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
    pub account: Arc<Semaphore>,
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

/// Why there is no response.
#[derive(Debug, thiserror::Error)]
pub enum InvokeError {
    /// The function reported an error, or its process ended.
    #[error("the function failed: {0}")]
    Failed(String),
    /// The function took longer than its time-out.
    #[error("the function timed out")]
    TimedOut,
}

/// The result of an event.
#[derive(Debug)]
pub struct Invocation {
    /// The function's response, as JSON.
    pub response: Value,
}

/// A function.
pub struct Function {
    name: String,
    binary: PathBuf,
    timeout: Duration,
    environment: BTreeMap<String, String>,
    credentials: CredentialStore,
    records: Records,
    faults: Faults,
    skew: Mutex<Rng>,
    most_skew_ms: i64,
    lines: LineSink,
    report: ReportSink,
    idle: Mutex<Vec<Sandbox>>,
    killers: Mutex<Vec<std::sync::Weak<Notify>>>,
    permits: Arc<Semaphore>,
    account: Arc<Semaphore>,
    busy: tokio::sync::watch::Sender<usize>,
    closed: AtomicBool,
}

impl Function {
    /// Creates a function. No process starts before the first event.
    pub fn new(options: FunctionOptions) -> Arc<Self> {
        let name_number = options.name.bytes().fold(0u64, |number, byte| number.wrapping_mul(31).wrapping_add(u64::from(byte)));
        Arc::new(Self {
            name: options.name,
            binary: options.binary,
            timeout: options.timeout,
            environment: options.environment,
            credentials: options.credentials,
            records: options.records,
            faults: options.faults,
            // Each function has its own draws, so the order in which functions start processes does not matter.
            skew: Mutex::new(Rng::with_seed(options.skew.seed ^ name_number)),
            most_skew_ms: options.skew.most_ms,
            lines: options.lines,
            report: options.report,
            idle: Mutex::new(Vec::new()),
            killers: Mutex::new(Vec::new()),
            permits: Arc::new(Semaphore::new(MAX_SANDBOXES)),
            account: options.account,
            busy: tokio::sync::watch::Sender::new(0),
            closed: AtomicBool::new(false),
        })
    }

    /// Returns the response to an event. The sandbox continues with its deferred work after the caller has the response. The event is also
    /// completed if the caller is gone.
    pub async fn invoke(self: &Arc<Self>, label: String, event: &Value) -> Result<Invocation, InvokeError> {
        let (function, event) = (self.clone(), event.to_string());
        let run = tokio::spawn(async move { function.run(label, event).await });
        run.await.unwrap_or_else(|error| Err(InvokeError::Failed(error.to_string())))
    }

    async fn run(self: Arc<Self>, label: String, event: String) -> Result<Invocation, InvokeError> {
        let started = Instant::now();
        let permits = self.permits().await.map_err(|error| InvokeError::Failed(error.to_string()))?;
        let occupied = Instant::now();
        let (mut sandbox, cold) = self.sandbox().await?;
        self.records.take(&sandbox.access_key);
        let asked = *sandbox.api.asked.borrow();
        let (answer, answered) = oneshot::channel();
        let deadline = Instant::now() + self.timeout;
        let event = Event {
            request_id: request_id(),
            payload: Bytes::from(event),
            arn: format!("arn:aws:lambda:local:{ACCOUNT}:function:{}:live", self.name),
            deadline_ms: Clock::System.now().millis() + i64::try_from(self.timeout.as_millis()).unwrap_or(i64::MAX / 2),
            answer,
        };
        if sandbox.api.events.send(event).await.is_err() {
            return Err(InvokeError::Failed("the sandbox is gone".to_owned()));
        }
        let mut ended = sandbox.ended.clone();
        let outcome = tokio::select! {
            answer = answered => match answer {
                Ok(Answer::Response(body)) => serde_json::from_slice(&body).map_err(|error| InvokeError::Failed(format!("its response is not JSON: {error}"))),
                Ok(Answer::Error(body)) => Err(InvokeError::Failed(String::from_utf8_lossy(&body).into_owned())),
                Err(_) => Err(InvokeError::Failed("the sandbox is gone".to_owned())),
            },
            _ = ended.wait_for(|ended| *ended) => Err(InvokeError::Failed("its process ended".to_owned())),
            () = tokio::time::sleep_until(deadline.into()) => Err(InvokeError::TimedOut),
        };
        let record = EventRecord {
            function: self.name.clone(),
            label,
            status: outcome
                .as_ref()
                .ok()
                .and_then(|response: &Value| response.get("statusCode")?.as_u64())
                .and_then(|status| u16::try_from(status).ok())
                .unwrap_or(500),
            cold,
            duration: started.elapsed(),
            occupied: occupied.elapsed(),
            calls: self.records.take(&sandbox.access_key),
            calls_after: Vec::new(),
        };
        (self.report)(&record);
        let gone = matches!(outcome, Err(InvokeError::TimedOut)) || sandbox.has_ended();
        if gone {
            self.records.event(record);
        } else {
            self.busy.send_modify(|busy| *busy += 1);
            let function = self.clone();
            tokio::spawn(async move {
                let done = sandbox.wait_until_asked(asked + 1, deadline.saturating_duration_since(Instant::now())).await;
                let calls_after = function.records.take(&sandbox.access_key);
                function.records.event(EventRecord { calls_after, occupied: occupied.elapsed(), ..record });
                if done {
                    function.idle.lock().unwrap_or_else(PoisonError::into_inner).push(sandbox);
                }
                // Only now may the next event take these permits.
                drop(permits);
                function.busy.send_modify(|busy| *busy -= 1);
            });
        }
        outcome.map(|response| Invocation { response })
    }

    /// Waits until the function and the account may handle one more event.
    async fn permits(&self) -> Result<[OwnedSemaphorePermit; 2], AcquireError> {
        let own = self.permits.clone().acquire_owned().await?;
        Ok([own, self.account.clone().acquire_owned().await?])
    }

    /// A warm sandbox of the current binary, or a new sandbox. `true` if it is new.
    async fn sandbox(&self) -> Result<(Sandbox, bool), InvokeError> {
        if self.closed.load(Ordering::SeqCst) {
            return Err(InvokeError::Failed("the stack has ended".to_owned()));
        }
        let built = built_at(&self.binary);
        loop {
            let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            match idle {
                // After a rebuild, processes of the old binary end.
                Some(sandbox) if sandbox.has_ended() || sandbox.built_at != built => {}
                Some(sandbox) => return Ok((sandbox, false)),
                None => break,
            }
        }
        let sandbox = Sandbox::start(&self.name, &self.binary, &self.own_environment(), self.credentials.issue(&self.name), self.lines.clone())
            .await
            .map_err(InvokeError::Failed)?;
        self.faults.may_kill(&sandbox.access_key, &sandbox.killer());
        let mut killers = self.killers.lock().unwrap_or_else(PoisonError::into_inner);
        killers.retain(|killer| killer.strong_count() > 0);
        killers.push(Arc::downgrade(&sandbox.killer()));
        Ok((sandbox, true))
    }

    /// The environment, without the variables that differ between sandboxes.
    pub fn environment(&self) -> &BTreeMap<String, String> {
        &self.environment
    }

    /// The environment of one process.
    fn own_environment(&self) -> BTreeMap<String, String> {
        let mut environment = self.environment.clone();
        if self.most_skew_ms > 0 {
            let draw = self.skew.lock().unwrap_or_else(PoisonError::into_inner).u64(..=2 * self.most_skew_ms.unsigned_abs());
            environment.insert("CLOCK_SKEW_MS".to_owned(), (draw.cast_signed() - self.most_skew_ms).to_string());
        }
        environment
    }

    /// Kills every process of the function, even during an event, for tests. The next event starts a new process.
    pub fn kill(&self) {
        for killer in self.killers.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            if let Some(killer) = killer.upgrade() {
                killer.notify_one();
            }
        }
    }

    /// Ends the function for good. Kills every process, and all further events fail.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
        self.kill();
    }

    /// Whether all output of the processes was read.
    pub(crate) fn is_silent(&self) -> bool {
        // A task that reads from a process holds the sink.
        Arc::strong_count(&self.lines) == 1
    }

    /// Waits until no sandbox is working, including the work after responses.
    pub async fn settled(&self) {
        let _ = self.busy.subscribe().wait_for(|busy| *busy == 0).await;
    }
}

pub(super) fn request_id() -> String {
    let bytes = shared_utils::random::bytes::<16>().map(|byte| format!("{byte:02x}")).concat();
    format!("{}-{}-{}-{}-{}", &bytes[..8], &bytes[8..12], &bytes[12..16], &bytes[16..20], &bytes[20..])
}

/// One line with the cost of an event.
pub(crate) fn line(record: &EventRecord) -> String {
    let temperature = if record.cold { "cold" } else { "warm" };
    let millis = record.duration.as_secs_f64() * 1000.0;
    format!(
        "{} {} → {} in {millis:.1} ms, {temperature}, {} calls of AWS in {} round trips",
        record.function,
        record.label,
        record.status,
        record.calls.len(),
        round_trips(&record.calls)
    )
}
