//! One invalid value in the body of an error.

use schemars::JsonSchema;
use serde::Serialize;

use crate::fields::{FieldError, FieldPath};

/// A field error in a response.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "FieldError")]
pub struct Fault<'a> {
    /// RFC 6901 pointer to the value in the body.
    pointer: String,
    code: &'static str,
    detail: &'a str,
}

impl<'a> From<&'a FieldError> for Fault<'a> {
    fn from(error: &'a FieldError) -> Self {
        Self { pointer: pointer(&error.path), code: error.code, detail: &error.detail }
    }
}

/// The RFC 6901 pointer of a path.
fn pointer(path: &FieldPath) -> String {
    path.segments().iter().flat_map(|segment| ["/".to_owned(), segment.replace('~', "~0").replace('/', "~1")]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn field_paths_become_escaped_json_pointers() {
        assert_eq!(pointer(&FieldPath::from(["lines", "0", "a/b~c"])), "/lines/0/a~1b~0c");
    }
}
