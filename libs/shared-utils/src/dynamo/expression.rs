//! Condition and update expressions, each with its names and values.
//!
//! They are two types. An update may contain a condition, but not the reverse. No call accepts one type for the other.

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
    /// The names, or `None` if there are none: the service refuses empty maps.
    fn names(&self) -> Option<HashMap<String, String>> {
        (!self.names.is_empty()).then(|| self.names.clone())
    }

    /// The values, or `None` if there are none.
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
    /// Creates a condition from an expression.
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), placeholders: Placeholders::default() }
    }

    /// The item exists.
    pub fn exists() -> Self {
        Self::new("attribute_exists(pk)")
    }

    /// The item does not exist.
    pub fn absent() -> Self {
        Self::new("attribute_not_exists(pk)")
    }

    /// The item does not exist, or its `ttl` has passed: the service deletes expired items days later.
    pub fn absent_or_expired(now: Timestamp) -> Self {
        Self::new("attribute_not_exists(pk) OR #ttl < :now").name("#ttl", "ttl").value(":now", n(now.seconds()))
    }

    /// Sets a `#name` placeholder.
    #[must_use]
    pub fn name(mut self, placeholder: &str, name: impl ToString) -> Self {
        self.placeholders.names.insert(placeholder.to_owned(), name.to_string());
        self
    }

    /// Sets a `:value` placeholder.
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

/// An update expression with an optional condition. Both share the same names and values.
#[derive(Debug, Clone)]
pub struct Update {
    pub(super) text: String,
    pub(super) condition: Option<String>,
    placeholders: Placeholders,
}

impl Update {
    /// Creates an update from an expression.
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), condition: None, placeholders: Placeholders::default() }
    }

    /// Adds a condition. All conditions of the update must hold.
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

    /// Adds a clause of another kind, such as `REMOVE a` or `ADD b :c`.
    #[must_use]
    pub fn and(mut self, clause: &str) -> Self {
        self.text = format!("{} {clause}", self.text);
        self
    }

    /// Adds an assignment to an update that begins with `SET`.
    #[must_use]
    pub fn also_set(mut self, assignment: &str) -> Self {
        self.text = self.text.replacen("SET ", &format!("SET {assignment}, "), 1);
        self
    }

    /// Sets a `#name` placeholder.
    #[must_use]
    pub fn name(mut self, placeholder: &str, name: impl ToString) -> Self {
        self.placeholders.names.insert(placeholder.to_owned(), name.to_string());
        self
    }

    /// Sets a `:value` placeholder.
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
