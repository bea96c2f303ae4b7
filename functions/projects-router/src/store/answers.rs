//! Stored responses of `Idempotency-Key` requests, kept for one day. The record is part of the request's own transaction, so it exists only if the
//! write was committed. A response that is too long for one item is split; the further parts are written before the transaction.

use serde::{Deserialize, Serialize};
use shared_utils::clock::Timestamp;
use shared_utils::dynamo::{Item, PartitionQuery, StoreError, TransactWrite, from_item, to_item};
use shared_utils::http::Error;
use shared_utils::idempotency::{IdempotencyKey, IdempotencyRecord, KEPT_SECONDS};
use shared_utils::ids::{ProjectId, UserId};
use shared_utils::random;

use super::{ProjectStore, answer_key, answer_partition, idempotency_key};

/// The maximum size of one part of a response, in bytes.
const PART_BYTES: usize = 300 * 1024;

/// The operation that a key is used for. Equal keys in different scopes are independent.
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

/// A response to store.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) etag: String,
    /// JSON text.
    pub(crate) body: String,
}

/// A stored response.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Answered {
    pub(crate) project_id: ProjectId,
    pub(crate) etag: String,
    /// The first part of the body as stored. After a read: the whole body.
    pub(crate) body: String,
    /// The id of the further parts, if there are any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rest_id: Option<String>,
}

/// A further part of a response body.
#[derive(Serialize, Deserialize)]
struct Part {
    body: String,
    ttl: i64,
}

/// A record that is ready to be written.
pub(super) struct Record {
    /// The record itself, part of the transaction.
    pub(super) write: TransactWrite,
    /// The further parts, written before the transaction.
    pub(super) rest: Vec<Item>,
}

impl ProjectStore {
    /// The stored response of this key. [`Error::IdempotencyMismatch`] if the body was different. One round trip; two if the response has more than
    /// one part.
    pub(crate) async fn answered(&self, used: &UsedKey) -> Result<Option<Answered>, Error> {
        let Some(item) = self.store.get_item(&self.table, &idempotency_key(used)).await? else { return Ok(None) };
        self.replayed(used, item).await
    }

    /// The response in a record, unless the record has expired.
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

    /// Builds the record of a response.
    pub(super) fn record(&self, used: &UsedKey, project: ProjectId, answer: &Answer, now: Timestamp) -> Result<Record, StoreError> {
        let ttl = now.seconds() + KEPT_SECONDS;
        let mut parts = parts(&answer.body).into_iter();
        let body = parts.next().unwrap_or_default().to_owned();
        let rest_id = (parts.len() > 0).then(random::secret);
        let mut rest = Vec::with_capacity(parts.len());
        for (index, part) in parts.enumerate() {
            let key = answer_key(rest_id.as_deref().unwrap_or_default(), index);
            // Parts expire one day after the record, so a valid record always has its parts.
            rest.push(to_item(key, "answerPart", &Part { body: part.to_owned(), ttl: ttl + KEPT_SECONDS })?);
        }
        let answered = Answered { project_id: project, etag: answer.etag.clone(), body, rest_id };
        let write = IdempotencyRecord::new(&used.key, answered, now).write(&self.table, idempotency_key(used), now)?;
        Ok(Record { write, rest })
    }
}

/// Splits a text into parts of at most [`PART_BYTES`], at character boundaries.
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
