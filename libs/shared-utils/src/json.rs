//! Reads JSON from clients: an object with at most 16 levels. The depth is checked before any value is built.
//!
//! `serde_json` treats two member names specially. An object whose first member is `$serde_json::private::Number` or
//! `$serde_json::private::RawValue` is read as something else, the second one without any limit on its depth. For clients both are
//! ordinary names. So every [`Value`] from a client is read here, where `serde_json` never sees member names as part of a [`Value`].

use std::collections::BTreeMap;
use std::fmt::Write;

use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::number::Digits;

/// The maximum nesting depth of a body or frame.
const MAX_DEPTH: usize = 16;

/// The bytes are not a JSON object in UTF-8, or the object nests too deep.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no JSON object")]
pub struct InvalidJson;

/// Parses `bytes` as a JSON object.
pub fn object(bytes: &[u8]) -> Result<Map<String, Value>, InvalidJson> {
    let text = std::str::from_utf8(bytes).map_err(|_| InvalidJson)?;
    match parse(text, MAX_DEPTH) {
        Some(Value::Object(object)) => Ok(object),
        _ => Err(InvalidJson),
    }
}

/// Parses a JSON value. `None` if the text is not JSON, or nests deeper than `max_depth` levels.
pub fn parse(text: &str, max_depth: usize) -> Option<Value> {
    // The depth is checked first, so that a deep text costs no tree and no stack.
    if is_deeper_than(text.as_bytes(), max_depth) { None } else { value(serde_json::from_str(text).ok()?) }
}

/// Converts a raw text to a value. Each level is scanned once for each level above it.
fn value(raw: &RawValue) -> Option<Value> {
    let text = raw.get();
    Some(match text.as_bytes().first()? {
        b'{' => {
            let members: BTreeMap<String, &RawValue> = serde_json::from_str(text).ok()?;
            Value::Object(members.into_iter().map(|(name, raw)| Some((name, value(raw)?))).collect::<Option<_>>()?)
        }
        b'[' => {
            let entries: Vec<&RawValue> = serde_json::from_str(text).ok()?;
            Value::Array(entries.into_iter().map(value).collect::<Option<_>>()?)
        }
        // Other values have no members.
        _ => serde_json::from_str(text).ok()?,
    })
}

/// The canonical text of an object: members in order, numbers by value, no white space. Equal objects have equal texts.
pub fn canonical(object: &Map<String, Value>) -> String {
    let mut text = String::new();
    write_object(&mut text, object);
    text
}

fn write_object(text: &mut String, object: &Map<String, Value>) {
    text.push('{');
    // Maps are sorted by name.
    for (name, value) in object {
        write_value(text, &Value::String(name.clone()));
        text.push(':');
        write_value(text, value);
        text.push(',');
    }
    text.push('}');
}

fn write_value(text: &mut String, value: &Value) {
    match value {
        Value::Object(object) => write_object(text, object),
        Value::Array(entries) => {
            text.push('[');
            for entry in entries {
                write_value(text, entry);
                text.push(',');
            }
            text.push(']');
        }
        Value::Number(number) => {
            let Digits { negative, digits, exponent } = Digits::of(number);
            // Writing to a `String` cannot fail.
            let _ = write!(text, "{}{digits}e{exponent}", if negative { "-" } else { "" });
        }
        other => text.push_str(&other.to_string()),
    }
}

/// Whether brackets nest deeper than a body or frame may. Counts bytes, without parsing.
pub(crate) fn is_too_deep(bytes: &[u8]) -> bool {
    is_deeper_than(bytes, MAX_DEPTH)
}

fn is_deeper_than(bytes: &[u8], max_depth: usize) -> bool {
    let (mut depth, mut in_string, mut escaped) = (0usize, false, false);
    for byte in bytes {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'{' | b'[' if !in_string => {
                depth += 1;
                if depth > max_depth {
                    return true;
                }
            }
            b'}' | b']' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn sixteen_levels_pass_and_seventeen_do_not() {
        let nested = |levels: usize| format!("{}1{}", "{\"a\":".repeat(levels), "}".repeat(levels));
        assert!(object(nested(16).as_bytes()).is_ok());
        assert!(object(nested(17).as_bytes()).is_err());
        assert!(object(br#"{"a":"[[[[[[[[[[[[[[[[[[[[\"[["}"#).is_ok());
    }

    #[test]
    fn only_objects_pass() {
        for bad in [
            "",
            "null",
            "[]",
            "1",
            "\"a\"",
            "{",
            "{\"a\":\"\\ud800\"}",
            "{\"a\":NaN}",
            "{} {}",
            "{\"a\":{\"b\":\"\\ud800\"}}",
            "{\"a\":[1,]}",
            "{\"\\ud800\":1}",
        ] {
            assert!(object(bad.as_bytes()).is_err(), "{bad}");
        }
        assert!(object(b"{\"a\":\"\xff\"}").is_err());
        assert!(object(b"{\"a\":{\"b\":[\"\xff\"]}}").is_err());
    }

    #[test]
    fn member_names_have_no_special_meaning() {
        for name in ["$serde_json::private::Number", "$serde_json::private::RawValue", "\\u0024serde_json::private::RawValue"] {
            for value in ["\"5\"", "\"[[[[\"", "{\"email\":\"a@b.test\"}", "5"] {
                for text in
                    [format!("{{\"{name}\":{value}}}"), format!("{{\"a\":[{{\"{name}\":{value}}}]}}"), format!("{{\"{name}\":{value},\"b\":1}}")]
                {
                    let read = object(text.as_bytes()).unwrap_or_else(|_| panic!("{text}"));
                    let plain = object(text.replace("private", "public").as_bytes()).unwrap();
                    assert_eq!(Value::Object(read).to_string().replace("private", "public"), Value::Object(plain).to_string(), "{text}");
                }
            }
        }
        // A deep JSON text inside a string stays a string.
        let deep = format!("{{\"$serde_json::private::RawValue\":{}}}", json!("[".repeat(100_000)));
        assert_eq!(object(deep.as_bytes()).unwrap().len(), 1);
    }

    #[test]
    fn bodies_are_compared_by_value() {
        let canonical = |text: &str| canonical(&object(text.as_bytes()).unwrap());
        assert_eq!(canonical(r#"{"a":100,"b":[1.50, {"c":-0}]}"#), canonical(r#"{ "b": [15e-1,{"c":0.0}], "a": 1e2 }"#));
        assert_ne!(canonical(r#"{"a":100}"#), canonical(r#"{"a":1000}"#));
        assert_ne!(canonical(r#"{"a":"100"}"#), canonical(r#"{"a":100}"#));
        assert_ne!(canonical(r#"{"a":{"b":1},"c":1}"#), canonical(r#"{"a":{"b":1,"c":1}}"#));
    }
}
