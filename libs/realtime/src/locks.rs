//! Locks of budget lines: who is editing what. Advisory: nothing is refused because of one. A lock belongs to a connection, lasts a
//! minute unless it is renewed, and is given back when its connection goes.
//!
//! | item | pk | sk |
//! | --- | --- | --- |
//! | lock | `LOCKS#<projectId>` | `LOCK#<revision>#<lineId>` |
//! | which locks a connection has taken | `CONNECTION#<id>` | `LOCK#<projectId>#<revision>#<lineId>` |

use aws_sdk_dynamodb::types::TransactWriteItem;
use futures_util::stream::{self, StreamExt};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use shared_utils::clock::{Clock, Timestamp};
use shared_utils::dynamo::{
    Expression, Key, PartitionQuery, Store, StoreError, TransactError, delete, delete_when, from_item, n, put, put_when, s, to_item,
};
use shared_utils::http::Error;
use shared_utils::ids::{ProjectId, UserId};

use crate::connections::Connection;

/// How long a lock is held without being renewed, in seconds.
const HOLD_SECONDS: i64 = 60;
/// Locks given back at once when a connection goes.
const CONCURRENCY: usize = 8;

/// A budget line in a revision. The id is the client's word: a lock on a line that is not there is taken all the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LinePlace {
    /// The budget's project.
    pub project_id: ProjectId,
    /// The revision's number.
    pub revision: u64,
    /// The line.
    pub line_id: String,
}

impl LinePlace {
    /// `lineUnlocked`, by whoever held it.
    pub fn unlocked_frame(&self, user: UserId) -> Value {
        json!({"action": "lineUnlocked", "projectId": self.project_id, "lineId": self.line_id, "revision": self.revision, "userId": user})
    }
}

/// A lock of a budget line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LineLock {
    /// What is locked.
    #[serde(flatten)]
    pub place: LinePlace,
    /// Who edits it.
    pub user_id: UserId,
    /// Until when, unless it is renewed or given back.
    pub expires_at: Timestamp,
    connection_id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tab_id: Option<String>,
}

impl LineLock {
    /// As a budget lists it.
    pub fn to_json(&self) -> Value {
        json!({"lineId": self.place.line_id, "revision": self.place.revision, "userId": self.user_id, "expiresAt": self.expires_at})
    }

    /// `lineLocked`, also when it was renewed.
    pub fn locked_frame(&self) -> Value {
        let mut frame = self.to_json();
        frame["action"] = json!("lineLocked");
        frame["projectId"] = json!(self.place.project_id);
        frame
    }
}

fn locks_partition(project: ProjectId) -> String {
    format!("LOCKS#{project}")
}

fn lock_key(place: &LinePlace) -> Key {
    Key::new(locks_partition(place.project_id), format!("LOCK#{:010}#{}", place.revision, place.line_id))
}

fn taken_key(connection_id: &str, place: &LinePlace) -> Key {
    Key::new(format!("CONNECTION#{connection_id}"), format!("LOCK#{}#{:010}#{}", place.project_id, place.revision, place.line_id))
}

/// The table's locks.
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

    /// Takes or renews a lock. [`Error::Conflict`] while another connection holds it, unless that is an earlier one of the same tab.
    /// One round trip.
    pub async fn take(&self, connection: &Connection, place: LinePlace) -> Result<LineLock, Error> {
        let now = self.clock.now();
        let lock = LineLock {
            place,
            user_id: connection.user_id,
            expires_at: now.plus_seconds(HOLD_SECONDS),
            connection_id: connection.connection_id.clone(),
            tab_id: connection.tab_id.clone(),
        };
        let ttl = n(lock.expires_at.seconds());
        let mut item = to_item(lock_key(&lock.place), "lineLock", &lock)?;
        item.insert("ttl".to_owned(), ttl.clone());
        let mut taken = to_item(taken_key(&lock.connection_id, &lock.place), "takenLock", &lock)?;
        // As long as the connection at most: renewed, it is written again.
        taken.insert("ttl".to_owned(), ttl);
        let mut free = "attribute_not_exists(pk) OR expiresAt <= :now OR connectionId = :connection".to_owned();
        if lock.tab_id.is_some() {
            free.push_str(" OR (userId = :user AND tabId = :tab)");
        }
        let mut free = Expression::new(free).value(":now", s(now)).value(":connection", s(&lock.connection_id));
        if let Some(tab) = &lock.tab_id {
            free = free.value(":user", s(lock.user_id)).value(":tab", s(tab));
        }
        match self.store.transact(vec![put_when(&self.table, item, free), put(&self.table, taken, None)]).await {
            Ok(()) => Ok(lock),
            Err(TransactError::Refused(_)) => Err(Error::Conflict("Someone else is editing this line.".into())),
            Err(error) => Err(error.into()),
        }
    }

    /// Gives a lock back; one that nobody holds is as good as given back. [`Error::Conflict`] when it is another's. One round trip.
    pub async fn give_back(&self, connection_id: &str, place: &LinePlace) -> Result<(), Error> {
        match self.store.transact(self.return_writes(connection_id, place)).await {
            Ok(()) => Ok(()),
            Err(TransactError::Refused(_)) => Err(Error::Conflict("Someone else is editing this line.".into())),
            Err(error) => Err(error.into()),
        }
    }

    /// Gives back every lock of a connection that is gone; those that were its own until now.
    pub async fn give_all_back(&self, connection_id: &str) -> Result<Vec<LineLock>, Error> {
        let partition = ("pk", format!("CONNECTION#{connection_id}"));
        let range = Some(("sk", "LOCK#".to_owned(), "LOCK$".to_owned()));
        let query = PartitionQuery { table: &self.table, index: None, partition, range, descending: false, limit: None };
        let taken = self.store.query_all(&query).await?.into_iter().map(from_item).collect::<Result<Vec<LineLock>, _>>()?;
        let given_back = stream::iter(taken)
            .map(|lock| async move {
                match self.give_back(connection_id, &lock.place).await {
                    Ok(()) => Some(lock),
                    // Taken over meanwhile: it was not this connection's any more.
                    Err(Error::Conflict(_)) => None,
                    Err(error) => {
                        tracing::warn!(cause = error.cause(), "a lock could not be given back; it expires by itself");
                        None
                    }
                }
            })
            .buffer_unordered(CONCURRENCY)
            .filter_map(std::future::ready)
            .collect()
            .await;
        Ok(given_back)
    }

    fn return_writes(&self, connection_id: &str, place: &LinePlace) -> Vec<TransactWriteItem> {
        let own = Expression::new("attribute_not_exists(pk) OR connectionId = :connection OR expiresAt <= :now")
            .value(":connection", s(connection_id))
            .value(":now", s(self.clock.now()));
        vec![delete_when(&self.table, lock_key(place), own), delete(&self.table, taken_key(connection_id, place), None)]
    }

    /// The locks that are held in a project's budget, by revision and line. One round trip.
    pub async fn of_project(&self, project: ProjectId) -> Result<Vec<LineLock>, StoreError> {
        let partition = ("pk", locks_partition(project));
        let query = PartitionQuery { table: &self.table, index: None, partition, range: None, descending: false, limit: None };
        let now = self.clock.now();
        let locks = self.store.query_all(&query).await?.into_iter().map(from_item::<LineLock>).collect::<Result<Vec<_>, _>>()?;
        Ok(locks.into_iter().filter(|lock| lock.expires_at > now).collect())
    }
}
