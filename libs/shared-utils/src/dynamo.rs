//! `DynamoDB` with the outcomes that we expect as values, and all else as two kinds of failure: busy, or broken.

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{
    AttributeValue, ConditionCheck, Delete, KeysAndAttributes, Put, PutRequest, ReturnValuesOnConditionCheckFailure, TransactWriteItem, Update,
    WriteRequest,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::http::{Error, Internal};
use crate::random;

/// An item as the SDK has it.
pub type Item = HashMap<String, AttributeValue>;

/// How often a write that lost a race is tried again before we call the table busy.
pub const RACE_TRIES: u32 = 12;

/// Why the table did not do it, apart from conditions that did not hold.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Throttled, timed out or unreachable, after the SDK's own retries.
    #[error("the table is busy")]
    Busy(Internal),
    /// Anything else: a refused call, a malformed item.
    #[error("the table call failed")]
    Broken(Internal),
}

impl StoreError {
    /// An item that is not what it should be.
    pub fn corrupt(what: &str) -> Self {
        Self::Broken(Internal::new(format!("malformed item: {what}")))
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Busy(cause) => Self::Unavailable(cause),
            StoreError::Broken(cause) => Self::Internal(cause),
        }
    }
}

/// Error codes that mean: later, perhaps.
const BUSY: [&str; 8] = [
    "ProvisionedThroughputExceededException",
    "ThrottlingException",
    "RequestLimitExceeded",
    "LimitExceededException",
    "InternalServerError",
    "ServiceUnavailable",
    "TransactionConflictException",
    "TransactionInProgressException",
];

impl<E> From<SdkError<E>> for StoreError
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    fn from(error: SdkError<E>) -> Self {
        let busy = match &error {
            SdkError::TimeoutError(_) | SdkError::DispatchFailure(_) | SdkError::ResponseError(_) => true,
            SdkError::ServiceError(service) => {
                service.raw().status().as_u16() >= 500 || service.err().code().is_some_and(|code| BUSY.contains(&code))
            }
            _ => false,
        };
        let cause = Internal::new(DisplayErrorContext(&error));
        if busy { Self::Busy(cause) } else { Self::Broken(cause) }
    }
}

/// A text attribute.
pub fn s(text: impl ToString) -> AttributeValue {
    AttributeValue::S(text.to_string())
}

/// A number attribute.
pub fn n(number: impl ToString) -> AttributeValue {
    AttributeValue::N(number.to_string())
}

/// The two parts of every key.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Key {
    /// Partition key.
    pub pk: String,
    /// Sort key.
    pub sk: String,
}

impl Key {
    /// A key.
    pub fn new(pk: impl Into<String>, sk: impl Into<String>) -> Self {
        Self { pk: pk.into(), sk: sk.into() }
    }

    /// An item with nothing but this key.
    pub fn into_item(self) -> Item {
        Item::from([("pk".to_owned(), AttributeValue::S(self.pk)), ("sk".to_owned(), AttributeValue::S(self.sk))])
    }

    /// The key of an item.
    pub fn of(item: &Item) -> Option<Self> {
        Some(Self::new(item.get("pk")?.as_s().ok()?, item.get("sk")?.as_s().ok()?))
    }
}

/// A typed value as an item under `key`, with its `type` attribute.
pub fn to_item(key: Key, kind: &str, value: &impl Serialize) -> Result<Item, StoreError> {
    let mut item: Item = serde_dynamo::to_item(value).map_err(|error| StoreError::Broken(Internal::new(error)))?;
    item.extend(key.into_item());
    item.insert("type".to_owned(), s(kind));
    Ok(item)
}

/// The typed value of an item.
pub fn from_item<T: DeserializeOwned>(item: Item) -> Result<T, StoreError> {
    serde_dynamo::from_item(item).map_err(|error| StoreError::Broken(Internal::new(error)))
}

/// A typed value as one attribute.
pub fn to_attribute(value: &impl Serialize) -> Result<AttributeValue, StoreError> {
    serde_dynamo::to_attribute_value(value).map_err(|error| StoreError::Broken(Internal::new(error)))
}

/// A JSON value as an attribute; numbers keep their exact digits.
pub fn from_json(value: &serde_json::Value) -> AttributeValue {
    match value {
        serde_json::Value::Null => AttributeValue::Null(true),
        serde_json::Value::Bool(flag) => AttributeValue::Bool(*flag),
        serde_json::Value::Number(number) => AttributeValue::N(number.to_string()),
        serde_json::Value::String(text) => AttributeValue::S(text.clone()),
        serde_json::Value::Array(entries) => AttributeValue::L(entries.iter().map(from_json).collect()),
        serde_json::Value::Object(fields) => AttributeValue::M(fields.iter().map(|(name, value)| (name.clone(), from_json(value))).collect()),
    }
}

/// An attribute as a JSON value: the reverse of [`from_json`]. Sets and binaries, which that never makes, are null.
pub fn to_json(attribute: &AttributeValue) -> serde_json::Value {
    match attribute {
        AttributeValue::Bool(flag) => serde_json::Value::Bool(*flag),
        AttributeValue::N(digits) => digits.parse().map_or(serde_json::Value::Null, serde_json::Value::Number),
        AttributeValue::S(text) => serde_json::Value::String(text.clone()),
        AttributeValue::L(entries) => serde_json::Value::Array(entries.iter().map(to_json).collect()),
        AttributeValue::M(fields) => serde_json::Value::Object(fields.iter().map(|(name, value)| (name.clone(), to_json(value))).collect()),
        _ => serde_json::Value::Null,
    }
}

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
            Self::Store(_) => None,
        }
    }
}

impl From<TransactError> for Error {
    /// For transactions whose refusals were all looked at: one that is left is a fault of ours.
    fn from(error: TransactError) -> Self {
        match error {
            TransactError::Refused(_) => Self::internal("a transaction was refused by a condition that no code looks at"),
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

/// A delete as a part of a transaction.
pub fn delete(table: &str, key: Key, condition: Option<&str>) -> TransactWriteItem {
    let delete = Delete::builder().table_name(table).set_key(Some(key.into_item())).set_condition_expression(condition.map(str::to_owned)).build();
    TransactWriteItem::builder().set_delete(delete.ok()).build()
}

/// Values and names of an expression.
#[derive(Debug, Clone, Default)]
pub struct Expression {
    text: String,
    condition: Option<String>,
    names: HashMap<String, String>,
    values: HashMap<String, AttributeValue>,
}

impl Expression {
    /// An expression.
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), ..Self::default() }
    }

    /// The condition that goes with an update.
    pub fn when(mut self, condition: impl Into<String>) -> Self {
        self.condition = Some(condition.into());
        self
    }

    /// A `#name`.
    pub fn name(mut self, placeholder: &str, name: impl ToString) -> Self {
        self.names.insert(placeholder.to_owned(), name.to_string());
        self
    }

    /// A `:value`.
    pub fn value(mut self, placeholder: &str, value: AttributeValue) -> Self {
        self.values.insert(placeholder.to_owned(), value);
        self
    }

    /// The names, or nothing: the service refuses empty maps.
    fn names(&self) -> Option<HashMap<String, String>> {
        (!self.names.is_empty()).then(|| self.names.clone())
    }

    /// The values, or nothing.
    fn values(&self) -> Option<HashMap<String, AttributeValue>> {
        (!self.values.is_empty()).then(|| self.values.clone())
    }
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

/// A query of one partition.
#[derive(Debug, Clone)]
pub struct PartitionQuery<'a> {
    /// The table.
    pub table: &'a str,
    /// An index instead of the table's own key; read eventually.
    pub index: Option<&'a str>,
    /// The partition attribute's name and value.
    pub partition: (&'a str, String),
    /// The sort attribute's name and its range, both ends within.
    pub range: Option<(&'a str, String, String)>,
    /// Descending order.
    pub descending: bool,
    /// At most this many items; all pages when absent.
    pub limit: Option<usize>,
}

/// One page of a query.
#[derive(Debug)]
pub struct Page {
    /// The items in order.
    pub items: Vec<Item>,
    /// Where the next page begins, if there may be one.
    pub last: Option<Item>,
}

/// The typed calls. Reads are strongly consistent, except on indexes.
#[derive(Clone, Debug)]
pub struct Store {
    client: Client,
}

impl Store {
    /// A store on this client.
    pub fn new(client: Client) -> Self {
        Self { client }
    }

    /// One item.
    pub async fn get_item(&self, table: &str, key: &Key) -> Result<Option<Item>, StoreError> {
        let output = self.client.get_item().table_name(table).set_key(Some(key.clone().into_item())).consistent_read(true).send().await?;
        Ok(output.item)
    }

    /// One typed value.
    pub async fn get<T: DeserializeOwned>(&self, table: &str, key: &Key) -> Result<Option<T>, StoreError> {
        self.get_item(table, key).await?.map(from_item).transpose()
    }

    /// Many items of any tables in as few calls as `BatchGetItem` allows (100 keys each, all at once), by key.
    pub async fn get_many(&self, wanted: &[(&str, Key)]) -> Result<HashMap<(String, Key), Item>, StoreError> {
        let mut distinct: Vec<&(&str, Key)> = Vec::with_capacity(wanted.len());
        let mut seen = std::collections::HashSet::new();
        for entry in wanted {
            if seen.insert(entry) {
                distinct.push(entry);
            }
        }
        let calls = distinct.chunks(100).map(|chunk| self.get_batch(chunk));
        let mut found = HashMap::new();
        for batch in futures_util::future::try_join_all(calls).await? {
            found.extend(batch);
        }
        Ok(found)
    }

    async fn get_batch(&self, wanted: &[&(&str, Key)]) -> Result<Vec<((String, Key), Item)>, StoreError> {
        let mut open: HashMap<String, KeysAndAttributes> = HashMap::new();
        for (table, key) in wanted {
            let keys = open.remove(*table).map(|entry| entry.keys).unwrap_or_default();
            let entry = KeysAndAttributes::builder().set_keys(Some(keys)).keys(key.clone().into_item()).consistent_read(true).build();
            open.insert((*table).to_owned(), entry.map_err(|error| StoreError::Broken(Internal::new(error)))?);
        }
        let mut found = Vec::new();
        for attempt in 0..RACE_TRIES {
            let output = self.client.batch_get_item().set_request_items(Some(open)).send().await?;
            for (table, items) in output.responses.unwrap_or_default() {
                for item in items {
                    let key = Key::of(&item).ok_or_else(|| StoreError::corrupt("no key"))?;
                    found.push(((table.clone(), key), item));
                }
            }
            open = output.unprocessed_keys.unwrap_or_default();
            if open.is_empty() {
                return Ok(found);
            }
            backoff(attempt).await;
        }
        Err(StoreError::Busy(Internal::new("keys were left unprocessed")))
    }

    /// Puts an item where there is none; else the item that is there.
    pub async fn put_if_absent(&self, table: &str, item: Item) -> Result<Option<Item>, StoreError> {
        let outcome = self
            .client
            .put_item()
            .table_name(table)
            .set_item(Some(item))
            .condition_expression("attribute_not_exists(pk)")
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        match outcome {
            Ok(_) => Ok(None),
            Err(SdkError::ServiceError(error)) if error.err().is_conditional_check_failed_exception() => {
                use aws_sdk_dynamodb::operation::put_item::PutItemError;
                match error.into_err() {
                    PutItemError::ConditionalCheckFailedException(failed) => Ok(Some(failed.item.unwrap_or_default())),
                    _ => Ok(Some(Item::new())),
                }
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Puts an item, whatever was there.
    pub async fn put_item(&self, table: &str, item: Item) -> Result<(), StoreError> {
        self.client.put_item().table_name(table).set_item(Some(item)).send().await?;
        Ok(())
    }

    /// Updates one item: the item as it is now, or as it was met when the condition did not hold.
    pub async fn update_item(&self, table: &str, key: Key, expression: Expression) -> Result<Result<Item, Option<Item>>, StoreError> {
        use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
        for attempt in 0..RACE_TRIES {
            let outcome = self
                .client
                .update_item()
                .table_name(table)
                .set_key(Some(key.clone().into_item()))
                .update_expression(expression.text.clone())
                .set_condition_expression(expression.condition.clone())
                .set_expression_attribute_names(expression.names())
                .set_expression_attribute_values(expression.values())
                .return_values(aws_sdk_dynamodb::types::ReturnValue::AllNew)
                .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
                .send()
                .await;
            match outcome {
                Ok(output) => return Ok(Ok(output.attributes.unwrap_or_default())),
                Err(SdkError::ServiceError(error)) if error.err().is_transaction_conflict_exception() => backoff(attempt).await,
                Err(SdkError::ServiceError(error)) if error.err().is_conditional_check_failed_exception() => match error.into_err() {
                    UpdateItemError::ConditionalCheckFailedException(failed) => return Ok(Err(failed.item)),
                    _ => return Ok(Err(None)),
                },
                Err(error) => return Err(error.into()),
            }
        }
        Err(StoreError::Busy(Internal::new("an update kept meeting transactions")))
    }

    /// Deletes one item; the item that was there.
    pub async fn delete_item(&self, table: &str, key: Key) -> Result<Option<Item>, StoreError> {
        let output = self
            .client
            .delete_item()
            .table_name(table)
            .set_key(Some(key.into_item()))
            .return_values(aws_sdk_dynamodb::types::ReturnValue::AllOld)
            .send()
            .await?;
        Ok(output.attributes)
    }

    /// One page of a partition, from `start` (an item's key attributes) on.
    pub async fn query_page(&self, query: &PartitionQuery<'_>, start: Option<Item>) -> Result<Page, StoreError> {
        let mut call = self
            .client
            .query()
            .table_name(query.table)
            .set_index_name(query.index.map(str::to_owned))
            .expression_attribute_names("#partition", query.partition.0)
            .expression_attribute_values(":partition", s(&query.partition.1))
            .scan_index_forward(!query.descending)
            .consistent_read(query.index.is_none())
            .set_limit(query.limit.and_then(|limit| i32::try_from(limit).ok()))
            .set_exclusive_start_key(start);
        call = match &query.range {
            None => call.key_condition_expression("#partition = :partition"),
            Some((name, from, to)) => call
                .key_condition_expression("#partition = :partition AND #sort BETWEEN :from AND :to")
                .expression_attribute_names("#sort", *name)
                .expression_attribute_values(":from", s(from))
                .expression_attribute_values(":to", s(to)),
        };
        let output = call.send().await?;
        Ok(Page { items: output.items.unwrap_or_default(), last: output.last_evaluated_key.filter(|key| !key.is_empty()) })
    }

    /// All items of a partition, or of a range of it.
    pub async fn query_all(&self, query: &PartitionQuery<'_>) -> Result<Vec<Item>, StoreError> {
        let mut items = Vec::new();
        let mut start = None;
        loop {
            let page = self.query_page(query, start).await?;
            items.extend(page.items);
            match page.last {
                Some(last) => start = Some(last),
                None => return Ok(items),
            }
        }
    }

    /// Writes items, whatever was there, in batches of 25. Not atomic: for what nothing points at yet.
    pub async fn put_many(&self, table: &str, items: Vec<Item>) -> Result<(), StoreError> {
        let requests = items
            .into_iter()
            .map(|item| PutRequest::builder().set_item(Some(item)).build().map(|put| WriteRequest::builder().put_request(put).build()))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| StoreError::Broken(Internal::new(error)))?;
        self.write_batches(table, requests).await
    }

    /// Deletes items in batches of 25. Not atomic: for what nothing points at any more.
    pub async fn delete_many(&self, table: &str, keys: Vec<Key>) -> Result<(), StoreError> {
        let requests = keys
            .into_iter()
            .map(|key| {
                aws_sdk_dynamodb::types::DeleteRequest::builder()
                    .set_key(Some(key.into_item()))
                    .build()
                    .map(|delete| WriteRequest::builder().delete_request(delete).build())
            })
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| StoreError::Broken(Internal::new(error)))?;
        self.write_batches(table, requests).await
    }

    async fn write_batches(&self, table: &str, requests: Vec<WriteRequest>) -> Result<(), StoreError> {
        use futures_util::stream::{self, StreamExt, TryStreamExt};
        let batches: Vec<Vec<WriteRequest>> = requests.chunks(25).map(<[WriteRequest]>::to_vec).collect();
        stream::iter(batches).map(Ok).try_for_each_concurrent(4, |batch| self.write_batch(table, batch)).await
    }

    async fn write_batch(&self, table: &str, mut open: Vec<WriteRequest>) -> Result<(), StoreError> {
        for attempt in 0..RACE_TRIES {
            let output = self.client.batch_write_item().request_items(table, open).send().await?;
            open = output.unprocessed_items.unwrap_or_default().remove(table).unwrap_or_default();
            if open.is_empty() {
                return Ok(());
            }
            backoff(attempt).await;
        }
        Err(StoreError::Busy(Internal::new("writes were left unprocessed")))
    }

    /// All of these writes or none. Conflicts with other transactions are tried again; conditions that do not hold are not.
    pub async fn transact(&self, writes: Vec<TransactWriteItem>) -> Result<(), TransactError> {
        for attempt in 0..RACE_TRIES {
            let outcome = self.client.transact_write_items().set_transact_items(Some(writes.clone())).send().await;
            let Err(error) = outcome else { return Ok(()) };
            let Some(verdicts) = verdicts(&error) else { return Err(StoreError::from(error).into()) };
            if verdicts.iter().any(|verdict| matches!(verdict, Verdict::ConditionFailed(_))) {
                return Err(TransactError::Refused(verdicts));
            }
            backoff(attempt).await;
        }
        Err(StoreError::Busy(Internal::new("a transaction kept meeting others")).into())
    }
}

/// The verdicts of a cancelled transaction; `None` when it failed otherwise.
fn verdicts(error: &SdkError<TransactWriteItemsError>) -> Option<Vec<Verdict>> {
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

/// Waits before a lost race is run again: up to 5 ms at first, doubling to 160 ms, fully jittered.
pub async fn backoff(attempt: u32) {
    let ceiling = 5_000u64 << attempt.min(5);
    tokio::time::sleep(Duration::from_micros(random::below(ceiling))).await;
}
