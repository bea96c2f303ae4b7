//! Reads exports of `DynamoDB` tables: the output of `aws dynamodb scan`, an export to S3 (its unzipped files one after another),
//! or plain JSON.

use serde_json::value::RawValue;
use serde_json::{Map, Value};
use shared_utils::json;

/// A row as plain JSON.
pub type Row = Map<String, Value>;

/// Why an export cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// A row is not JSON.
    #[error("row {row} is not JSON: {reason}")]
    NotJson {
        /// The number of the row, from 1.
        row: usize,
        /// The reason.
        reason: String,
    },
    /// The listing of the old bucket cannot be read.
    #[error("it is no listing of a bucket: {0}")]
    NoListing(String),
    /// The export is only one page. The rows of the other pages would be missing without notice.
    #[error("it is one page of an export: {member} says that there are others")]
    Partial {
        /// The member that shows this.
        member: &'static str,
    },
}

/// The maximum nesting depth of a row. A table attribute has at most 32 levels, and each takes two levels here.
const MAX_DEPTH: usize = 80;
/// The members of a page that other pages follow.
const CONTINUATIONS: [&str; 2] = ["LastEvaluatedKey", "NextToken"];

/// The rows of an export.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Export {
    /// The entries that are objects.
    pub rows: Vec<Row>,
    /// The entries that are not rows: their number from 1, and the reason.
    pub refused: Vec<(usize, String)>,
}

impl Export {
    fn refuse(&mut self, why: impl Into<String>) {
        self.refused.push((self.rows.len() + self.refused.len() + 1, why.into()));
    }

    fn add(&mut self, entry: Value) {
        let Value::Object(row) = entry else {
            self.refuse(format!("it is no object but {}", kind(&entry)));
            return;
        };
        let typed = !row.is_empty() && row.values().all(is_typed);
        self.rows.push(if typed { row.into_iter().map(|(name, value)| (name, plain(value))).collect() } else { row });
    }
}

/// The kind of a value, in words.
const fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

/// Reads an export.
pub fn read(text: &str) -> Result<Export, ExportError> {
    let mut export = Export::default();
    for value in serde_json::Deserializer::from_str(text).into_iter::<&RawValue>() {
        let value = value.map_err(|error| ExportError::NotJson { row: export.rows.len() + export.refused.len() + 1, reason: error.to_string() })?;
        let Some(value) = json::parse(value.get(), MAX_DEPTH) else {
            export.refuse(format!("it nests deeper than {MAX_DEPTH} levels"));
            continue;
        };
        match value {
            Value::Array(entries) => entries.into_iter().for_each(|entry| export.add(entry)),
            Value::Object(mut object) => {
                if object.contains_key("Items")
                    && let Some(member) = CONTINUATIONS.into_iter().find(|member| object.get(*member).is_some_and(|value| !value.is_null()))
                {
                    return Err(ExportError::Partial { member });
                }
                match (object.remove("Items"), object.remove("Item")) {
                    (Some(Value::Array(entries)), _) => entries.into_iter().for_each(|entry| export.add(entry)),
                    (Some(other), _) | (None, Some(other)) => export.add(other),
                    (None, None) => export.add(Value::Object(object)),
                }
            }
            other => export.add(other),
        }
    }
    Ok(export)
}

/// Whether a value has its `DynamoDB` type.
fn is_typed(value: &Value) -> bool {
    let types = ["S", "N", "BOOL", "NULL", "L", "M", "SS", "NS", "B", "BS"];
    value.as_object().is_some_and(|object| object.len() == 1 && object.keys().all(|name| types.contains(&name.as_str())))
}

/// A typed value without its type. Numbers keep their digits.
fn plain(value: Value) -> Value {
    let Value::Object(object) = value else { return value };
    let Some((kind, value)) = object.into_iter().next() else { return Value::Null };
    match (kind.as_str(), value) {
        ("NULL", _) => Value::Null,
        ("N", Value::String(digits)) => number(&digits),
        ("NS", Value::Array(entries)) => Value::Array(entries.iter().filter_map(Value::as_str).map(number).collect()),
        ("L", Value::Array(entries)) => Value::Array(entries.into_iter().map(plain).collect()),
        ("M", Value::Object(members)) => Value::Object(members.into_iter().map(|(name, value)| (name, plain(value))).collect()),
        (_, value) => value,
    }
}

fn number(digits: &str) -> Value {
    digits.parse().map_or_else(|_| Value::String(digits.to_owned()), Value::Number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_an_export_gives_the_same_rows() {
        let typed = r#"{"id": {"S": "P-1"}, "cost": {"N": "18.499999999999996"}, "tags": {"L": [{"S": "a"}, {"NULL": true}]}, "place": {"M": {"lat": {"N": "1"}}}, "names": {"SS": ["x"]}}"#;
        let plain = r#"{"id": "P-1", "cost": 18.499999999999996, "tags": ["a", null], "place": {"lat": 1}, "names": ["x"]}"#;
        let expected: Row = serde_json::from_str(plain).unwrap();
        for text in [
            format!(r#"{{"Items": [{typed}, {typed}], "Count": 2, "ScannedCount": 2}}"#),
            format!("{{\"Item\": {typed}}}\n{{\"Item\": {typed}}}\n"),
            format!("[{plain}, {plain}]"),
            format!("{plain}\n{plain}"),
        ] {
            assert_eq!(read(&text).unwrap().rows, [expected.clone(), expected.clone()], "{text}");
        }
        assert_eq!(expected["cost"].to_string(), "18.499999999999996", "no digit is lost");
    }

    #[test]
    fn invalid_exports_name_the_row() {
        assert_eq!(read("").unwrap(), Export::default());
        assert_eq!(read(r#"{"Items": []}"#).unwrap(), Export::default());
        assert_eq!(read(r#"{"a": 1} nonsense"#).unwrap_err().to_string().split(':').next(), Some("row 2 is not JSON"));
        for member in CONTINUATIONS {
            let page = format!(r#"{{"Items": [], "{member}": {{"projectId": {{"S": "P-1"}}}}}}"#);
            assert!(read(&page).unwrap_err().to_string().contains(member), "{page}");
        }
        assert_eq!(read(r#"{"Items": [], "LastEvaluatedKey": null}"#).unwrap(), Export::default());
        // Only the entries that are not rows are refused.
        let export = read(r#"[{"a": 1}, 7, {"a": 2}, null] "x""#).unwrap();
        assert_eq!((export.rows.len(), export.refused.iter().map(|(row, _)| *row).collect::<Vec<_>>()), (2, vec![2, 4, 5]));
        let deep = format!(r#"{{"a": 1}} {{"a": {}1{}}} {{"a": 2}}"#, "[".repeat(90), "]".repeat(90));
        assert_eq!(read(&deep).map(|export| (export.rows.len(), export.refused.len())).unwrap(), (2, 1));
    }
}
