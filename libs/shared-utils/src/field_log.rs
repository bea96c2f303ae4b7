//! What a reader of fields tells of them.

use serde_json::Value;

/// Is told of every field that a reader asks for.
pub trait FieldLog: Default {
    /// Whether it keeps what it is told. Where it does, a body is empty, no fault is kept, and every nested reader runs once.
    const RECORDS: bool = false;

    /// A field, with the JSON Schema of its values.
    fn field(&mut self, _name: &str, _schema: impl FnOnce() -> Value) {}
    /// A field that must be there.
    fn required(&mut self, _name: &str) {}
    /// A field that may be absent, but not null.
    fn not_null(&mut self, _name: &str) {}
    /// An object that stands in a field.
    fn object(&mut self, _name: &str, _members: Self) {}
    /// An array of at most so many objects.
    fn objects(&mut self, _name: &str, _max: usize, _members: Self) {}
    /// Fields that are refused because the server alone writes them.
    fn read_only(&mut self, _names: &[&str]) {}
}

/// Logs nothing.
impl FieldLog for () {}
