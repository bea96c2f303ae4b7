//! The loss checker: writers and readers on a backend with random faults, and the check of their messages.

mod account;
mod history;
mod reader;
mod writer;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use fastrand::Rng;
use local_stack::config::Options;
use local_stack::faults::{Effect, Risk};
use serde_json::{Value, json};
use tokio::sync::watch;

use self::account::Account;
use self::history::{Acknowledged, History, Reading, Stored};
use self::reader::Reader;
use self::writer::Writer;
use crate::TestStack;

pub use self::history::Verdict;

/// The settings of a run.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The total number of messages.
    pub messages: u64,
    /// The number of people who write, each over a socket and over HTTP.
    pub writers: usize,
    /// The number of people who read.
    pub readers: usize,
    /// The seed of all random choices.
    pub seed: u64,
    /// Whether faults are injected.
    pub faults: bool,
}

/// The result of a run.
#[derive(Debug)]
pub struct Report {
    /// The errors.
    pub verdict: Verdict,
    /// The time from the first send to the last acknowledgement.
    pub took: Duration,
    /// The time from a send to its frame, in milliseconds: median, 99th percentile and maximum. The last value is the number of frames.
    pub latency: (f64, f64, f64, usize),
    /// How often each kind of fault occurred.
    pub faults: Vec<(&'static str, u64)>,
    /// The number of connections that readers opened, and of gaps that they found live and filled by catching up.
    pub readers: (u64, u64),
    /// The first responses that are not in the contract.
    pub refused: Vec<String>,
}

impl std::fmt::Display for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "{}", self.verdict)?;
        let per_second = f64::from(u32::try_from(self.verdict.acknowledged).unwrap_or(u32::MAX)) / self.took.as_secs_f64();
        writeln!(f, "in {:.0} s, {per_second:.0} a second", self.took.as_secs_f64())?;
        let (median, most, longest, frames) = self.latency;
        writeln!(f, "from a send to its frame: median {median:.1} ms, 99 % within {most:.1} ms, longest {longest:.1} ms, {frames} frames")?;
        writeln!(f, "readers opened {} connections and caught up with {} places that they had missed live", self.readers.0, self.readers.1)?;
        let faults: Vec<String> = self.faults.iter().map(|(name, count)| format!("{name} {count}")).collect();
        write!(f, "faults: {}", if faults.is_empty() { "none".to_owned() } else { faults.join(", ") })?;
        for why in &self.refused {
            write!(f, "\nrefused: {why}")?;
        }
        Ok(())
    }
}

/// A conversation.
#[derive(Debug, Clone)]
struct TestConversation {
    number: usize,
    id: String,
    /// The participants, by number.
    people: Vec<usize>,
}

/// The state that writers and readers share.
struct Shared {
    faults: bool,
    began: Mutex<HashMap<String, Instant>>,
    acknowledged: AtomicU64,
    refused: Mutex<Vec<String>>,
    over: watch::Sender<bool>,
}

impl Shared {
    fn began(&self, name: &str) {
        self.began.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), Instant::now());
    }

    fn when(&self, name: &str) -> Option<Instant> {
        self.began.lock().unwrap_or_else(PoisonError::into_inner).get(name).copied()
    }

    fn count_one(&self) {
        self.acknowledged.fetch_add(1, Ordering::Relaxed);
    }

    fn refuse(&self, why: String) {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner).push(why);
    }

    fn is_over(&self) -> bool {
        *self.over.borrow()
    }

    async fn over(&self) {
        let _ = self.over.subscribe().wait_for(|over| *over).await;
    }
}

/// The maximum clock offset of the functions' processes in either direction, in milliseconds.
const SKEW_MS: i64 = 4_000;

/// All random faults, with their frequency per million calls.
fn risks() -> Vec<Risk> {
    let risk = |action: Option<&str>, effect, per_million| Risk { function: None, action: action.map(str::to_owned), effect, per_million };
    let post = Some("PostToConnection");
    vec![
        risk(None, Effect::Throttle, 4_000),
        risk(None, Effect::ServerError, 3_000),
        risk(None, Effect::Delay(Duration::from_millis(40)), 3_000),
        risk(None, Effect::DropResponse, 2_000),
        risk(None, Effect::Kill, 300),
        // The call on which everything depends.
        risk(Some("TransactWriteItems"), Effect::DropResponse, 3_000),
        risk(Some("TransactWriteItems"), Effect::Kill, 700),
        risk(post, Effect::Gone, 1_000),
        risk(post, Effect::Throttle, 2_000),
        risk(post, Effect::ServerError, 1_000),
        risk(post, Effect::Delay(Duration::from_millis(60)), 1_000),
        risk(post, Effect::DropResponse, 1_000),
        risk(post, Effect::Kill, 100),
    ]
}

/// Runs writers and readers to the end, and checks the result. Calls `progress` at intervals with the number of acknowledged messages.
///
/// # Panics
/// If the backend does not start.
pub async fn run(settings: &Settings, progress: impl Fn(u64)) -> Report {
    let people = settings.writers.max(settings.readers).max(2);
    let skew_ms = if settings.faults { SKEW_MS } else { 0 };
    let options = Options { more_people: people, keep: false, seed: settings.seed, skew_ms, ..Options::for_tests() };
    let test_stack = TestStack::start_with(options).await;
    let http = reqwest::Client::new();
    let mut accounts = Vec::with_capacity(people);
    let mut first = Vec::with_capacity(people);
    for number in 1..=people {
        let person = test_stack.login(&format!("user{number:03}")).await;
        accounts.push(Arc::new(Account::new(&person, http.clone())));
        first.push(person);
    }
    let conversations = conversations(&test_stack, &first).await;
    let shared = Arc::new(Shared {
        faults: settings.faults,
        began: Mutex::default(),
        acknowledged: AtomicU64::new(0),
        refused: Mutex::default(),
        over: watch::Sender::new(false),
    });
    let readers = start_readers(settings, &accounts, &conversations, &shared).await;
    if settings.faults {
        test_stack.stack().faults.run_risks(settings.seed, risks());
    }
    let began = Instant::now();
    let renewals = renew_sessions(&accounts, &shared);
    let mut history = History { acknowledged: write_all(settings, &accounts, &conversations, &shared, progress).await, ..History::default() };
    let took = began.elapsed();
    let faults = test_stack.stack().faults.struck();
    test_stack.stack().faults.clear();
    let _ = shared.over.send(true);
    renewals.abort();
    test_stack.settled().await;
    let (mut latencies, mut totals) = (Vec::new(), (0, 0));
    for reader in readers {
        match reader.await {
            Ok(mut reader) => {
                // At the end, a reader fetches all missed messages over HTTP.
                if let Err(why) = reader.catch_up().await {
                    shared.refuse(why);
                }
                latencies.extend(reader.latencies);
                totals = (totals.0 + reader.connections, totals.1 + reader.missed);
                history.readings.push(reader.reading);
            }
            Err(error) => shared.refuse(error.to_string()),
        }
    }
    for conversation in &conversations {
        history.stored.push(stored(&accounts[conversation.people[0]], conversation).await.unwrap_or_else(|why| panic!("{why}")));
    }
    history.refused = std::mem::take(&mut *shared.refused.lock().unwrap_or_else(PoisonError::into_inner));
    let verdict = history.judge();
    history.refused.truncate(5);
    Report { verdict, took, latency: summary(latencies), faults, readers: totals, refused: history.refused }
}

/// Starts the readers, each with its own socket.
async fn start_readers(
    settings: &Settings,
    accounts: &[Arc<Account>],
    conversations: &[TestConversation],
    shared: &Arc<Shared>,
) -> Vec<tokio::task::JoinHandle<Reader>> {
    let mut readers = Vec::new();
    for (number, account) in accounts.iter().enumerate().take(settings.readers) {
        let own: Vec<&TestConversation> = conversations.iter().filter(|conversation| conversation.people.contains(&number)).collect();
        let mut reader = Reader {
            account: account.clone(),
            conversations: own.iter().map(|conversation| (conversation.id.clone(), conversation.number)).collect(),
            chance: Rng::with_seed(settings.seed ^ (0x5eed << 16) ^ number as u64),
            shared: shared.clone(),
            cursor: String::new(),
            reading: Reading { conversations: own.iter().map(|conversation| conversation.number).collect(), ..Reading::default() },
            latencies: Vec::new(),
            missed: 0,
            connections: 0,
        };
        reader.start().await.unwrap_or_else(|why| panic!("{why}"));
        readers.push(tokio::spawn(reader.read()));
    }
    readers
}

/// Starts two writers for each person, one over the socket and one over HTTP. Returns the acknowledged messages.
async fn write_all(
    settings: &Settings,
    accounts: &[Arc<Account>],
    conversations: &[TestConversation],
    shared: &Arc<Shared>,
    progress: impl Fn(u64),
) -> Vec<Acknowledged> {
    let mut writers = Vec::new();
    let count = settings.messages / (2 * settings.writers as u64);
    for number in 0..2 * settings.writers {
        let person = number / 2;
        let writer = Writer {
            number,
            account: accounts[person].clone(),
            conversations: conversations.iter().filter(|conversation| conversation.people.contains(&person)).cloned().collect(),
            chance: Rng::with_seed(settings.seed ^ (0x0a11 << 16) ^ number as u64),
            over_socket: number % 2 == 0,
            shared: shared.clone(),
        };
        writers.push(tokio::spawn(writer.write(count)));
    }
    let mut acknowledged = Vec::new();
    let mut watched = tokio::time::interval(Duration::from_secs(10));
    watched.tick().await;
    for mut writer in writers {
        let written = loop {
            tokio::select! {
                written = &mut writer => break written,
                _ = watched.tick() => progress(shared.acknowledged.load(Ordering::Relaxed)),
            }
        };
        match written {
            Ok(own) => acknowledged.extend(own),
            Err(error) => shared.refuse(error.to_string()),
        }
    }
    acknowledged
}

/// Renews all sessions for as long as the run lasts.
fn renew_sessions(accounts: &[Arc<Account>], shared: &Arc<Shared>) -> tokio::task::JoinHandle<()> {
    let (accounts, shared) = (accounts.to_vec(), shared.clone());
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(Duration::from_mins(4)).await;
            for account in &accounts {
                if let Err(why) = account.refresh().await {
                    shared.refuse(why);
                }
            }
        }
    })
}

/// Creates a project's conversation of everyone, groups of every second person, and direct conversations of pairs.
async fn conversations(test_stack: &TestStack, people: &[crate::Person]) -> Vec<TestConversation> {
    let mut conversations: Vec<TestConversation> = Vec::new();
    let mut add = |id: String, people: Vec<usize>| conversations.push(TestConversation { number: conversations.len(), id, people });
    let team: Vec<(&crate::Person, &str)> = people[1..].iter().map(|person| (person, "viewer")).collect();
    let project = test_stack.project(&people[0], "Atrium", &team).await;
    let opened = people[0].post("/messages/conversations", json!({"type": "project", "projectId": project})).await.expect(200);
    add(crate::text(&opened["conversationId"]), (0..people.len()).collect());
    for start in 0..2 {
        let members: Vec<usize> = (start..people.len()).step_by(2).collect();
        if members.len() > 1 {
            let ids: Vec<&str> = members.iter().map(|member| people[*member].id.as_str()).collect();
            let body = json!({"type": "group", "title": format!("Group {start}"), "participants": ids});
            let opened = people[members[0]].post("/messages/conversations", body).await.expect(201);
            add(crate::text(&opened["conversationId"]), members);
        }
    }
    for pair in people.windows(2).enumerate().step_by(2) {
        add(test_stack.direct(&pair.1[0], &pair.1[1]).await, vec![pair.0, pair.0 + 1]);
    }
    conversations
}

/// All messages of a conversation over HTTP, oldest first.
async fn stored(account: &Account, conversation: &TestConversation) -> Result<Vec<Stored>, String> {
    let mut all: Vec<Stored> = Vec::new();
    loop {
        let after = all.last().map_or(0, |message| message.seq);
        let path = format!("/messages/conversations/{}/messages?afterSeq={after}&limit=100", conversation.id);
        let (status, page) = account.until_read(&path).await?;
        let items = page["items"].as_array().ok_or_else(|| format!("a page was answered with {status}"))?;
        if items.is_empty() {
            return Ok(all);
        }
        let text = |message: &Value, name: &str| message[name].as_str().unwrap_or_default().to_owned();
        all.extend(items.iter().map(|message| Stored {
            seq: message["seq"].as_u64().unwrap_or_default(),
            optimistic_id: text(message, "optimisticId"),
            text: text(message, "text"),
            version: message["version"].as_u64().unwrap_or_default(),
        }));
    }
}

/// Median, 99th percentile and maximum in milliseconds, and the number of values.
fn summary(mut micros: Vec<u32>) -> (f64, f64, f64, usize) {
    micros.sort_unstable();
    let at =
        |share: usize| micros.get((micros.len() * share / 100).min(micros.len().saturating_sub(1))).map_or(0.0, |micros| f64::from(*micros) / 1e3);
    (at(50), at(99), at(100), micros.len())
}
