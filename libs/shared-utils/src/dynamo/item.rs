//! Keys, items and attributes, and conversions between them and typed values.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::StoreError;
use crate::internal::Internal;

/// An item in the form of the SDK.
pub type Item = HashMap<String, AttributeValue>;

/// A text attribute.
pub fn s(text: impl ToString) -> AttributeValue {
    AttributeValue::S(text.to_string())
}

/// A number attribute.
pub fn n(number: impl ToString) -> AttributeValue {
    AttributeValue::N(number.to_string())
}

/// A primary key.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Key {
    /// Partition key.
    pub pk: String,
    /// Sort key.
    pub sk: String,
}

impl Key {
    /// Creates a key.
    pub fn new(pk: impl Into<String>, sk: impl Into<String>) -> Self {
        Self { pk: pk.into(), sk: sk.into() }
    }

    /// Returns an item that has only this key.
    pub fn into_item(self) -> Item {
        Item::from([("pk".to_owned(), AttributeValue::S(self.pk)), ("sk".to_owned(), AttributeValue::S(self.sk))])
    }

    /// The key of an item.
    pub fn of(item: &Item) -> Option<Self> {
        Some(Self::new(item.get("pk")?.as_s().ok()?, item.get("sk")?.as_s().ok()?))
    }
}

/// Converts a typed value to an item under `key`, with a `type` attribute. A value with a `type` of its own is an error: it would be lost.
pub fn to_item(key: Key, kind: &str, value: &impl Serialize) -> Result<Item, StoreError> {
    let mut item: Item = serde_dynamo::to_item(value).map_err(|error| StoreError::Broken(Internal::new(error)))?;
    if item.insert("type".to_owned(), s(kind)).is_some() {
        return Err(StoreError::corrupt("a value has the attribute `type`, which says what kind of item it is"));
    }
    item.extend(key.into_item());
    Ok(item)
}

/// Converts an item to a typed value.
pub fn from_item<T: DeserializeOwned>(item: Item) -> Result<T, StoreError> {
    serde_dynamo::from_item(item).map_err(|error| StoreError::Broken(Internal::new(error)))
}

/// Converts a typed value to one attribute.
pub fn to_attribute(value: &impl Serialize) -> Result<AttributeValue, StoreError> {
    serde_dynamo::to_attribute_value(value).map_err(|error| StoreError::Broken(Internal::new(error)))
}

/// Converts a JSON value to an attribute. Numbers keep their exact digits.
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

/// Converts an attribute to a JSON value, the reverse of [`from_json`]. Sets and binaries, which [`from_json`] never makes, become null.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_keeps_all_its_attributes_or_is_refused() {
        let item = to_item(Key::new("p", "s"), "file", &serde_json::json!({"name": "a"})).unwrap();
        assert_eq!((item["type"].as_s().unwrap().as_str(), item["name"].as_s().unwrap().as_str()), ("file", "a"));
        assert!(to_item(Key::new("p", "s"), "file", &serde_json::json!({"type": "image/png"})).is_err());
    }
}
