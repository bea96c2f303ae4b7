//! Transactions of named writes, and the result of each write.

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{ConditionCheck, Delete, Put, ReturnValuesOnConditionCheckFailure, TransactWriteItem};

use super::{Condition, Item, Key, StoreError, Update};
use crate::internal::Internal;

/// Every refusal returns the item for which the condition did not hold.
const ALL_OLD: ReturnValuesOnConditionCheckFailure = ReturnValuesOnConditionCheckFailure::AllOld;

/// One write of a transaction: a put, an update, a delete or a check.
#[derive(Debug, Clone)]
pub struct TransactWrite(pub(super) TransactWriteItem);

/// Puts an item, and replaces an existing one.
pub fn put(table: &str, item: Item) -> TransactWrite {
    put_with(table, item, None)
}

/// Puts an item if the condition holds.
pub fn put_if(table: &str, item: Item, condition: impl Into<Condition>) -> TransactWrite {
    put_with(table, item, Some(condition.into()))
}

fn put_with(table: &str, item: Item, condition: Option<Condition>) -> TransactWrite {
    let put = Put::builder()
        .table_name(table)
        .set_item(Some(item))
        .set_expression_attribute_names(condition.as_ref().and_then(Condition::names))
        .set_expression_attribute_values(condition.as_ref().and_then(Condition::values))
        .set_condition_expression(condition.map(|condition| condition.text))
        .return_values_on_condition_check_failure(ALL_OLD)
        .build();
    // The build fails only without a table or an item, and both are set.
    TransactWrite(TransactWriteItem::builder().set_put(put.ok()).build())
}

/// Deletes an item, if there is one.
pub fn delete(table: &str, key: Key) -> TransactWrite {
    delete_with(table, key, None)
}

/// Deletes an item if the condition holds.
pub fn delete_if(table: &str, key: Key, condition: impl Into<Condition>) -> TransactWrite {
    delete_with(table, key, Some(condition.into()))
}

fn delete_with(table: &str, key: Key, condition: Option<Condition>) -> TransactWrite {
    let delete = Delete::builder()
        .table_name(table)
        .set_key(Some(key.into_item()))
        .set_expression_attribute_names(condition.as_ref().and_then(Condition::names))
        .set_expression_attribute_values(condition.as_ref().and_then(Condition::values))
        .set_return_values_on_condition_check_failure(condition.as_ref().map(|_| ALL_OLD))
        .set_condition_expression(condition.map(|condition| condition.text))
        .build();
    TransactWrite(TransactWriteItem::builder().set_delete(delete.ok()).build())
}

/// Updates an item, or creates it.
pub fn update(table: &str, key: Key, update: Update) -> TransactWrite {
    let update = aws_sdk_dynamodb::types::Update::builder()
        .table_name(table)
        .set_key(Some(key.into_item()))
        .set_expression_attribute_names(update.names())
        .set_expression_attribute_values(update.values())
        .update_expression(update.text)
        .set_condition_expression(update.condition)
        .return_values_on_condition_check_failure(ALL_OLD)
        .build();
    TransactWrite(TransactWriteItem::builder().set_update(update.ok()).build())
}

/// Checks that the condition holds, and writes nothing.
pub fn check(table: &str, key: Key, condition: impl Into<Condition>) -> TransactWrite {
    let condition: Condition = condition.into();
    let check = ConditionCheck::builder()
        .table_name(table)
        .set_key(Some(key.into_item()))
        .set_expression_attribute_names(condition.names())
        .set_expression_attribute_values(condition.values())
        .condition_expression(condition.text)
        .return_values_on_condition_check_failure(ALL_OLD)
        .build();
    TransactWrite(TransactWriteItem::builder().set_condition_check(check.ok()).build())
}

/// Writes that are committed together or not at all. The caller names each write, and several writes may have the same name.
#[derive(Debug, Clone)]
pub struct Transaction<N> {
    names: Vec<N>,
    writes: Vec<TransactWriteItem>,
}

impl<N> Default for Transaction<N> {
    fn default() -> Self {
        Self { names: Vec::new(), writes: Vec::new() }
    }
}

impl<N: Copy + PartialEq> Transaction<N> {
    /// Creates a transaction without writes.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a write. [`Outcome::refused`] returns its result by this name.
    pub fn add(&mut self, name: N, write: TransactWrite) {
        self.names.push(name);
        self.writes.push(write.0);
    }

    /// Adds several writes under one name.
    pub fn add_all(&mut self, name: N, writes: impl IntoIterator<Item = TransactWrite>) {
        writes.into_iter().for_each(|write| self.add(name, write));
    }

    /// Whether the transaction has no writes.
    pub fn is_empty(&self) -> bool {
        self.writes.is_empty()
    }

    /// Keeps the first `length` writes, and returns the others.
    #[must_use]
    pub fn split_off(&mut self, length: usize) -> Self {
        let length = length.min(self.writes.len());
        Self { names: self.names.split_off(length), writes: self.writes.split_off(length) }
    }

    pub(super) fn writes(&self) -> Vec<TransactWriteItem> {
        self.writes.clone()
    }

    /// Converts the response of the service to an outcome.
    pub(super) fn outcome<O>(&self, answer: Result<O, SdkError<TransactWriteItemsError>>) -> Result<Outcome<N>, StoreError> {
        let Err(error) = answer else { return Ok(Outcome::Committed) };
        let Some(results) = condition_results(&error) else { return Err(StoreError::from(error)) };
        let refusals: Vec<_> = self.names.iter().copied().zip(results).filter_map(|(name, result)| Some((name, result?))).collect();
        Ok(if refusals.is_empty() { Outcome::Contended } else { Outcome::Refused(refusals) })
    }
}

/// The outcome of a transaction.
#[derive(Debug)]
#[must_use]
pub enum Outcome<N> {
    /// All writes are committed.
    Committed,
    /// Nothing is written. These are the writes whose conditions did not hold, each with the existing item, if any.
    Refused(Vec<(N, Option<Item>)>),
    /// Nothing is written, because other transactions wrote the same items. A retry may succeed. [`super::Store::transact`] retries, and never
    /// returns this.
    Contended,
}

/// The result of one write's condition.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Verdict<'a> {
    /// The condition held, or there was none.
    Held,
    /// The condition did not hold: there is no item.
    Absent,
    /// The condition did not hold for this item.
    Found(&'a Item),
}

impl<'a> Verdict<'a> {
    /// Whether the condition did not hold.
    pub fn is_refused(self) -> bool {
        self != Self::Held
    }

    /// The item for which the condition did not hold.
    pub fn item(self) -> Option<&'a Item> {
        match self {
            Self::Found(item) => Some(item),
            Self::Held | Self::Absent => None,
        }
    }
}

impl<N: Copy + PartialEq> Outcome<N> {
    /// Whether all writes are committed.
    pub fn is_committed(&self) -> bool {
        matches!(self, Self::Committed)
    }

    /// The result of the condition of the write of this name. Of several such writes, the first refused one counts.
    pub fn refused(&self, name: N) -> Verdict<'_> {
        let Self::Refused(refusals) = self else { return Verdict::Held };
        match refusals.iter().find(|(refused, _)| *refused == name) {
            None => Verdict::Held,
            Some((_, None)) => Verdict::Absent,
            Some((_, Some(item))) => Verdict::Found(item),
        }
    }

    /// Fails unless the transaction is committed. For conditions that cannot fail, and after all refusals were handled: any other refusal is a bug.
    pub fn require_committed(self) -> Result<(), StoreError> {
        match self {
            Self::Committed => Ok(()),
            Self::Refused(_) => Err(StoreError::Broken(Internal::new("a transaction was refused by a condition that no code looks at"))),
            Self::Contended => Err(StoreError::Contended),
        }
    }
}

/// The existing item, if any, for which a condition did not hold.
type Refused = Option<Item>;

/// One entry for each write of a cancelled transaction: the existing item if the condition did not hold. `None` if the call failed for
/// another reason.
fn condition_results(error: &SdkError<TransactWriteItemsError>) -> Option<Vec<Option<Refused>>> {
    let SdkError::ServiceError(service) = error else { return None };
    let TransactWriteItemsError::TransactionCanceledException(cancelled) = service.err() else { return None };
    let reasons = cancelled.cancellation_reasons();
    let known = ["None", "ConditionalCheckFailed", "TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"];
    // Any other code (a validation error) is a bug of ours and must not be retried.
    if !reasons.iter().all(|reason| reason.code().is_none_or(|code| known.contains(&code))) {
        return None;
    }
    Some(reasons.iter().map(|reason| (reason.code() == Some("ConditionalCheckFailed")).then(|| reason.item.clone())).collect())
}
