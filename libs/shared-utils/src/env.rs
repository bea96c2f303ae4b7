//! Reading the environment. Every variable that a function reads is declared in `terraform/stack.yaml`.

use std::cell::RefCell;
use std::collections::BTreeMap;
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

/// Environment variables. It remembers which ones were asked for, so that a test can compare them with the declared ones.
pub struct Environment {
    /// The variables; `None` for those of this process.
    values: Option<BTreeMap<String, String>>,
    asked: RefCell<Vec<&'static str>>,
}

impl Environment {
    /// The environment of this process.
    pub const fn of_process() -> Self {
        Self { values: None, asked: RefCell::new(Vec::new()) }
    }

    /// An environment of these variables alone.
    pub const fn of(values: BTreeMap<String, String>) -> Self {
        Self { values: Some(values), asked: RefCell::new(Vec::new()) }
    }

    /// The names of the variables that were asked for, set or not.
    pub fn asked(&self) -> Vec<&'static str> {
        self.asked.borrow().clone()
    }

    /// The variable's value; an empty one counts as absent.
    pub fn optional(&self, name: &'static str) -> Result<Option<String>, EnvError> {
        self.asked.borrow_mut().push(name);
        let value = match &self.values {
            Some(values) => values.get(name).cloned(),
            None => std::env::var_os(name).map(|value| value.into_string().map_err(|_| EnvError::unusable(name, "not Unicode"))).transpose()?,
        };
        Ok(value.filter(|value| !value.is_empty()))
    }

    /// The variable's value, which must be there.
    pub fn required(&self, name: &'static str) -> Result<String, EnvError> {
        self.optional(name)?.ok_or_else(|| EnvError::Missing(name.to_owned()))
    }

    /// The variable's value as a number or another parsed type, `default` when it is absent.
    pub fn parsed<T: FromStr<Err: ToString>>(&self, name: &'static str, default: T) -> Result<T, EnvError> {
        match self.optional(name)? {
            Some(value) => value.parse().map_err(|error: T::Err| EnvError::unusable(name, error)),
            None => Ok(default),
        }
    }
}
