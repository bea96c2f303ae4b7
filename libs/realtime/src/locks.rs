//! Locks of budget lines: who edits which line. They are advisory: no write is refused because of a lock. A lock belongs to a connection and
//! expires after a minute unless renewed. When its connection ends, it is released, or moves to the connection that replaces it.
//!
//! A released lock's item stays for an hour. So every change of the lock gets a later `at` than the previous one, even if the clocks of two
//! functions differ.
//!
//! | item | pk | sk |
//! | --- | --- | --- |
//! | lock | `LOCKS#<projectId>` | `LOCK#<revision>#<lineId>` |
//! | lock that a connection has taken | `CONNECTION#<id>` | `LOCK#<projectId>#<revision>#<lineId>` |

use access::session::Session;
use aws_sdk_dynamodb::types::AttributeValue;
use futures_util::stream::{self, StreamExt};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use shared_utils::clock::{Clock, Timestamp};
use shared_utils::dynamo::{
    Attempt, Condition, Key, PartitionQuery, RetryPolicy, Store, StoreError, Transaction, Update, Verdict, delete, from_item, n, put, put_if,
    retry_on_conflict, s, to_item, update,
};
use shared_utils::ids::{ProjectId, UserId};
use shared_utils::refusal::Refusal;

use crate::Error;
use crate::connections::Connection;
use crate::lock_frames::{LineLockView, LockFrame};

/// Lifetime of a lock without renewal, in seconds.
const HOLD_SECONDS: i64 = 60;
/// How long an item stays after its lock has ended, in seconds.
const KEPT_SECONDS: i64 = 3_600;
/// Number of locks released concurrently when a connection ends.
const CONCURRENCY: usize = 8;

/// A budget line in a revision. The client sends the id, and nothing checks that the line exists.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LineKey {
    /// The budget's project.
    pub project_id: ProjectId,
    /// The revision's number.
    pub revision: u64,
    /// The line.
    pub line_id: String,
}

/// A lock of a budget line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LineLock {
    /// The locked line.
    #[serde(flatten)]
    pub place: LineKey,
    /// Who edits it.
    pub user_id: UserId,
    /// When it expires, unless renewed or released.
    pub expires_at: Timestamp,
    /// When it was last taken, renewed or released. Of two frames about one line, the later one is valid.
    pub at: Timestamp,
    /// Whether it was released.
    #[serde(default)]
    released: bool,
    connection_id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tab_id: Option<String>,
}

impl LineLock {
    /// The lock as listed in a budget.
    pub fn view(&self) -> LineLockView {
        let LineKey { revision, line_id, .. } = self.place.clone();
        LineLockView { line_id, revision, user_id: self.user_id, expires_at: self.expires_at, at: self.at }
    }

    /// Whether the lock is held.
    fn is_held(&self, now: Timestamp) -> bool {
        !self.released && self.expires_at > now
    }

    /// The `lineLocked` frame, also for a renewal.
    pub fn locked_frame(&self) -> Value {
        json!(LockFrame::LineLocked { project_id: self.place.project_id, lock: self.view() })
    }
}

/// A released lock.
#[derive(Debug, Clone)]
pub struct ReleasedLock {
    /// The line that was locked.
    pub place: LineKey,
    /// Who held it.
    pub user_id: UserId,
    /// When it was released.
    pub at: Timestamp,
}

impl ReleasedLock {
    /// The `lineUnlocked` frame.
    pub fn frame(&self) -> Value {
        let LineKey { project_id, revision, line_id } = self.place.clone();
        json!(LockFrame::LineUnlocked { project_id, line_id, revision, user_id: self.user_id, at: self.at })
    }
}

/// The condition that a change of a lock is later than the previous one.
const IS_LATER: &str = "(attribute_not_exists(#at) OR #at < :at)";

fn locks_partition(project: ProjectId) -> String {
    format!("LOCKS#{project}")
}

fn lock_key(place: &LineKey) -> Key {
    Key::new(locks_partition(place.project_id), format!("LOCK#{:010}#{}", place.revision, place.line_id))
}

fn taken_key(connection_id: &str, place: &LineKey) -> Key {
    Key::new(format!("CONNECTION#{connection_id}"), format!("LOCK#{}#{:010}#{}", place.project_id, place.revision, place.line_id))
}

/// The writes that change a lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Write {
    Lock,
    /// The connection's record of the lock.
    Taken,
    /// The record of the connection that held the lock before.
    TakenBefore,
}

/// Reads and writes locks.
#[derive(Clone, Debug)]
pub struct Locks {
    store: Store,
    table: String,
    clock: Clock,
}

impl Locks {
    /// The locks in the connections table.
    pub fn new(store: Store, table: String, clock: Clock) -> Self {
        Self { store, table, clock }
    }

    /// Takes or renews a lock. [`Error::LineTaken`] while another connection holds it, unless that is an earlier connection of the same tab. One
    /// round trip.
    pub async fn take(&self, _session: &Session, connection: &Connection, place: LineKey) -> Result<LineLock, Error> {
        let now = self.clock.now();
        let first = LineLock {
            place,
            user_id: connection.user_id,
            expires_at: now.plus_seconds(HOLD_SECONDS),
            at: now,
            released: false,
            connection_id: connection.connection_id.clone(),
            tab_id: connection.tab_id.clone(),
        };
        let mut free = "attribute_not_exists(pk) OR released = :yes OR expiresAt <= :now OR connectionId = :connection".to_owned();
        if first.tab_id.is_some() {
            free.push_str(" OR (userId = :user AND tabId = :tab)");
        }
        let free = free.as_str();
        retry_on_conflict(RetryPolicy::Single, first, |mut lock| async move {
            let mut item = to_item(lock_key(&lock.place), "lineLock", &lock)?;
            item.insert("ttl".to_owned(), n(lock.expires_at.seconds() + KEPT_SECONDS));
            let mut taken = to_item(taken_key(&lock.connection_id, &lock.place), "takenLock", &lock)?;
            // The record expires with the lock. A renewal writes it again.
            taken.insert("ttl".to_owned(), n(lock.expires_at.seconds()));
            let mut condition = Condition::new(format!("({free}) AND {IS_LATER}"))
                .name("#at", "at")
                .value(":at", s(lock.at))
                .value(":now", s(now))
                .value(":yes", AttributeValue::Bool(true))
                .value(":connection", s(&lock.connection_id));
            if let Some(tab) = &lock.tab_id {
                condition = condition.value(":user", s(lock.user_id)).value(":tab", s(tab));
            }
            let mut take = Transaction::new();
            take.add(Write::Lock, put_if(&self.table, item, condition));
            take.add(Write::Taken, put(&self.table, taken));
            let outcome = self.store.transact(&take).await?;
            let Verdict::Found(found) = outcome.refused(Write::Lock) else {
                outcome.require_committed()?;
                return Ok(Attempt::Done(lock));
            };
            let found: LineLock = from_item(found.clone())?;
            let is_own =
                found.connection_id == lock.connection_id || (found.user_id == lock.user_id && lock.tab_id.is_some() && found.tab_id == lock.tab_id);
            if found.is_held(now) && !is_own {
                return Err(Error::LineTaken);
            }
            lock.at = lock.at.max(found.at.plus_millis(1));
            Ok(Attempt::Refused(lock))
        })
        .await
    }

    /// Releases a lock of a connection, or of an earlier connection of its tab. `None` when the lock is not held. [`Error::LineTaken`] when
    /// another connection holds it. One round trip.
    pub async fn release(&self, _session: &Session, connection: &Connection, place: &LineKey) -> Result<Option<ReleasedLock>, Error> {
        self.release_of(&connection.connection_id, connection.user_id, connection.tab_id.as_deref(), place).await
    }

    async fn release_of(&self, connection_id: &str, user_id: UserId, tab_id: Option<&str>, place: &LineKey) -> Result<Option<ReleasedLock>, Error> {
        let now = self.clock.now();
        let own = if tab_id.is_some() { "(connectionId = :connection OR (userId = :user AND tabId = :tab))" } else { "connectionId = :connection" };
        retry_on_conflict(RetryPolicy::Single, now, |at| async move {
            let released = Update::new("SET released = :yes, #at = :at, #ttl = :ttl")
                .when(format!("{own} AND released = :no AND {IS_LATER}"))
                .name("#at", "at")
                .name("#ttl", "ttl")
                .value(":yes", AttributeValue::Bool(true))
                .value(":no", AttributeValue::Bool(false))
                .value(":at", s(at))
                .value(":ttl", n(now.seconds() + KEPT_SECONDS))
                .value(":connection", s(connection_id));
            let released = match tab_id {
                Some(tab) => released.value(":user", s(user_id)).value(":tab", s(tab)),
                None => released,
            };
            let mut release = Transaction::new();
            release.add(Write::Lock, update(&self.table, lock_key(place), released));
            release.add(Write::Taken, delete(&self.table, taken_key(connection_id, place)));
            let outcome = self.store.transact(&release).await?;
            let found: LineLock = match outcome.refused(Write::Lock) {
                Verdict::Found(found) => from_item(found.clone())?,
                Verdict::Absent => return Ok(Attempt::Done(None)),
                Verdict::Held => {
                    outcome.require_committed()?;
                    return Ok(Attempt::Done(Some(ReleasedLock { place: place.clone(), user_id, at })));
                }
            };
            let is_own = found.connection_id == connection_id || (found.user_id == user_id && tab_id.is_some() && found.tab_id.as_deref() == tab_id);
            if !is_own {
                return if found.is_held(now) { Err(Error::LineTaken) } else { Ok(Attempt::Done(None)) };
            }
            if found.released {
                return Ok(Attempt::Done(None));
            }
            Ok(Attempt::Refused(at.max(found.at.plus_millis(1))))
        })
        .await
    }

    /// Releases every lock of a connection that is gone. Returns those that it still held.
    pub async fn release_all(&self, connection_id: &str) -> Result<Vec<ReleasedLock>, Error> {
        let released = stream::iter(self.taken_by(connection_id).await?)
            .map(|lock| async move {
                match self.release_of(connection_id, lock.user_id, None, &lock.place).await {
                    Ok(released) => released,
                    // Another connection took the lock over in the meantime.
                    Err(Error::LineTaken) => None,
                    Err(error) => {
                        tracing::warn!(cause = Refusal::from(error).cause(), "a lock could not be released; it expires by itself");
                        None
                    }
                }
            })
            .buffer_unordered(CONCURRENCY)
            .filter_map(std::future::ready)
            .collect()
            .await;
        Ok(released)
    }

    /// Moves every lock of a connection to the one that replaces it. No frame is sent, because the person is the same.
    pub async fn hand_over(&self, from: &str, to: &Connection) -> Result<(), Error> {
        let now = self.clock.now();
        let handed = self.taken_by(from).await?.into_iter().map(|lock| async move {
            let moved = Update::new("SET connectionId = :to")
                .when("connectionId = :from AND released = :no AND expiresAt > :now")
                .value(":to", s(&to.connection_id))
                .value(":from", s(from))
                .value(":no", AttributeValue::Bool(false))
                .value(":now", s(now));
            let mut taken = to_item(
                taken_key(&to.connection_id, &lock.place),
                "takenLock",
                &LineLock { connection_id: to.connection_id.clone(), ..lock.clone() },
            )?;
            taken.insert("ttl".to_owned(), n(lock.expires_at.seconds()));
            let note = taken_key(from, &lock.place);
            let mut hand_over = Transaction::new();
            hand_over.add(Write::Lock, update(&self.table, lock_key(&lock.place), moved));
            hand_over.add(Write::Taken, put(&self.table, taken));
            hand_over.add(Write::TakenBefore, delete(&self.table, note.clone()));
            if !self.store.transact(&hand_over).await?.is_committed() {
                // The tab has already renewed the lock, or the lock has ended. The old connection's record is obsolete.
                self.store.delete_item(&self.table, note).await?;
            }
            Ok(())
        });
        futures_util::future::try_join_all(handed).await.map(|_| ())
    }

    /// The locks that a connection has taken and not released.
    async fn taken_by(&self, connection_id: &str) -> Result<Vec<LineLock>, StoreError> {
        let range = Some(("sk", "LOCK#".to_owned(), "LOCK$".to_owned()));
        let query = PartitionQuery { range, ..PartitionQuery::all(&self.table, format!("CONNECTION#{connection_id}")) };
        self.store.query_all(&query).await?.into_iter().map(from_item).collect()
    }

    /// The held locks of a project's budget, by revision and line. One round trip.
    pub async fn of_project(&self, project: ProjectId) -> Result<Vec<LineLock>, StoreError> {
        let query = PartitionQuery::all(&self.table, locks_partition(project));
        let now = self.clock.now();
        let locks = self.store.query_all(&query).await?.into_iter().map(from_item::<LineLock>).collect::<Result<Vec<_>, _>>()?;
        Ok(locks.into_iter().filter(|lock| lock.is_held(now)).collect())
    }
}
