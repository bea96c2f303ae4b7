//! Internal causes of failures, for the log only.

/// The cause of a failure. It has no `Display`, so that formatting cannot put it into a response.
pub struct Internal(String);

impl Internal {
    /// Keeps a cause for the log.
    pub fn new(cause: impl ToString) -> Self {
        Self(cause.to_string())
    }

    /// Keeps the texts of an error and of all its sources. It never keeps the raw response of a service, which may contain an item.
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
