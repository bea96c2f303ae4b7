//! A function: sandboxes start on demand, stay warm, are limited in number, time out, end and are replaced.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use axum::body::Bytes;
use fastrand::Rng;
use serde_json::{Value, json};
use shared_utils::clock::{Clock, Timestamp};
use tokio::sync::{AcquireError, Notify, OwnedSemaphorePermit, Semaphore, oneshot};

use super::account::{Account, Admission};
use super::invocation::{Invocation, InvokeError, status_of};
use super::options::{FunctionOptions, ReportSink};
use super::runtime_api::{Answer, Event};
use super::sandbox::{LineSink, Sandbox, built_at};
use crate::clock::StackClock;
use crate::credentials::CredentialStore;
use crate::events::ACCOUNT;
use crate::faults::Faults;
use crate::feed;
use crate::records::{EventRecord, Records};

/// The maximum number of processes of one function. Further events wait.
const MAX_SANDBOXES: usize = 16;

/// Counts an event as being handled, from its arrival to the end of the work after its response.
struct Busy(tokio::sync::watch::Sender<usize>);

impl Busy {
    fn new(function: &Function) -> Self {
        function.busy.send_modify(|busy| *busy += 1);
        Self(function.busy.clone())
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.send_modify(|busy| *busy -= 1);
    }
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
    account: Account,
    clock: StackClock,
    starts: AtomicU64,
    /// The times of the binaries that were started.
    builds: Mutex<BTreeSet<SystemTime>>,
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
            clock: options.clock,
            starts: AtomicU64::new(0),
            builds: Mutex::new(BTreeSet::new()),
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
        let (started, payload) = (Instant::now(), Bytes::from(event));
        let noted = feed::Event::new(&self.name, &label, payload.clone(), self.clock.now());
        let (request_id, feed) = (noted.request_id.clone(), self.records.feed().clone());
        let (id, busy) = (feed.begin(noted), Busy::new(&self));
        let outcome = self.handle((label, request_id, payload), (id, busy), started).await;
        if let Err(error) = &outcome {
            feed.failed(id, started.elapsed(), error.to_string());
        }
        outcome.map(|response| Invocation { response })
    }

    /// Has a sandbox handle an event. `id` is the event's number in the feed.
    async fn handle(
        self: Arc<Self>,
        (label, request_id, payload): (String, String, Bytes),
        (id, busy): (u64, Busy),
        started: Instant,
    ) -> Result<Value, InvokeError> {
        let feed = self.records.feed();
        let permits = self.permits().await.map_err(|error| InvokeError::Failed(error.to_string()))?;
        let occupied = Instant::now();
        let (mut sandbox, cold) = self.sandbox().await?;
        self.records.begin(&sandbox.access_key);
        feed.runs(id, &sandbox.access_key, started.elapsed(), cold);
        let asked = *sandbox.api.asked.borrow();
        let (answer, answered) = oneshot::channel();
        let deadline = Instant::now() + self.timeout;
        let event = Event {
            request_id,
            payload,
            arn: format!("arn:aws:lambda:local:{ACCOUNT}:function:{}:live", self.name),
            deadline_ms: Clock::System.now().millis() + i64::try_from(self.timeout.as_millis()).unwrap_or(i64::MAX / 2),
            answer,
        };
        if sandbox.api.events.send(event).await.is_err() {
            feed.finished(&sandbox.access_key, id, self.records.end(&sandbox.access_key));
            return Err(InvokeError::Failed("the sandbox is gone".to_owned()));
        }
        let mut ended = sandbox.ended.clone();
        let answer = tokio::select! {
            answer = answered => match answer {
                Ok(Answer::Response(body)) => Ok(body),
                Ok(Answer::Error(body)) => Err(InvokeError::Failed(String::from_utf8_lossy(&body).into_owned())),
                Err(_) => Err(InvokeError::Failed("the sandbox is gone".to_owned())),
            },
            _ = ended.wait_for(|ended| *ended) => Err(InvokeError::Failed("its process ended".to_owned())),
            () = tokio::time::sleep_until(deadline.into()) => Err(InvokeError::TimedOut),
        };
        let outcome = answer
            .as_ref()
            .map_err(Clone::clone)
            .and_then(|body| serde_json::from_slice(body).map_err(|error| InvokeError::Failed(format!("its response is not JSON: {error}"))));
        let record = EventRecord {
            function: self.name.clone(),
            label,
            status: status_of(&outcome),
            cold,
            duration: started.elapsed(),
            occupied: occupied.elapsed(),
            calls: self.records.take(&sandbox.access_key),
            calls_after: Vec::new(),
        };
        (self.report)(&record);
        let (status, duration, calls) = (record.status, record.duration, record.calls.clone());
        feed.answered(id, feed::Outcome { status, duration, answer: answer.map_err(|error| error.to_string()), calls });
        if matches!(outcome, Err(InvokeError::TimedOut)) || sandbox.has_ended() {
            feed.finished(&sandbox.access_key, id, self.records.end(&sandbox.access_key));
            self.records.event(record);
        } else {
            let function = self.clone();
            tokio::spawn(async move {
                let done = sandbox.wait_until_asked(asked + 1, deadline.saturating_duration_since(Instant::now())).await;
                let calls_after = function.records.end(&sandbox.access_key);
                function.records.feed().finished(&sandbox.access_key, id, calls_after.clone());
                function.records.event(EventRecord { calls_after, occupied: occupied.elapsed(), ..record });
                if done {
                    function.idle.lock().unwrap_or_else(PoisonError::into_inner).push(sandbox);
                }
                // Only now may the next event take these permits.
                drop(permits);
                drop(busy);
            });
        }
        outcome
    }

    /// Waits until the function and the account may handle one more event.
    async fn permits(&self) -> Result<(OwnedSemaphorePermit, Admission), AcquireError> {
        let own = self.permits.clone().acquire_owned().await?;
        Ok((own, self.account.acquire().await?))
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
                // Processes of a binary that was built anew, or of another time, end.
                Some(sandbox) if sandbox.has_ended() || sandbox.built_at != built || sandbox.clock_offset_ms != self.clock.offset_ms() => {}
                Some(sandbox) => return Ok((sandbox, false)),
                None => break,
            }
        }
        let (offset, credentials) = (self.clock.offset_ms(), self.credentials.issue(&self.name));
        let environment = self.own_environment(offset);
        let sandbox = Sandbox::start(&self.name, &self.binary, (&environment, offset), credentials, self.lines.clone()).await;
        let sandbox = sandbox.map_err(InvokeError::Failed)?;
        self.starts.fetch_add(1, Ordering::Relaxed);
        self.builds.lock().unwrap_or_else(PoisonError::into_inner).extend(built);
        self.faults.register(&sandbox.access_key, &self.name, &sandbox.killer());
        let mut killers = self.killers.lock().unwrap_or_else(PoisonError::into_inner);
        killers.retain(|killer| killer.strong_count() > 0);
        killers.push(Arc::downgrade(&sandbox.killer()));
        Ok((sandbox, true))
    }

    /// The environment, without the variables that differ between sandboxes.
    pub fn environment(&self) -> &BTreeMap<String, String> {
        &self.environment
    }

    /// The environment of one process, when the stack's clock has this offset.
    fn own_environment(&self, clock_offset_ms: i64) -> BTreeMap<String, String> {
        let mut environment = self.environment.clone();
        let mut skew = clock_offset_ms;
        if self.most_skew_ms > 0 {
            let draw = self.skew.lock().unwrap_or_else(PoisonError::into_inner).u64(..=2 * self.most_skew_ms.unsigned_abs());
            skew += draw.cast_signed() - self.most_skew_ms;
        }
        if skew != 0 {
            environment.insert("CLOCK_SKEW_MS".to_owned(), skew.to_string());
        }
        environment
    }

    /// What runs: `{"name": "auth-router", "binary": "…", "builtAt": "…", "builds": 1, "starts": 3, "warm": 2, "busy": 0}`. `builds` counts the binaries that
    /// were started since the stack began.
    pub(crate) fn describe(&self) -> Value {
        let built = built_at(&self.binary).and_then(timestamp);
        json!({
            "name": self.name,
            "binary": self.binary,
            "builtAt": built,
            "runningBuiltAt": self.running_build(),
            "builds": self.builds.lock().unwrap_or_else(PoisonError::into_inner).len(),
            "starts": self.starts.load(Ordering::Relaxed),
            "warm": self.idle.lock().unwrap_or_else(PoisonError::into_inner).len(),
            "busy": *self.busy.borrow(),
        })
    }

    /// When the binary was built that was started last.
    fn running_build(&self) -> Option<Timestamp> {
        self.builds.lock().unwrap_or_else(PoisonError::into_inner).last().copied().and_then(timestamp)
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

fn timestamp(time: SystemTime) -> Option<Timestamp> {
    let millis = time.duration_since(SystemTime::UNIX_EPOCH).ok()?.as_millis();
    i64::try_from(millis).ok().map(Timestamp::from_millis)
}
