//! The parts of a transaction, and why one did not happen.

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{ConditionCheck, Delete, Put, ReturnValuesOnConditionCheckFailure, TransactWriteItem, Update};

use super::{Expression, Item, Key, StoreError, n};
use crate::clock::Timestamp;
use crate::http::{Error, Internal};

/// How one action of a cancelled transaction fared.
#[derive(Debug, Clone)]
pub enum Verdict {
    /// It would have gone through.
    Fine,
    /// Its condition did not hold; the item as it was, if there was one and it was asked for.
    ConditionFailed(Option<Item>),
}

/// Why a transaction did not happen.
#[derive(Debug, thiserror::Error)]
pub enum TransactError {
    /// Conditions did not hold: one verdict per action, in order.
    #[error("the transaction's conditions did not hold")]
    Refused(Vec<Verdict>),
    /// Nothing was wrong but that other transactions were at the same items: it is worth trying again.
    #[error("the transaction met others")]
    Contended,
    /// The table is busy or broken.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl TransactError {
    /// Whether the action at `index` had a condition that did not hold, and the item it met.
    pub fn refused_at(&self, index: usize) -> Option<Option<&Item>> {
        match self {
            Self::Refused(verdicts) => match verdicts.get(index) {
                Some(Verdict::ConditionFailed(item)) => Some(item.as_ref()),
                _ => None,
            },
            Self::Contended | Self::Store(_) => None,
        }
    }
}

impl From<TransactError> for Error {
    /// For transactions whose refusals were all looked at: one that is left is a fault of ours.
    fn from(error: TransactError) -> Self {
        match error {
            TransactError::Refused(_) => Self::internal("a transaction was refused by a condition that no code looks at"),
            TransactError::Contended => Self::Unavailable(Internal::new("a transaction kept meeting others")),
            TransactError::Store(error) => error.into(),
        }
    }
}

/// A put as a part of a transaction.
pub fn put(table: &str, item: Item, condition: Option<&str>) -> TransactWriteItem {
    let put = Put::builder()
        .table_name(table)
        .set_item(Some(item))
        .set_condition_expression(condition.map(str::to_owned))
        .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
        .build();
    // Fails only without a table or an item, and both are here.
    TransactWriteItem::builder().set_put(put.ok()).build()
}

/// A put with a condition that has names and values.
pub fn put_when(table: &str, item: Item, condition: Expression) -> TransactWriteItem {
    let put = Put::builder()
        .table_name(table)
        .set_item(Some(item))
        .set_expression_attribute_names(condition.names())
        .set_expression_attribute_values(condition.values())
        .condition_expression(condition.text)
        .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
        .build();
    TransactWriteItem::builder().set_put(put.ok()).build()
}

/// The condition of a put that only an item whose time is not over may stop: the service deletes expired items days later.
pub fn absent_or_expired(now: Timestamp) -> Expression {
    Expression::new("attribute_not_exists(pk) OR #ttl < :now").name("#ttl", "ttl").value(":now", n(now.seconds()))
}

/// A delete as a part of a transaction.
pub fn delete(table: &str, key: Key, condition: Option<&str>) -> TransactWriteItem {
    let delete = Delete::builder().table_name(table).set_key(Some(key.into_item())).set_condition_expression(condition.map(str::to_owned)).build();
    TransactWriteItem::builder().set_delete(delete.ok()).build()
}

/// A delete with a condition that has names and values.
pub fn delete_when(table: &str, key: Key, condition: Expression) -> TransactWriteItem {
    let delete = Delete::builder()
        .table_name(table)
        .set_key(Some(key.into_item()))
        .set_expression_attribute_names(condition.names())
        .set_expression_attribute_values(condition.values())
        .condition_expression(condition.text)
        .build();
    TransactWriteItem::builder().set_delete(delete.ok()).build()
}

/// An update as a part of a transaction.
pub fn update(table: &str, key: Key, expression: Expression) -> TransactWriteItem {
    let update = Update::builder()
        .table_name(table)
        .set_key(Some(key.into_item()))
        .set_expression_attribute_names(expression.names())
        .set_expression_attribute_values(expression.values())
        .update_expression(expression.text)
        .set_condition_expression(expression.condition)
        .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
        .build();
    TransactWriteItem::builder().set_update(update.ok()).build()
}

/// A condition as a part of a transaction.
pub fn check(table: &str, key: Key, expression: Expression) -> TransactWriteItem {
    let check = ConditionCheck::builder()
        .table_name(table)
        .set_key(Some(key.into_item()))
        .set_expression_attribute_names(expression.names())
        .set_expression_attribute_values(expression.values())
        .condition_expression(expression.text)
        .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
        .build();
    TransactWriteItem::builder().set_condition_check(check.ok()).build()
}

/// The verdicts of a cancelled transaction; `None` when it failed otherwise.
pub(super) fn verdicts(error: &SdkError<TransactWriteItemsError>) -> Option<Vec<Verdict>> {
    let SdkError::ServiceError(service) = error else { return None };
    let TransactWriteItemsError::TransactionCanceledException(cancelled) = service.err() else { return None };
    let reasons = cancelled.cancellation_reasons();
    let known = ["None", "ConditionalCheckFailed", "TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"];
    // Anything else (a validation error) is a fault of ours and must not be tried again.
    if !reasons.iter().all(|reason| reason.code().is_none_or(|code| known.contains(&code))) {
        return None;
    }
    Some(
        reasons
            .iter()
            .map(|reason| match reason.code() {
                Some("ConditionalCheckFailed") => Verdict::ConditionFailed(reason.item.clone()),
                _ => Verdict::Fine,
            })
            .collect(),
    )
}
