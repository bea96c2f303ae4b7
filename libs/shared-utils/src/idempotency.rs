//! Idempotency records: the result of a request with a key, kept for a day. The transaction of the request writes the record, so a record
//! exists exactly when the transaction was committed.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::dynamo::{Condition, Item, Key, StoreError, TransactWrite, from_item, put_if, to_item};

/// How long a record is kept, in seconds.
pub const KEPT_SECONDS: i64 = 86_400;

/// A client's key, with the digest of the body that came with it.
#[derive(Debug, Clone)]
pub struct IdempotencyKey {
    /// The key as the client sent it.
    pub key: String,
    /// The digest with which a repeated request is compared.
    pub digest: String,
}

/// The key was used with another body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the key was used with another body")]
pub struct IdempotencyMismatch;

/// The stored result of a request with a key.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct IdempotencyRecord<T> {
    #[serde(flatten)]
    value: T,
    digest: String,
    ttl: i64,
}

impl<T: Serialize + DeserializeOwned> IdempotencyRecord<T> {
    /// Creates a record of this request.
    pub fn new(key: &IdempotencyKey, value: T, now: Timestamp) -> Self {
        Self { value, digest: key.digest.clone(), ttl: now.seconds() + KEPT_SECONDS }
    }

    /// Writes the record, unless a record exists that has not expired.
    pub fn write(&self, table: &str, item_key: Key, now: Timestamp) -> Result<TransactWrite, StoreError> {
        Ok(put_if(table, to_item(item_key, "idempotency", self)?, Condition::absent_or_expired(now)))
    }

    /// Reads a record's item.
    pub fn from_item(item: Item) -> Result<Self, StoreError> {
        from_item(item)
    }

    /// The stored result. `None` if the record has expired: the service deletes it later.
    pub fn replay(self, key: &IdempotencyKey, now: Timestamp) -> Result<Option<T>, IdempotencyMismatch> {
        if self.ttl < now.seconds() {
            return Ok(None);
        }
        if self.digest == key.digest { Ok(Some(self.value)) } else { Err(IdempotencyMismatch) }
    }
}
