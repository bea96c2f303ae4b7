//! Reading the environment. Every variable that a function reads is declared in `terraform/stack.yaml`.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
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
    values: BTreeMap<String, OsString>,
    asked: RefCell<BTreeSet<String>>,
}

impl Environment {
    /// The environment of this process.
    pub fn of_process() -> Self {
        let named = |(name, value): (OsString, OsString)| Some((name.into_string().ok()?, value));
        Self { values: std::env::vars_os().filter_map(named).collect(), asked: RefCell::default() }
    }

    /// An environment of these variables alone.
    pub fn of(values: BTreeMap<String, String>) -> Self {
        Self { values: values.into_iter().map(|(name, value)| (name, value.into())).collect(), asked: RefCell::default() }
    }

    /// The names of the variables that were asked for, set or not.
    pub fn asked(&self) -> BTreeSet<String> {
        self.asked.borrow().clone()
    }

    /// The variable's value; an empty one counts as absent.
    pub fn optional(&self, name: &str) -> Result<Option<String>, EnvError> {
        self.asked.borrow_mut().insert(name.to_owned());
        match self.values.get(name).map(|value| value.to_str()) {
            Some(Some("")) | None => Ok(None),
            Some(Some(value)) => Ok(Some(value.to_owned())),
            Some(None) => Err(EnvError::unusable(name, "not Unicode")),
        }
    }

    /// The variable's value, which must be there.
    pub fn required(&self, name: &str) -> Result<String, EnvError> {
        self.optional(name)?.ok_or_else(|| EnvError::Missing(name.to_owned()))
    }

    /// The variable's value as a number or another parsed type, `default` when it is absent.
    pub fn parsed<T: FromStr<Err: ToString>>(&self, name: &str, default: T) -> Result<T, EnvError> {
        match self.optional(name)? {
            Some(value) => value.parse().map_err(|error: T::Err| EnvError::unusable(name, error)),
            None => Ok(default),
        }
    }
}
