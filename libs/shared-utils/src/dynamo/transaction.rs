//! Transactions of named writes, and what became of each write.

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{ConditionCheck, Delete, Put, ReturnValuesOnConditionCheckFailure, TransactWriteItem};

use super::{Condition, Item, Key, StoreError, Update};
use crate::internal::Internal;

/// The item that a refused condition has found comes with every refusal.
const ALL_OLD: ReturnValuesOnConditionCheckFailure = ReturnValuesOnConditionCheckFailure::AllOld;

/// One write of a transaction: a put, an update, a delete or a check.
#[derive(Debug, Clone)]
pub struct TransactWrite(pub(super) TransactWriteItem);

/// Puts an item, whatever was there.
pub fn put(table: &str, item: Item) -> TransactWrite {
    put_with(table, item, None)
}

/// Puts an item where the condition holds.
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
    // Fails only without a table or an item, and both are here.
    TransactWrite(TransactWriteItem::builder().set_put(put.ok()).build())
}

/// Deletes an item, if there is one.
pub fn delete(table: &str, key: Key) -> TransactWrite {
    let delete = Delete::builder().table_name(table).set_key(Some(key.into_item())).build();
    TransactWrite(TransactWriteItem::builder().set_delete(delete.ok()).build())
}

/// Updates an item, or makes it.
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

/// Writes nothing: the condition must hold.
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

/// Writes that happen together or not at all, each under a name of the caller's choice. Several may have the same name.
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
    /// A transaction without writes.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a write. [`Outcome::refused`] tells by this name what became of it.
    pub fn add(&mut self, name: N, write: TransactWrite) {
        self.names.push(name);
        self.writes.push(write.0);
    }

    /// Adds writes of one name.
    pub fn add_all(&mut self, name: N, writes: impl IntoIterator<Item = TransactWrite>) {
        writes.into_iter().for_each(|write| self.add(name, write));
    }

    /// Whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.writes.is_empty()
    }

    /// Keeps the first `length` writes; the others.
    #[must_use]
    pub fn split_off(&mut self, length: usize) -> Self {
        let length = length.min(self.writes.len());
        Self { names: self.names.split_off(length), writes: self.writes.split_off(length) }
    }

    pub(super) fn writes(&self) -> Vec<TransactWriteItem> {
        self.writes.clone()
    }

    /// What became of it, from the answer of the service.
    pub(super) fn outcome<O>(&self, answer: Result<O, SdkError<TransactWriteItemsError>>) -> Result<Outcome<N>, StoreError> {
        let Err(error) = answer else { return Ok(Outcome::Committed) };
        let Some(results) = condition_results(&error) else { return Err(StoreError::from(error)) };
        let refusals: Vec<_> = self.names.iter().copied().zip(results).filter_map(|(name, result)| Some((name, result?))).collect();
        Ok(if refusals.is_empty() { Outcome::Contended } else { Outcome::Refused(refusals) })
    }
}

/// What became of a transaction.
#[derive(Debug)]
#[must_use]
pub enum Outcome<N> {
    /// All of it is written.
    Committed,
    /// Nothing is written: these writes had conditions that did not hold. With the item that was there, if there was one.
    Refused(Vec<(N, Option<Item>)>),
    /// Nothing is written: other transactions wrote the same items. It is worth trying again. [`super::Store::transact`] does, and
    /// never returns this.
    Contended,
}

/// What became of one write's condition.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Verdict<'a> {
    /// It held, or there was none.
    Held,
    /// It did not hold: there is no item.
    Absent,
    /// It did not hold for this item.
    Found(&'a Item),
}

impl<'a> Verdict<'a> {
    /// Whether the condition did not hold.
    pub fn is_refused(self) -> bool {
        self != Self::Held
    }

    /// The item for which it did not hold.
    pub fn item(self) -> Option<&'a Item> {
        match self {
            Self::Found(item) => Some(item),
            Self::Held | Self::Absent => None,
        }
    }
}

impl<N: Copy + PartialEq> Outcome<N> {
    /// Whether all of it is written.
    pub fn is_committed(&self) -> bool {
        matches!(self, Self::Committed)
    }

    /// What became of the condition of the write of this name; of several, the first that was refused.
    pub fn refused(&self, name: N) -> Verdict<'_> {
        let Self::Refused(refusals) = self else { return Verdict::Held };
        match refusals.iter().find(|(refused, _)| *refused == name) {
            None => Verdict::Held,
            Some((_, None)) => Verdict::Absent,
            Some((_, Some(item))) => Verdict::Found(item),
        }
    }

    /// For transactions without conditions that may fail, and for refusals that were all looked at: what is left is a fault of ours.
    pub fn require_committed(self) -> Result<(), StoreError> {
        match self {
            Self::Committed => Ok(()),
            Self::Refused(_) => Err(StoreError::Broken(Internal::new("a transaction was refused by a condition that no code looks at"))),
            Self::Contended => Err(StoreError::Contended),
        }
    }
}

/// What a condition that did not hold has found.
type Refused = Option<Item>;

/// One entry for each write of a cancelled transaction: what its condition found, if that did not hold. `None` when the call failed
/// otherwise.
fn condition_results(error: &SdkError<TransactWriteItemsError>) -> Option<Vec<Option<Refused>>> {
    let SdkError::ServiceError(service) = error else { return None };
    let TransactWriteItemsError::TransactionCanceledException(cancelled) = service.err() else { return None };
    let reasons = cancelled.cancellation_reasons();
    let known = ["None", "ConditionalCheckFailed", "TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"];
    // Anything else (a validation error) is a fault of ours and must not be tried again.
    if !reasons.iter().all(|reason| reason.code().is_none_or(|code| known.contains(&code))) {
        return None;
    }
    Some(reasons.iter().map(|reason| (reason.code() == Some("ConditionalCheckFailed")).then(|| reason.item.clone())).collect())
}
