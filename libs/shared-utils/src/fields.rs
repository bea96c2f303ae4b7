//! Reads the fields of a JSON object and collects every field error, so that a client sees all of them at once.

use std::borrow::Cow;
use std::ops::RangeInclusive;
use std::str::FromStr;

use serde_json::{Map, Value, json};

pub use crate::field_errors::{FieldError, FieldErrors, FieldPath};
pub use crate::field_log::FieldLog;
pub use crate::field_values::{TextSchema, date_schema, integer_schema, length, one_of, read_date, spelled, text_schema, text_within};
use crate::number::Digits;
use crate::text::nfc;

/// The maximum number of field errors in one response.
const MAX_FAULTS: usize = 100;

/// A field of a merge patch.
#[derive(Debug, Clone, PartialEq)]
pub enum Patch<T> {
    /// The field is absent: its value does not change.
    Absent,
    /// The field is `null`: its value is cleared.
    Clear,
    /// The field has a value.
    Set(T),
}

impl<T> Patch<T> {
    /// The value, if the field has one.
    pub fn value(self) -> Option<T> {
        match self {
            Self::Set(value) => Some(value),
            Self::Absent | Self::Clear => None,
        }
    }

    /// Whether the field is in the object at all.
    pub const fn is_present(&self) -> bool {
        !matches!(self, Self::Absent)
    }
}

/// Takes fields out of an object one by one. Fields that remain at [`Fields::finish`] are unknown and become field errors.
pub struct Fields<L = ()> {
    object: Map<String, Value>,
    base: FieldPath,
    pub(crate) faults: Vec<FieldError>,
    pub(crate) log: L,
}

impl Fields {
    /// Reads the object at the root of a body.
    pub fn new(object: Map<String, Value>) -> Self {
        Self::at(object, FieldPath::default())
    }
}

impl<L: FieldLog> Fields<L> {
    /// Reads the object at the path `base` of the body.
    pub fn at(object: Map<String, Value>, base: FieldPath) -> Self {
        Self { object, base, faults: Vec::new(), log: L::default() }
    }

    /// What was logged.
    pub fn into_log(self) -> L {
        self.log
    }

    /// The path of the object.
    pub fn base(&self) -> &FieldPath {
        &self.base
    }

    /// The path of a field.
    pub fn path(&self, name: &str) -> FieldPath {
        self.base.join(name)
    }

    /// Adds an error for a field.
    pub fn fault(&mut self, name: &str, code: &'static str, detail: impl Into<Cow<'static, str>>) {
        if L::RECORDS {
            if code == "required" {
                self.log.required(name);
            }
            return;
        }
        self.faults.push(FieldError::new(self.path(name), code, detail));
    }

    /// Adds an error at a path below this object.
    pub fn fault_at(&mut self, within: &FieldPath, code: &'static str, detail: impl Into<Cow<'static, str>>) {
        if !L::RECORDS {
            self.faults.push(FieldError::new(self.base.join_all(within), code, detail));
        }
    }

    /// Adds errors that were found elsewhere.
    pub fn add(&mut self, faults: Vec<FieldError>) {
        self.faults.extend(faults);
    }

    /// Takes a field as it stands; its values have this JSON Schema.
    pub fn raw(&mut self, name: &str, schema: impl FnOnce() -> Value) -> Patch<Value> {
        self.log.field(name, schema);
        self.take(name)
    }

    pub(crate) fn take(&mut self, name: &str) -> Patch<Value> {
        match self.object.remove(name) {
            None => Patch::Absent,
            Some(Value::Null) => Patch::Clear,
            Some(value) => Patch::Set(value),
        }
    }

    /// Whether this field has an error.
    pub fn is_faulty_at(&self, name: &str) -> bool {
        let path = self.path(name);
        self.faults.iter().any(|fault| fault.path == path)
    }

    /// Adds a `read_only` error with this reason for each of these fields that is present.
    pub fn refuse(&mut self, names: &[&str], reason: &'static str) {
        self.log.read_only(names);
        for name in names {
            if self.object.remove(*name).is_some() {
                self.fault(name, "read_only", reason);
            }
        }
    }

    /// A field's text. The field stays in the object.
    pub fn peek(&self, name: &str) -> Option<&str> {
        self.object.get(name).and_then(Value::as_str)
    }

    /// Whether a field is present. `null` counts as present.
    pub fn has(&self, name: &str) -> bool {
        self.object.contains_key(name)
    }

    /// Removes fields that are accepted and ignored.
    pub fn ignore(&mut self, names: &[&str]) {
        for name in names {
            self.object.remove(*name);
        }
    }

    /// Adds an error for each of these fields that is present, because only the server sets them.
    pub fn read_only(&mut self, names: &[&str]) {
        self.refuse(names, "This field is read-only.");
    }

    /// A value with this JSON Schema, read by `read`; its error is the code and detail of the fault.
    pub fn read<T>(
        &mut self,
        name: &str,
        schema: impl FnOnce() -> Value,
        read: impl FnOnce(Value) -> Result<T, (&'static str, Cow<'static, str>)>,
    ) -> Patch<T> {
        let value = self.raw(name, schema);
        self.check(name, value, read)
    }

    pub(crate) fn check<T>(
        &mut self,
        name: &str,
        value: Patch<Value>,
        read: impl FnOnce(Value) -> Result<T, (&'static str, Cow<'static, str>)>,
    ) -> Patch<T> {
        match value {
            Patch::Absent => Patch::Absent,
            Patch::Clear => Patch::Clear,
            Patch::Set(value) => match read(value) {
                Ok(value) => Patch::Set(value),
                Err((code, detail)) => {
                    self.fault(name, code, detail);
                    Patch::Absent
                }
            },
        }
    }

    /// A text whose length in code points is within `bounds`.
    pub fn string(&mut self, name: &str, bounds: RangeInclusive<usize>) -> Patch<String> {
        self.read(name, || text_schema(&bounds), |value| text_within(value, &bounds))
    }

    /// As [`Self::string`], for a person's name. The bounds apply to the stored form, which is NFC.
    pub fn name(&mut self, name: &str, bounds: RangeInclusive<usize>) -> Patch<String> {
        let schema = || text_schema(&bounds);
        self.read(name, schema, |value| {
            let value = match value {
                Value::String(text) => Value::String(nfc(&text)),
                other => other,
            };
            text_within(value, &bounds)
        })
    }

    /// A required text, which must not be blank.
    pub fn required_string(&mut self, name: &str, bounds: RangeInclusive<usize>) -> String {
        let value = self.string(name, bounds);
        self.require(name, value).unwrap_or_default()
    }

    /// Adds a `required` error for an absent or null value, unless the field already has an error.
    pub fn require<T>(&mut self, name: &str, value: Patch<T>) -> Option<T> {
        if let Patch::Set(value) = value {
            return Some(value);
        }
        if !self.is_faulty_at(name) {
            self.fault(name, "required", "This field is required.");
        }
        None
    }

    /// Notes a fault for a value that was null, where null has no meaning.
    pub fn refuse_null<T>(&mut self, name: &str, value: &Patch<T>, detail: &'static str) {
        self.log.not_null(name);
        if matches!(value, Patch::Clear) {
            self.fault(name, "required", detail);
        }
    }

    /// `true` or `false`.
    pub fn boolean(&mut self, name: &str) -> Patch<bool> {
        self.read(name, || json!({"type": "boolean"}), |value| value.as_bool().ok_or(("wrong_type", "This must be true or false.".into())))
    }

    /// A whole number within `bounds`. `2`, `2.0` and `2e0` are the same number.
    pub fn integer(&mut self, name: &str, bounds: RangeInclusive<u64>) -> Patch<u64> {
        let schema = || integer_schema(&bounds);
        self.read(name, schema, |value| match value {
            Value::Number(number) => match Digits::of(&number).whole() {
                Some(number) if bounds.contains(&number) => Ok(number),
                _ => Err(("out_of_range", format!("This must be a whole number from {} to {}.", bounds.start(), bounds.end()).into())),
            },
            _ => Err(("wrong_type", "This must be a whole number.".into())),
        })
    }

    /// A text that parses as `T`, such as an id, a role or a date.
    pub fn parsed<T: FromStr + TextSchema>(&mut self, name: &str, expected: &'static str) -> Patch<T> {
        self.read(name, T::text_schema, |value| match value {
            Value::String(text) => text.parse().map_err(|_| ("invalid_value", expected.into())),
            _ => Err(("wrong_type", expected.into())),
        })
    }

    /// Whether there is any field error so far.
    pub fn is_faulty(&self) -> bool {
        !self.faults.is_empty()
    }

    /// The field errors so far, without those for fields that were not taken.
    pub fn into_error(self) -> FieldErrors {
        FieldErrors(self.faults)
    }

    /// All field errors, including one for each field that was not taken.
    pub fn into_faults(mut self) -> Vec<FieldError> {
        for name in std::mem::take(&mut self.object).keys() {
            self.faults.push(FieldError::new(self.path(name), "unknown_field", "There is no such field."));
        }
        // The size of a response is limited, and a hundred errors are enough to correct.
        self.faults.truncate(MAX_FAULTS);
        self.faults
    }

    /// As [`Self::finish`], for fields that somebody else owns.
    pub fn end(&mut self) -> Result<(), FieldErrors> {
        let fields =
            Self { object: std::mem::take(&mut self.object), base: self.base.clone(), faults: std::mem::take(&mut self.faults), log: L::default() };
        fields.finish()
    }

    /// Ends the reading. An error lists every field error.
    pub fn finish(self) -> Result<(), FieldErrors> {
        FieldErrors::check(self.into_faults())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn fields(value: Value) -> Fields {
        let Value::Object(object) = value else { unreachable!() };
        Fields::new(object)
    }

    #[test]
    fn every_field_error_is_listed_with_its_path() {
        let mut fields = fields(json!({"title": "", "n": -1, "a/b": 1, "list": [{"x": 1}, 2], "version": 3}));
        fields.required_string("title", 1..=5);
        fields.integer("n", 0..=9);
        fields.read_only(&["version"]);
        fields.objects("list", 9, |entry| entry.string("x", 0..=9));
        fields.required_string("missing", 1..=5);
        let mut found: Vec<_> = fields.into_faults().into_iter().map(|fault| (fault.path, fault.code)).collect();
        found.sort();
        let expected = [
            (FieldPath::from("a/b"), "unknown_field"),
            (FieldPath::from(["list", "0", "x"]), "wrong_type"),
            (FieldPath::from(["list", "1"]), "wrong_type"),
            (FieldPath::from("missing"), "required"),
            (FieldPath::from("n"), "out_of_range"),
            (FieldPath::from("title"), "too_short"),
            (FieldPath::from("version"), "read_only"),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn length_counts_code_points() {
        assert_eq!(fields(json!({"t": "žluťák"})).string("t", 0..=6), Patch::Set("žluťák".to_owned()));
    }
}
