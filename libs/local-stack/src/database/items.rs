//! Reads and writes beside the API, for benchmarks, tests and the console.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::Database;
use crate::clock::StackClock;
use crate::declaration::Declaration;

impl Database {
    /// Writes items (in `DynamoDB`'s JSON) in one transaction, in place of those with the same keys. Much faster than requests: for benchmarks.
    pub fn import(&self, table: &str, items: Vec<Value>) -> Result<(), String> {
        let items = items.into_iter().map(serde_json::from_value).collect::<Result<_, _>>().map_err(|error| error.to_string())?;
        self.handle.import_items(table, items, dynoxide::ImportOptions::default()).map_err(|error| error.to_string())?;
        Ok(())
    }

    /// The items of a partition, in `DynamoDB`'s JSON: at most 1 MB.
    pub fn partition(&self, table: &str, partition: &str) -> Result<Vec<Value>, String> {
        let query = json!({
            "TableName": table,
            "KeyConditionExpression": "pk = :pk",
            "ExpressionAttributeValues": {":pk": {"S": partition}},
        });
        items_of(self.handle.query(read(query)?).map_err(text)?.items)
    }

    /// A page of a scan, in `DynamoDB`'s JSON: the items, and the key to go on from.
    pub(crate) fn scan(&self, request: Value) -> Result<(Vec<Value>, Value), String> {
        scan(&self.handle, request)
    }

    /// Writes an item, in `DynamoDB`'s JSON.
    pub(crate) fn put(&self, table: &str, item: Value) -> Result<(), String> {
        self.handle.put_item(read(json!({"TableName": table, "Item": item}))?).map(drop).map_err(text)
    }

    /// Executes an `UpdateItem` request.
    pub(crate) fn update(&self, request: Value) -> Result<(), String> {
        self.handle.update_item(read(request)?).map(drop).map_err(text)
    }

    /// Deletes an item.
    pub(crate) fn delete(&self, table: &str, pk: &str, sk: &str) -> Result<(), String> {
        delete(&self.handle, table, json!({"pk": {"S": pk}, "sk": {"S": sk}}))
    }

    /// Deletes all items: the tables are made again.
    pub(crate) async fn clear(&self, declaration: &Declaration) -> Result<(), String> {
        for short in declaration.tables.keys() {
            self.handle.delete_table(read(json!({"TableName": declaration.table_name(short)}))?).map_err(text)?;
        }
        self.make_tables(declaration).await
    }
}

/// A value as the engine's request.
fn read<T: DeserializeOwned>(request: Value) -> Result<T, String> {
    serde_json::from_value(request).map_err(|error| error.to_string())
}

fn text(error: dynoxide::DynoxideError) -> String {
    error.to_string()
}

fn items_of<T: Serialize>(items: Option<Vec<T>>) -> Result<Vec<Value>, String> {
    items.into_iter().flatten().map(|item| serde_json::to_value(item).map_err(|error| error.to_string())).collect()
}

fn scan(database: &dynoxide::Database, request: Value) -> Result<(Vec<Value>, Value), String> {
    let found = database.scan(read(request)?).map_err(text)?;
    let last = serde_json::to_value(found.last_evaluated_key).map_err(|error| error.to_string())?;
    Ok((items_of(found.items)?, last))
}

fn delete(database: &dynoxide::Database, table: &str, key: Value) -> Result<(), String> {
    database.delete_item(read(json!({"TableName": table, "Key": key}))?).map(drop).map_err(text)
}

/// Deletes what has expired by a clock that was moved forward: the engine's own sweep goes by the machine's.
pub(super) fn sweep_moved(database: &dynoxide::Database, clock: &StackClock) -> Result<(), String> {
    let now = clock.now().seconds().to_string();
    for table in database.list_tables(read(json!({}))?).map_err(text)?.table_names {
        let mut start = Value::Null;
        loop {
            let mut request = json!({
                "TableName": table, "ProjectionExpression": "pk, sk", "FilterExpression": "#ttl < :now",
                "ExpressionAttributeNames": {"#ttl": "ttl"}, "ExpressionAttributeValues": {":now": {"N": now}},
            });
            if !start.is_null() {
                request["ExclusiveStartKey"] = start;
            }
            let (expired, last) = scan(database, request)?;
            for key in expired {
                delete(database, &table, key)?;
            }
            start = last;
            if start.is_null() {
                break;
            }
        }
    }
    Ok(())
}
