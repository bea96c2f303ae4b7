//! The typed `DynamoDB` calls.

use std::collections::HashMap;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::types::{KeysAndAttributes, PutRequest, ReturnValuesOnConditionCheckFailure, Select, WriteRequest};
use serde::de::DeserializeOwned;

use super::{Attempt, Item, Key, Outcome, RetryPolicy, StoreError, Transaction, Update, from_item, retry_on_conflict, s};
use crate::internal::Internal;

/// The number of items of a partition that are read and deleted at once.
const DELETED_AT_ONCE: usize = 500;

/// A query of one partition.
#[derive(Debug, Clone)]
pub struct PartitionQuery<'a> {
    /// The table.
    pub table: &'a str,
    /// An index to use instead of the table's own key. Index reads are eventually consistent.
    pub index: Option<&'a str>,
    /// The partition attribute's name and value.
    pub partition: (&'a str, String),
    /// The sort attribute's name, and its range with both ends included.
    pub range: Option<(&'a str, String, String)>,
    /// Whether the order is descending.
    pub descending: bool,
    /// The maximum number of items per page. If absent, the service sets the page size.
    pub limit: Option<usize>,
}

impl<'a> PartitionQuery<'a> {
    /// All items of a partition of the table's own key, in order.
    pub fn all(table: &'a str, pk: impl Into<String>) -> Self {
        Self { table, index: None, partition: ("pk", pk.into()), range: None, descending: false, limit: None }
    }
}

/// One page of a query.
#[derive(Debug)]
pub struct QueryPage {
    /// The items in order.
    pub items: Vec<Item>,
    /// The key after which the next page begins, if there may be one.
    pub last: Option<Item>,
}

/// The typed calls. Reads are strongly consistent, except on indexes.
#[derive(Clone, Debug)]
pub struct Store {
    client: Client,
}

impl Store {
    /// Creates a store on this client.
    pub fn new(client: Client) -> Self {
        Self { client }
    }

    /// Reads one item.
    pub async fn get_item(&self, table: &str, key: &Key) -> Result<Option<Item>, StoreError> {
        let output = self.client.get_item().table_name(table).set_key(Some(key.clone().into_item())).consistent_read(true).send().await?;
        Ok(output.item)
    }

    /// Reads one typed value.
    pub async fn get<T: DeserializeOwned>(&self, table: &str, key: &Key) -> Result<Option<T>, StoreError> {
        self.get_item(table, key).await?.map(from_item).transpose()
    }

    /// Reads many items of any tables, by key, in as few `BatchGetItem` calls as possible: 100 keys each, all calls at once.
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
        retry_on_conflict(RetryPolicy::Single, (open, Vec::new()), |(open, mut found)| async move {
            let output = self.client.batch_get_item().set_request_items(Some(open)).send().await?;
            for (table, items) in output.responses.unwrap_or_default() {
                for item in items {
                    let key = Key::of(&item).ok_or_else(|| StoreError::corrupt("no key"))?;
                    found.push(((table.clone(), key), item));
                }
            }
            let open = output.unprocessed_keys.unwrap_or_default();
            Ok(if open.is_empty() { Attempt::Done(found) } else { Attempt::Stale((open, found)) })
        })
        .await
    }

    /// Puts an item if none exists. Otherwise returns the existing item.
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

    /// Puts an item, and replaces an existing one.
    pub async fn put_item(&self, table: &str, item: Item) -> Result<(), StoreError> {
        self.client.put_item().table_name(table).set_item(Some(item)).send().await?;
        Ok(())
    }

    /// Updates one item. Returns the new item, or, if the condition did not hold, the existing item as the inner `Err`.
    pub async fn update_item(&self, table: &str, key: Key, update: Update) -> Result<Result<Item, Option<Item>>, StoreError> {
        use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
        let item_key = key.into_item();
        retry_on_conflict(RetryPolicy::Single, (), |()| async {
            let outcome = self
                .client
                .update_item()
                .table_name(table)
                .set_key(Some(item_key.clone()))
                .update_expression(update.text.clone())
                .set_condition_expression(update.condition.clone())
                .set_expression_attribute_names(update.names())
                .set_expression_attribute_values(update.values())
                .return_values(aws_sdk_dynamodb::types::ReturnValue::AllNew)
                .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
                .send()
                .await;
            let error = match outcome {
                Ok(output) => return Ok(Attempt::Done(Ok(output.attributes.unwrap_or_default()))),
                Err(error) => error,
            };
            if error.as_service_error().is_some_and(UpdateItemError::is_transaction_conflict_exception) {
                return Ok(Attempt::Stale(()));
            }
            match error {
                SdkError::ServiceError(service) if service.err().is_conditional_check_failed_exception() => match service.into_err() {
                    UpdateItemError::ConditionalCheckFailedException(failed) => Ok(Attempt::Done(Err(failed.item))),
                    _ => Ok(Attempt::Done(Err(None))),
                },
                error => Err(error.into()),
            }
        })
        .await
    }

    /// Deletes one item, and returns the item that existed.
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

    /// Reads one page of a partition, beginning after `start` (an item's key attributes).
    pub async fn query_page(&self, query: &PartitionQuery<'_>, start: Option<Item>) -> Result<QueryPage, StoreError> {
        let output = self.query(query, start).send().await?;
        Ok(QueryPage { items: output.items.unwrap_or_default(), last: output.last_evaluated_key.filter(|key| !key.is_empty()) })
    }

    fn query(&self, query: &PartitionQuery<'_>, start: Option<Item>) -> QueryFluentBuilder {
        let call = self
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
        match &query.range {
            None => call.key_condition_expression("#partition = :partition"),
            Some((name, from, to)) => call
                .key_condition_expression("#partition = :partition AND #sort BETWEEN :from AND :to")
                .expression_attribute_names("#sort", *name)
                .expression_attribute_values(":from", s(from))
                .expression_attribute_values(":to", s(to)),
        }
    }

    /// Counts the items of a partition, or of a range of it.
    pub async fn count(&self, query: &PartitionQuery<'_>) -> Result<usize, StoreError> {
        let (mut count, mut start) = (0, None);
        loop {
            let output = self.query(query, start).select(Select::Count).send().await?;
            count += usize::try_from(output.count).unwrap_or_default();
            match output.last_evaluated_key.filter(|key| !key.is_empty()) {
                Some(last) => start = Some(last),
                None => return Ok(count),
            }
        }
    }

    /// Reads all items of a partition, or of a range of it.
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

    /// Writes items in batches of 25, and replaces existing ones. Not atomic: only for items that nothing refers to yet.
    pub async fn put_many(&self, table: &str, items: Vec<Item>) -> Result<(), StoreError> {
        let requests = items
            .into_iter()
            .map(|item| PutRequest::builder().set_item(Some(item)).build().map(|put| WriteRequest::builder().put_request(put).build()))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| StoreError::Broken(Internal::new(error)))?;
        self.write_batches(table, requests).await
    }

    /// Deletes items in batches of 25. Not atomic: only for items that nothing refers to any more.
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

    /// Deletes the items of a partition page by page, except those that `keep` selects. Not atomic: only for items that nothing refers to any more.
    pub async fn delete_partition(&self, table: &str, pk: &str, keep: impl Fn(&Key) -> bool) -> Result<(), StoreError> {
        let query = PartitionQuery { limit: Some(DELETED_AT_ONCE), ..PartitionQuery::all(table, pk) };
        let mut start = None;
        loop {
            let page = self.query_page(&query, start).await?;
            let keys = page.items.iter().filter_map(Key::of).filter(|key| !keep(key)).collect();
            self.delete_many(table, keys).await?;
            match page.last {
                Some(last) => start = Some(last),
                None => return Ok(()),
            }
        }
    }

    async fn write_batches(&self, table: &str, requests: Vec<WriteRequest>) -> Result<(), StoreError> {
        use futures_util::stream::{self, StreamExt, TryStreamExt};
        let batches: Vec<Vec<WriteRequest>> = requests.chunks(25).map(<[WriteRequest]>::to_vec).collect();
        stream::iter(batches).map(Ok).try_for_each_concurrent(4, |batch| self.write_batch(table, batch)).await
    }

    async fn write_batch(&self, table: &str, requests: Vec<WriteRequest>) -> Result<(), StoreError> {
        retry_on_conflict(RetryPolicy::Single, requests, |open| async {
            let output = self.client.batch_write_item().request_items(table, open).send().await?;
            let open = output.unprocessed_items.unwrap_or_default().remove(table).unwrap_or_default();
            Ok(if open.is_empty() { Attempt::Done(()) } else { Attempt::Stale(open) })
        })
        .await
    }

    /// Commits all writes or none. Conflicts with other transactions are retried. Failed conditions are not.
    pub async fn transact<N: Copy + PartialEq>(&self, transaction: &Transaction<N>) -> Result<Outcome<N>, StoreError> {
        retry_on_conflict(RetryPolicy::Single, (), |()| async {
            Ok(match self.transact_once(transaction).await? {
                Outcome::Contended => Attempt::Stale(()),
                outcome => Attempt::Done(outcome),
            })
        })
        .await
    }

    /// As [`Self::transact`], without retries: for writes that are stale once another transaction wrote the same items.
    pub async fn transact_once<N: Copy + PartialEq>(&self, transaction: &Transaction<N>) -> Result<Outcome<N>, StoreError> {
        transaction.outcome(self.client.transact_write_items().set_transact_items(Some(transaction.writes())).send().await)
    }
}
