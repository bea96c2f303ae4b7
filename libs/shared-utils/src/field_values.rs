//! Values of fields that many readers share, each with its JSON Schema.

use std::borrow::Cow;
use std::ops::RangeInclusive;

use serde_json::{Value, json};

use crate::text::is_blank;

/// The length of a text in Unicode code points.
pub fn length(text: &str) -> usize {
    text.chars().count()
}

/// The longest JSON spelling of a text of so many code points, in bytes: each as two escaped surrogates, with quotes and a comma.
pub const fn spelled(code_points: usize) -> usize {
    12 * code_points + 3
}

/// A text that is parsed has a schema of its own.
pub trait TextSchema {
    /// The JSON Schema of the texts that parse.
    fn text_schema() -> Value;
}

/// The JSON Schema of [`text_within`].
pub fn text_schema(bounds: &RangeInclusive<usize>) -> Value {
    let mut schema = json!({"type": "string", "minLength": bounds.start()});
    if *bounds.end() < usize::MAX {
        schema["maxLength"] = json!(bounds.end());
    }
    schema
}

/// The JSON Schema of [`read_date`].
pub fn date_schema() -> Value {
    json!({"type": "string", "format": "date", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"})
}

/// A text of a length within `bounds`, without U+0000; one that must have a character must have one that is visible.
pub fn text_within(value: Value, bounds: &RangeInclusive<usize>) -> Result<String, (&'static str, Cow<'static, str>)> {
    let Value::String(text) = value else { return Err(("wrong_type", "This must be a text.".into())) };
    let length = length(&text);
    if length > *bounds.end() {
        Err(("too_long", format!("At most {} characters.", bounds.end()).into()))
    } else if length < *bounds.start() {
        Err(("too_short", format!("At least {} characters.", bounds.start()).into()))
    } else if text.contains('\0') {
        Err(("invalid_value", "A text must not contain U+0000.".into()))
    } else if *bounds.start() > 0 && is_blank(&text) {
        Err(("blank", "This must contain something visible.".into()))
    } else {
        Ok(text)
    }
}

/// A calendar date as it was sent: `YYYY-MM-DD`.
pub fn read_date(value: Value) -> Result<String, (&'static str, Cow<'static, str>)> {
    match value {
        Value::String(text) if text.len() == 10 && text.parse::<jiff::civil::Date>().is_ok_and(|date| date.to_string() == text) => Ok(text),
        _ => Err(("invalid_value", "A date is YYYY-MM-DD.".into())),
    }
}

/// The JSON Schema of a whole number. A maximum that no number in a browser reaches is none.
pub fn integer_schema(bounds: &RangeInclusive<u64>) -> Value {
    let mut schema = json!({"type": "integer", "minimum": bounds.start()});
    if *bounds.end() <= 1 << 53 {
        schema["maximum"] = json!(bounds.end());
    }
    schema
}

/// The JSON Schema of one of these texts.
pub fn one_of(texts: &[&str]) -> Value {
    json!({"type": "string", "enum": texts})
}
