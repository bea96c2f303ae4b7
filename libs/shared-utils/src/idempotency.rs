//! Records of idempotency keys: what a request with a key came to, kept for a day. A record is written by the transaction that it tells
//! of, so there is one exactly when that was committed.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::dynamo::{Condition, Item, Key, StoreError, TransactWrite, from_item, put_if, to_item};

/// How long a record is kept, in seconds.
pub const KEPT_SECONDS: i64 = 86_400;

/// A client's key, with the digest of the body that came with it.
#[derive(Debug, Clone)]
pub struct IdempotencyKey {
    /// As the client sent it.
    pub key: String,
    /// What a repetition is compared by.
    pub digest: String,
}

/// The key was used with another body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the key was used with another body")]
pub struct IdempotencyMismatch;

/// What a request with a key came to.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct IdempotencyRecord<T> {
    #[serde(flatten)]
    value: T,
    digest: String,
    ttl: i64,
}

impl<T: Serialize + DeserializeOwned> IdempotencyRecord<T> {
    /// A record of this request.
    pub fn new(key: &IdempotencyKey, value: T, now: Timestamp) -> Self {
        Self { value, digest: key.digest.clone(), ttl: now.seconds() + KEPT_SECONDS }
    }

    /// Writes the record, unless there is one that has not expired.
    pub fn write(&self, table: &str, item_key: Key, now: Timestamp) -> Result<TransactWrite, StoreError> {
        Ok(put_if(table, to_item(item_key, "idempotency", self)?, Condition::absent_or_expired(now)))
    }

    /// Reads a record's item.
    pub fn from_item(item: Item) -> Result<Self, StoreError> {
        from_item(item)
    }

    /// What the request came to. `None` when the record's time is over: the service deletes it later.
    pub fn replay(self, key: &IdempotencyKey, now: Timestamp) -> Result<Option<T>, IdempotencyMismatch> {
        if self.ttl < now.seconds() {
            return Ok(None);
        }
        if self.digest == key.digest { Ok(Some(self.value)) } else { Err(IdempotencyMismatch) }
    }
}
