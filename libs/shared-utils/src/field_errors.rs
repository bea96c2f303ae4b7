//! Field errors: invalid values and their paths.

use std::borrow::Cow;

/// The path of a value in a request: member names and array indices, from the outside in.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct FieldPath(Vec<String>);

impl FieldPath {
    /// The path of a member or entry of the value at this path.
    #[must_use]
    pub fn join(&self, segment: impl ToString) -> Self {
        Self(self.0.iter().cloned().chain([segment.to_string()]).collect())
    }

    /// The path of a value within the value at this path.
    #[must_use]
    pub fn join_all(&self, within: &Self) -> Self {
        Self(self.0.iter().chain(&within.0).cloned().collect())
    }

    /// The member names and array indices of the path.
    pub fn segments(&self) -> &[String] {
        &self.0
    }
}

impl From<&str> for FieldPath {
    fn from(name: &str) -> Self {
        Self(vec![name.to_owned()])
    }
}

impl<const N: usize> From<[&str; N]> for FieldPath {
    fn from(segments: [&str; N]) -> Self {
        Self(segments.map(str::to_owned).to_vec())
    }
}

impl std::fmt::Display for FieldPath {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0.join("/"))
    }
}

/// One invalid value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    /// The path of the value.
    pub path: FieldPath,
    /// Stable `snake_case` code: `required`, `unknown_field`, `read_only`, `wrong_type`, `too_long`, `out_of_range`, `invalid_value`…
    pub code: &'static str,
    /// The text for people.
    pub detail: Cow<'static, str>,
}

impl FieldError {
    /// An error at `path`.
    pub fn new(path: impl Into<FieldPath>, code: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { path: path.into(), code, detail: detail.into() }
    }
}

/// Invalid values, at least one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("some values are not valid")]
pub struct FieldErrors(pub Vec<FieldError>);

impl FieldErrors {
    /// `Ok` if there are no errors, else the errors.
    pub fn check(errors: Vec<FieldError>) -> Result<(), Self> {
        if errors.is_empty() { Ok(()) } else { Err(Self(errors)) }
    }
}

impl From<FieldError> for FieldErrors {
    fn from(error: FieldError) -> Self {
        Self(vec![error])
    }
}
