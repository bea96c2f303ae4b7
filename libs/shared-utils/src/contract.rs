//! What the generated contract says of an operation beside its route. Functions do not call any of this, so nothing of it is linked into
//! them; `libs/contract` makes the documents from it.

use http::Method;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Map, Value, json};

use crate::fields::{FieldLog, Fields};

/// Keeps what a reader asks of an object, as a JSON Schema.
#[derive(Debug, Default)]
pub struct Recorder {
    members: Map<String, Value>,
    required: Vec<String>,
    not_null: Vec<String>,
    read_only: Vec<String>,
}

impl FieldLog for Recorder {
    const RECORDS: bool = true;

    fn field(&mut self, name: &str, schema: impl FnOnce() -> Value) {
        self.members.insert(name.to_owned(), schema());
    }

    fn required(&mut self, name: &str) {
        if !self.required.iter().any(|known| known == name) {
            self.required.push(name.to_owned());
        }
    }

    fn not_null(&mut self, name: &str) {
        self.not_null.push(name.to_owned());
    }

    fn object(&mut self, name: &str, members: Self) {
        self.members.insert(name.to_owned(), members.into_schema());
    }

    fn objects(&mut self, name: &str, max: usize, members: Self) {
        self.members.insert(name.to_owned(), json!({"type": "array", "maxItems": max, "items": members.into_schema()}));
    }

    fn read_only(&mut self, names: &[&str]) {
        self.read_only.extend(names.iter().map(ToString::to_string));
    }
}

impl Recorder {
    /// The schema of the object that `read` reads.
    pub fn record(read: impl FnOnce(&mut Fields<Self>)) -> Value {
        let mut fields = Fields::at(Map::new(), crate::fields::FieldPath::default());
        read(&mut fields);
        fields.into_log().into_schema()
    }

    /// As [`Self::record`], of a body in which this member has this value.
    pub fn record_with(name: &str, value: &str, read: impl FnOnce(&mut Fields<Self>)) -> Value {
        let mut fields = Fields::at(Map::from_iter([(name.to_owned(), json!(value))]), crate::fields::FieldPath::default());
        read(&mut fields);
        let mut schema = fields.into_log().into_schema();
        schema["properties"][name] = json!({"const": value});
        match schema["required"].as_array_mut() {
            Some(required) => required.push(json!(name)),
            None => schema["required"] = json!([name]),
        }
        schema
    }

    /// An object of these members and no others. A member that is not required may be null, which counts as absent or clears it.
    fn into_schema(mut self) -> Value {
        self.required.sort();
        for (name, schema) in &mut self.members {
            if !self.required.contains(name) && !self.not_null.contains(name) {
                *schema = json!({"anyOf": [schema.take(), {"type": "null"}]});
            }
        }
        let mut schema = json!({"type": "object", "properties": self.members, "additionalProperties": false});
        if !self.required.is_empty() {
            schema["required"] = json!(self.required);
        }
        if !self.read_only.is_empty() {
            schema["description"] = json!(format!("Refused as read-only: {}.", self.read_only.join(", ")));
        }
        schema
    }
}

/// A sealed cursor: opaque to clients.
pub fn cursor_schema() -> Value {
    json!({"type": "string", "pattern": "^[A-Za-z0-9_-]+$"})
}

/// A response of an operation.
pub struct ResponseContract {
    /// The status.
    pub status: u16,
    /// When it comes.
    pub description: &'static str,
    /// The schema of its body, if it has one.
    pub schema: Option<fn(&mut SchemaGenerator) -> Schema>,
    /// Headers of it beside those of every response.
    pub headers: &'static [&'static str],
}

/// A parameter of a query.
pub struct QueryParameter {
    /// Its name.
    pub name: &'static str,
    /// What it does.
    pub description: &'static str,
    /// The schema of its values.
    pub schema: Value,
}

/// An operation, as far as its route does not say it.
pub struct Operation {
    /// The route's method.
    pub method: Method,
    /// The route's pattern.
    pub pattern: &'static str,
    /// What generated clients call it.
    pub id: &'static str,
    /// One line.
    pub summary: &'static str,
    /// More.
    pub description: &'static str,
    /// The schema of the body.
    pub request: Option<Value>,
    /// Successful responses.
    pub responses: Vec<ResponseContract>,
    /// Error codes beside those that its route implies.
    pub errors: Vec<&'static str>,
    /// Parameters of the query.
    pub query: Vec<QueryParameter>,
    /// Request headers that it reads.
    pub headers: Vec<&'static str>,
}

impl Operation {
    /// An operation without body, parameters and responses.
    pub fn new(method: Method, pattern: &'static str, id: &'static str, summary: &'static str, description: &'static str) -> Self {
        Self {
            method,
            pattern,
            id,
            summary,
            description,
            request: None,
            responses: Vec::new(),
            errors: Vec::new(),
            query: Vec::new(),
            headers: Vec::new(),
        }
    }

    /// Takes the body that `read` reads.
    pub fn takes(mut self, read: impl FnOnce(&mut Fields<Recorder>)) -> Self {
        self.request = Some(Recorder::record(read));
        self
    }

    /// Takes a body of this schema.
    pub fn takes_schema(mut self, schema: Value) -> Self {
        self.request = Some(schema);
        self
    }

    /// Responds with a body of this type.
    pub fn gives<T: JsonSchema>(mut self, status: u16, description: &'static str, headers: &'static [&'static str]) -> Self {
        self.responses.push(ResponseContract { status, description, schema: Some(SchemaGenerator::subschema_for::<T>), headers });
        self
    }

    /// Responds without a body.
    pub fn gives_nothing(mut self, status: u16, description: &'static str, headers: &'static [&'static str]) -> Self {
        self.responses.push(ResponseContract { status, description, schema: None, headers });
        self
    }

    /// May fail with these codes.
    pub fn fails(mut self, codes: &[&'static str]) -> Self {
        self.errors.extend(codes);
        self
    }

    /// Has this parameter in its query.
    pub fn asks(mut self, name: &'static str, description: &'static str, schema: Value) -> Self {
        self.query.push(QueryParameter { name, description, schema });
        self
    }

    /// Gives pages.
    pub fn paged(self) -> Self {
        let limit = json!({"type": "integer", "minimum": 1, "default": 50});
        self.asks("limit", "How many items a page has at most. More than 100 counts as 100.", limit)
            .asks("cursor", "Where the page begins: `nextCursor` of the page before.", cursor_schema())
            .fails(&["invalid_cursor"])
    }

    /// Reads an idempotency key.
    pub fn idempotent(mut self) -> Self {
        self.headers.push("Idempotency-Key");
        self.fails(&["invalid_parameter", "idempotency_mismatch"])
    }

    /// Writes only where `If-Match` names the present version.
    pub fn conditional(mut self) -> Self {
        self.headers.push("If-Match");
        self.fails(&["version_mismatch"])
    }

    /// Responds with 304 where `If-None-Match` names the present version.
    pub fn cacheable(mut self) -> Self {
        self.headers.push("If-None-Match");
        self.gives_nothing(304, "The client has the present version.", &["ETag"])
    }

    /// Reads this header.
    pub fn header(mut self, name: &'static str) -> Self {
        self.headers.push(name);
        self
    }
}
