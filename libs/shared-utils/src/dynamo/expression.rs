//! Update and condition expressions with their names and values.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;

/// Values and names of an expression.
#[derive(Debug, Clone, Default)]
pub struct Expression {
    pub(super) text: String,
    pub(super) condition: Option<String>,
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

    /// A further assignment of an update that begins with `SET`, and a further condition.
    pub fn also_set(mut self, assignment: &str, condition: &str) -> Self {
        self.text = self.text.replacen("SET ", &format!("SET {assignment}, "), 1);
        self.condition = Some(match self.condition {
            Some(others) => format!("{others} AND {condition}"),
            None => condition.to_owned(),
        });
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
    pub(super) fn names(&self) -> Option<HashMap<String, String>> {
        (!self.names.is_empty()).then(|| self.names.clone())
    }

    /// The values, or nothing.
    pub(super) fn values(&self) -> Option<HashMap<String, AttributeValue>> {
        (!self.values.is_empty()).then(|| self.values.clone())
    }
}
