//! The schemas of types, as both documents have them.

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value, json};

use crate::fields::describe;

/// Makes schemas of responses and frames, and keeps those that have names.
pub(crate) struct Schemas {
    generator: SchemaGenerator,
}

impl Schemas {
    pub(crate) fn new() -> Self {
        let settings = SchemaSettings::draft2020_12().for_serialize().with(|settings| {
            settings.definitions_path = "/components/schemas".into();
            settings.meta_schema = None;
        });
        Self { generator: settings.into_generator() }
    }

    pub(crate) fn generator(&mut self) -> &mut SchemaGenerator {
        &mut self.generator
    }

    /// The schema of a type, or a reference to it.
    pub(crate) fn of<T: JsonSchema>(&mut self) -> Value {
        self.generator.subschema_for::<T>().to_value()
    }

    /// Every schema that has a name. Objects have no members but those that are named.
    pub(crate) fn into_components(mut self) -> Map<String, Value> {
        let mut components = self.generator.take_definitions(true);
        // Their variants stand in the documents one by one.
        for union in ["CloseFrame", "Frame", "LockFrame", "ProjectFrame", "Reply"] {
            components.remove(union);
        }
        for (name, schema) in &mut components {
            close(schema);
            describe(schema, name);
        }
        components
    }
}

/// Says of every object that it has no other members.
pub(crate) fn close(schema: &mut Value) {
    match schema {
        Value::Object(object) => {
            if object.contains_key("properties") && !object.contains_key("additionalProperties") && !object.contains_key("unevaluatedProperties") {
                object.insert("unevaluatedProperties".to_owned(), json!(false));
            }
            object.values_mut().for_each(close);
        }
        Value::Array(entries) => entries.iter_mut().for_each(close),
        _ => {}
    }
}
