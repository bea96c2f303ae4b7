//! Reads the environment. Every variable that a function reads is declared in `terraform/stack.yaml`.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::str::FromStr;

/// A missing or unusable variable. The function cannot start, and the error names the variable.
#[derive(Debug, thiserror::Error)]
pub enum EnvError {
    /// The variable is not set.
    #[error("the environment variable {0} is not set")]
    Missing(String),
    /// The variable's value is not usable.
    #[error("the environment variable {name} is not usable: {reason}")]
    Unusable {
        /// The variable's name.
        name: String,
        /// The reason. It never contains the value.
        reason: String,
    },
}

impl EnvError {
    /// An unusable variable, with the reason.
    pub fn unusable(name: &str, reason: impl ToString) -> Self {
        Self::Unusable { name: name.to_owned(), reason: reason.to_string() }
    }
}

/// Environment variables. It records which names were read, so that a test can compare them with the declared ones.
pub struct Environment {
    /// The variables, or `None` for those of this process.
    values: Option<BTreeMap<String, String>>,
    asked: RefCell<Vec<&'static str>>,
}

impl Environment {
    /// The environment of this process.
    pub const fn of_process() -> Self {
        Self { values: None, asked: RefCell::new(Vec::new()) }
    }

    /// An environment with only these variables.
    pub const fn of(values: BTreeMap<String, String>) -> Self {
        Self { values: Some(values), asked: RefCell::new(Vec::new()) }
    }

    /// The names of all variables that were read, whether set or not.
    pub fn asked(&self) -> Vec<&'static str> {
        self.asked.borrow().clone()
    }

    /// The variable's value. An empty value counts as absent.
    pub fn optional(&self, name: &'static str) -> Result<Option<String>, EnvError> {
        self.asked.borrow_mut().push(name);
        let value = match &self.values {
            Some(values) => values.get(name).cloned(),
            None => std::env::var_os(name).map(|value| value.into_string().map_err(|_| EnvError::unusable(name, "not Unicode"))).transpose()?,
        };
        Ok(value.filter(|value| !value.is_empty()))
    }

    /// The variable's value, which must be set.
    pub fn required(&self, name: &'static str) -> Result<String, EnvError> {
        self.optional(name)?.ok_or_else(|| EnvError::Missing(name.to_owned()))
    }

    /// The variable's value, parsed as `T`, or `default` if it is absent.
    pub fn parsed<T: FromStr<Err: ToString>>(&self, name: &'static str, default: T) -> Result<T, EnvError> {
        match self.optional(name)? {
            Some(value) => value.parse().map_err(|error: T::Err| EnvError::unusable(name, error)),
            None => Ok(default),
        }
    }
}
