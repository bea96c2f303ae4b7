//! What was answered under an `Idempotency-Key`, kept for a day. A record is written by the transaction that it tells of, so that there
//! is one exactly when that happened; an answer too long for one item has its rest in items of its own, written before.

use serde::{Deserialize, Serialize};
use shared_utils::clock::Timestamp;
use shared_utils::dynamo::{Item, PartitionQuery, StoreError, TransactWrite, from_item, to_item};
use shared_utils::http::Error;
use shared_utils::idempotency::{IdempotencyKey, IdempotencyRecord, KEPT_SECONDS};
use shared_utils::ids::{ProjectId, UserId};
use shared_utils::random;

use super::{ProjectStore, answer_key, answer_partition, idempotency_key};

/// How much of an answer goes into one item, in bytes.
const PART_BYTES: usize = 300 * 1024;

/// What a key is used for: one key means another thing for another of these.
#[derive(Debug, Clone, Copy)]
pub(crate) enum KeyScope {
    /// `POST /projects`
    Projects,
    /// `PATCH /projects/{id}/budget`
    Budget(ProjectId),
}

/// A person's idempotency key.
#[derive(Debug, Clone)]
pub(crate) struct UsedKey {
    pub(crate) user: UserId,
    pub(crate) scope: KeyScope,
    pub(crate) key: IdempotencyKey,
}

/// An answer that is to be kept.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) etag: String,
    /// JSON.
    pub(crate) body: String,
}

/// What was answered under a key.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Answered {
    pub(crate) project_id: ProjectId,
    pub(crate) etag: String,
    /// The answer's beginning as it is stored, the whole of it once it was read.
    pub(crate) body: String,
    /// Where its rest is, when it is longer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rest_id: Option<String>,
}

/// A part of an answer.
#[derive(Serialize, Deserialize)]
struct Part {
    body: String,
    ttl: i64,
}

/// A record that is about to be written.
pub(super) struct Record {
    /// Goes into the transaction.
    pub(super) write: TransactWrite,
    /// Written before it.
    pub(super) rest: Vec<Item>,
}

impl ProjectStore {
    /// What was answered under this key. [`Error::IdempotencyMismatch`] when the body was another. One round trip, two for an answer
    /// that did not fit into one item.
    pub(crate) async fn answered(&self, used: &UsedKey) -> Result<Option<Answered>, Error> {
        let Some(item) = self.store.get_item(&self.table, &idempotency_key(used)).await? else { return Ok(None) };
        self.replayed(used, item).await
    }

    /// The answer that a record holds, unless the record's time is over.
    pub(super) async fn replayed(&self, used: &UsedKey, record: Item) -> Result<Option<Answered>, Error> {
        let record = IdempotencyRecord::<Answered>::from_item(record)?;
        let Some(mut answered) = record.replay(&used.key, self.clock.now())? else { return Ok(None) };
        if let Some(rest) = &answered.rest_id {
            let query = PartitionQuery::all(&self.table, answer_partition(rest));
            for item in self.store.query_all(&query).await? {
                answered.body.push_str(&from_item::<Part>(item)?.body);
            }
        }
        Ok(Some(answered))
    }

    /// The record of an answer.
    pub(super) fn record(&self, used: &UsedKey, project: ProjectId, answer: &Answer, now: Timestamp) -> Result<Record, StoreError> {
        let ttl = now.seconds() + KEPT_SECONDS;
        let mut parts = parts(&answer.body).into_iter();
        let body = parts.next().unwrap_or_default().to_owned();
        let rest_id = (parts.len() > 0).then(random::secret);
        let mut rest = Vec::with_capacity(parts.len());
        for (index, part) in parts.enumerate() {
            let key = answer_key(rest_id.as_deref().unwrap_or_default(), index);
            // A day longer than the record, so that a record's parts are always there.
            rest.push(to_item(key, "answerPart", &Part { body: part.to_owned(), ttl: ttl + KEPT_SECONDS })?);
        }
        let answered = Answered { project_id: project, etag: answer.etag.clone(), body, rest_id };
        let write = IdempotencyRecord::new(&used.key, answered, now).write(&self.table, idempotency_key(used), now)?;
        Ok(Record { write, rest })
    }
}

/// A text in parts of at most [`PART_BYTES`], whole characters each.
fn parts(text: &str) -> Vec<&str> {
    let (mut parts, mut rest) = (Vec::new(), text);
    while rest.len() > PART_BYTES {
        let (part, behind) = rest.split_at(rest.floor_char_boundary(PART_BYTES));
        parts.push(part);
        rest = behind;
    }
    parts.push(rest);
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_split_response_is_joined_unchanged() {
        for text in ["", "short", &"ž".repeat(PART_BYTES), &"x".repeat(3 * PART_BYTES)] {
            let parts = parts(text);
            assert_eq!(parts.concat(), text);
            assert!(parts.iter().all(|part| part.len() <= PART_BYTES));
        }
    }
}
