//! Reading the environment. Every variable that a function reads is declared in `terraform/stack.yaml`.

use std::env::VarError;
use std::str::FromStr;

/// A variable that is missing or unreadable: the function cannot start, and says which.
#[derive(Debug, thiserror::Error)]
pub enum EnvError {
    /// The variable is not set.
    #[error("the environment variable {0} is not set")]
    Missing(String),
    /// The variable has a value that makes no sense.
    #[error("the environment variable {name} is not usable: {reason}")]
    Unusable {
        /// Its name.
        name: String,
        /// What is wrong with it; never its value.
        reason: String,
    },
}

impl EnvError {
    /// A variable whose value makes no sense, with the reason.
    pub fn unusable(name: &str, reason: impl ToString) -> Self {
        Self::Unusable { name: name.to_owned(), reason: reason.to_string() }
    }
}

/// The variable's value; an empty one counts as absent.
pub fn optional(name: &str) -> Result<Option<String>, EnvError> {
    match std::env::var(name) {
        Ok(value) if value.is_empty() => Ok(None),
        Ok(value) => Ok(Some(value)),
        Err(VarError::NotPresent) => Ok(None),
        Err(VarError::NotUnicode(_)) => Err(EnvError::unusable(name, "not Unicode")),
    }
}

/// The variable's value, which must be there.
pub fn required(name: &str) -> Result<String, EnvError> {
    optional(name)?.ok_or_else(|| EnvError::Missing(name.to_owned()))
}

/// The variable's value as a number or another parsed type, `default` when it is absent.
pub fn parsed<T: FromStr<Err: ToString>>(name: &str, default: T) -> Result<T, EnvError> {
    match optional(name)? {
        Some(value) => value.parse().map_err(|error: T::Err| EnvError::unusable(name, error)),
        None => Ok(default),
    }
}
