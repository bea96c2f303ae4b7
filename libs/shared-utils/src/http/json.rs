//! Reading JSON from outside: an object, at most sixteen levels, before anything is built from it.

use serde_json::{Map, Value};

use super::Error;

/// How deep a body or frame may nest.
const MAX_DEPTH: usize = 16;

/// The JSON object that `bytes` spell, or [`Error::InvalidJson`].
pub fn object(bytes: &[u8]) -> Result<Map<String, Value>, Error> {
    if is_too_deep(bytes) {
        return Err(Error::InvalidJson);
    }
    match serde_json::from_slice(bytes) {
        Ok(Value::Object(object)) => Ok(object),
        _ => Err(Error::InvalidJson),
    }
}

/// Whether brackets nest deeper than allowed. Counted on the bytes, so that a deep body costs no tree and no stack.
pub(crate) fn is_too_deep(bytes: &[u8]) -> bool {
    let (mut depth, mut in_string, mut escaped) = (0usize, false, false);
    for byte in bytes {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'{' | b'[' if !in_string => {
                depth += 1;
                if depth > MAX_DEPTH {
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
        for bad in ["", "null", "[]", "1", "\"a\"", "{", "{\"a\":\"\\ud800\"}", "{\"a\":NaN}", "{} {}"] {
            assert!(object(bad.as_bytes()).is_err(), "{bad}");
        }
        assert!(object(b"{\"a\":\"\xff\"}").is_err());
    }
}
