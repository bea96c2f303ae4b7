//! Conditions and updates, each with its names and values.
//!
//! They are two types: an update may carry a condition, a condition carries nothing, and no call takes the one for the other.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;

use super::n;
use crate::clock::Timestamp;

/// The `#names` and `:values` of an expression.
#[derive(Debug, Clone, Default)]
struct Placeholders {
    names: HashMap<String, String>,
    values: HashMap<String, AttributeValue>,
}

impl Placeholders {
    /// The names, or nothing: the service refuses empty maps.
    fn names(&self) -> Option<HashMap<String, String>> {
        (!self.names.is_empty()).then(|| self.names.clone())
    }

    /// The values, or nothing.
    fn values(&self) -> Option<HashMap<String, AttributeValue>> {
        (!self.values.is_empty()).then(|| self.values.clone())
    }

    fn extend(&mut self, others: Self) {
        self.names.extend(others.names);
        self.values.extend(others.values);
    }
}

/// A condition expression.
#[derive(Debug, Clone)]
pub struct Condition {
    pub(super) text: String,
    placeholders: Placeholders,
}

impl Condition {
    /// A condition.
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), placeholders: Placeholders::default() }
    }

    /// There is such an item.
    pub fn exists() -> Self {
        Self::new("attribute_exists(pk)")
    }

    /// There is no such item.
    pub fn absent() -> Self {
        Self::new("attribute_not_exists(pk)")
    }

    /// There is no such item, or its `ttl` is over: the service deletes expired items days later.
    pub fn absent_or_expired(now: Timestamp) -> Self {
        Self::new("attribute_not_exists(pk) OR #ttl < :now").name("#ttl", "ttl").value(":now", n(now.seconds()))
    }

    /// A `#name`.
    #[must_use]
    pub fn name(mut self, placeholder: &str, name: impl ToString) -> Self {
        self.placeholders.names.insert(placeholder.to_owned(), name.to_string());
        self
    }

    /// A `:value`.
    #[must_use]
    pub fn value(mut self, placeholder: &str, value: AttributeValue) -> Self {
        self.placeholders.values.insert(placeholder.to_owned(), value);
        self
    }

    pub(super) fn names(&self) -> Option<HashMap<String, String>> {
        self.placeholders.names()
    }

    pub(super) fn values(&self) -> Option<HashMap<String, AttributeValue>> {
        self.placeholders.values()
    }
}

impl From<&str> for Condition {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl From<String> for Condition {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

/// An update expression, with the condition that it may have. Both use the same names and values.
#[derive(Debug, Clone)]
pub struct Update {
    pub(super) text: String,
    pub(super) condition: Option<String>,
    placeholders: Placeholders,
}

impl Update {
    /// An update.
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), condition: None, placeholders: Placeholders::default() }
    }

    /// A condition for the update, besides those that it has.
    #[must_use]
    pub fn when(mut self, condition: impl Into<Condition>) -> Self {
        let condition: Condition = condition.into();
        self.placeholders.extend(condition.placeholders);
        self.condition = Some(match self.condition {
            Some(others) => format!("({others}) AND ({})", condition.text),
            None => condition.text,
        });
        self
    }

    /// A further assignment of an update that begins with `SET`.
    #[must_use]
    pub fn also_set(mut self, assignment: &str) -> Self {
        self.text = self.text.replacen("SET ", &format!("SET {assignment}, "), 1);
        self
    }

    /// A `#name`.
    #[must_use]
    pub fn name(mut self, placeholder: &str, name: impl ToString) -> Self {
        self.placeholders.names.insert(placeholder.to_owned(), name.to_string());
        self
    }

    /// A `:value`.
    #[must_use]
    pub fn value(mut self, placeholder: &str, value: AttributeValue) -> Self {
        self.placeholders.values.insert(placeholder.to_owned(), value);
        self
    }

    pub(super) fn names(&self) -> Option<HashMap<String, String>> {
        self.placeholders.names()
    }

    pub(super) fn values(&self) -> Option<HashMap<String, AttributeValue>> {
        self.placeholders.values()
    }
}
