//! What went wrong inside: for the log, and for nobody else.

/// The cause of a failure. It has no `Display`, so it cannot end up in an answer by formatting.
pub struct Internal(String);

impl Internal {
    /// Keeps a cause for the log.
    pub fn new(cause: impl ToString) -> Self {
        Self(cause.to_string())
    }

    /// Keeps an error with everything that caused it, in their own words: never the raw answer of a service, which may hold an item.
    pub fn caused_by(error: &(dyn std::error::Error + 'static)) -> Self {
        Self(std::iter::successors(Some(error), |error| error.source()).map(ToString::to_string).collect::<Vec<_>>().join(": "))
    }

    /// The text for a log line.
    pub fn for_log(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Internal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Internal(…)")
    }
}
