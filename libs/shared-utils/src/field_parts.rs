//! Reading fields that hold arrays and objects.

use serde_json::{Map, Value, json};

use crate::fields::{FieldError, FieldLog, FieldPath, Fields, Patch};

impl<L: FieldLog> Fields<L> {
    /// The entries of an array of at most `max` entries of this schema, each with its path.
    pub fn array(&mut self, name: &str, max: usize, entry: impl FnOnce() -> Value) -> Patch<Vec<(FieldPath, Value)>> {
        self.log.field(name, || json!({"type": "array", "maxItems": max, "items": entry()}));
        self.entries(name, max)
    }

    fn entries(&mut self, name: &str, max: usize) -> Patch<Vec<(FieldPath, Value)>> {
        let base = self.path(name);
        let value = self.take(name);
        self.check(name, value, |value| match value {
            Value::Array(entries) if entries.len() > max => Err(("too_many", format!("At most {max} entries.").into())),
            Value::Array(entries) => Ok(entries.into_iter().enumerate().map(|(index, entry)| (base.join(index), entry)).collect()),
            _ => Err(("wrong_type", "This must be an array.".into())),
        })
    }

    /// An array of objects, each read by `read`. The field errors of all entries are kept.
    pub fn objects<T>(&mut self, name: &str, max: usize, mut read: impl FnMut(&mut Self) -> T) -> Patch<Vec<T>> {
        if L::RECORDS {
            let mut members = Self::at(Map::new(), FieldPath::default());
            read(&mut members);
            self.log.objects(name, max, members.log);
        }
        match self.entries(name, max) {
            Patch::Absent => Patch::Absent,
            Patch::Clear => Patch::Clear,
            Patch::Set(entries) => {
                let mut values = Vec::with_capacity(entries.len());
                for (path, entry) in entries {
                    if let Value::Object(object) = entry {
                        let mut fields = Self::at(object, path);
                        values.push(read(&mut fields));
                        self.faults.append(&mut fields.into_faults());
                    } else {
                        self.faults.push(FieldError::new(path, "wrong_type", "This must be an object."));
                    }
                }
                Patch::Set(values)
            }
        }
    }

    /// An object in a field, read by `read`. Its field errors are kept.
    pub fn nested<T>(&mut self, name: &str, read: impl FnOnce(&mut Self) -> T) -> Patch<T> {
        if L::RECORDS {
            let mut members = Self::at(Map::new(), FieldPath::default());
            read(&mut members);
            self.log.object(name, members.log);
            return Patch::Absent;
        }
        let path = self.path(name);
        match self.take(name) {
            Patch::Absent => Patch::Absent,
            Patch::Clear => Patch::Clear,
            Patch::Set(Value::Object(object)) => {
                let mut fields = Self::at(object, path);
                let value = read(&mut fields);
                self.faults.append(&mut fields.into_faults());
                Patch::Set(value)
            }
            Patch::Set(_) => {
                self.fault(name, "wrong_type", "This must be an object.");
                Patch::Absent
            }
        }
    }
}
