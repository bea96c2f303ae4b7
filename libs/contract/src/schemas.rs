//! The schemas of types, as both documents have them.

use std::collections::BTreeSet;

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator};
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::codes;
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
        restrict(&mut components, "FieldError", &codes::FIELD_CODES.to_vec());
        restrict(&mut components, "Problem", &codes::CODES.iter().map(|code| code.code).collect::<BTreeSet<_>>());
        for (name, text) in IDS {
            if let Some(schema) = components.get_mut(*name) {
                schema["description"] = json!(text);
            }
        }
        for (name, schema) in &mut components {
            close(schema);
            describe(schema, name);
        }
        components
    }
}

/// What an id names.
const IDS: &[(&str, &str)] = &[
    ("BudgetId", "The id of a budget."),
    ("ConversationId", "The id of a conversation."),
    ("LineId", "The id of a line of a budget, the same in every revision."),
    ("MessageId", "The id of a message."),
    ("NotificationId", "The id of a notification."),
    ("ProjectId", "The id of a project."),
    ("SessionId", "The id of a session."),
    ("UserId", "The id of a person."),
];

/// Says which codes a schema's `code` may have.
fn restrict(components: &mut Map<String, Value>, name: &str, codes: &impl Serialize) {
    if let Some(schema) = components.get_mut(name) {
        schema["properties"]["code"]["enum"] = json!(codes);
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
