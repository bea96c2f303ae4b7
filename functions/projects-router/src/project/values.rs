//! Validates the value of a project field. Returns every error with its path within the value.

use std::borrow::Cow;

use objects::ObjectKey;
use serde_json::{Map, Value, json};
use shared_utils::fields::{FieldError, FieldPath, date_schema, read_date, text_schema, text_within};
use shared_utils::text::is_link;

use super::fields::ProjectFieldKind;

type Fault = (&'static str, Cow<'static, str>);

/// The maximum number of entries in a list.
const MAX_ENTRIES: usize = 100;
/// The maximum number of files in all folders together.
const MAX_FILES: usize = 500;

/// Prefixes the path of each error with `name`.
fn within(name: impl ToString, errors: Vec<FieldError>) -> impl Iterator<Item = FieldError> {
    let name = FieldPath::default().join(name);
    errors.into_iter().map(move |error| FieldError { path: name.join_all(&error.path), ..error })
}

/// An error at the value itself (empty path).
fn of_value((code, detail): Fault) -> FieldError {
    FieldError::new(FieldPath::default(), code, detail)
}

/// Validates the value of one field. Returns the value to store, or all errors.
pub fn read(kind: ProjectFieldKind, value: Value) -> Result<Value, Vec<FieldError>> {
    let text = |value: Value, max: usize| text_within(value, &(0..=max)).map(Value::String);
    match kind {
        ProjectFieldKind::Location => object(value, &["lat", "lng"], &["accuracy"], number_of_location),
        ProjectFieldKind::Texts => array(value, |entry| single(text(entry, 500))),
        ProjectFieldKind::Links => array(value, |entry| single(link(entry, 500))),
        ProjectFieldKind::QuickLinks => array(value, |entry| {
            object(entry, &["title", "url"], &["id"], |name, value| if name == "url" { link(value, 2_000) } else { text(value, 200) })
        }),
        ProjectFieldKind::Contact => object(value, &[], &["name", "phone", "contact"], |_, value| text(value, 500)),
        ProjectFieldKind::CustomFolders => array(value, |entry| object(entry, &["key", "name"], &[], |_, value| text(value, 500))),
        ProjectFieldKind::Folders => folders(value),
        ProjectFieldKind::Galleries => array(value, |entry| {
            object(entry, &["id", "name"], &["slug", "cover"], |name, value| if name == "cover" { link(value, 2_000) } else { text(value, 2_000) })
        }),
        kind => single(read_scalar(kind, value)),
    }
}

/// The JSON Schema of the values of one field.
pub fn schema(kind: ProjectFieldKind) -> Value {
    let text = |max: usize| text_schema(&(0..=max));
    let list = |entry: Value| json!({"type": "array", "maxItems": MAX_ENTRIES, "items": entry});
    let number = |least: f64, most: f64| json!({"type": "number", "minimum": least, "maximum": most});
    let object =
        |required: &[&str], members: Value| json!({"type": "object", "required": required, "properties": members, "additionalProperties": false});
    match kind {
        ProjectFieldKind::Title => text_schema(&(1..=200)),
        ProjectFieldKind::Text(max) => text(max),
        ProjectFieldKind::Color => json!({"type": "string", "pattern": "^#[0-9A-Fa-f]{6}$"}),
        ProjectFieldKind::Date => date_schema(),
        ProjectFieldKind::Location => {
            let accuracy = number(0.0, f64::from(u32::MAX));
            object(&["lat", "lng"], json!({"lat": number(-90.0, 90.0), "lng": number(-180.0, 180.0), "accuracy": nullable(accuracy)}))
        }
        ProjectFieldKind::Texts | ProjectFieldKind::Links => list(text(500)),
        ProjectFieldKind::Link => text(500),
        ProjectFieldKind::QuickLinks => list(object(&["title", "url"], json!({"id": nullable(text(200)), "title": text(200), "url": text(2_000)}))),
        ProjectFieldKind::Contact => {
            let member = nullable(text(500));
            object(&[], json!({"name": member, "phone": member, "contact": member}))
        }
        ProjectFieldKind::CustomFolders => list(object(&["key", "name"], json!({"key": text(500), "name": text(500)}))),
        ProjectFieldKind::Folders => {
            let file = object(&["fileName", "url"], json!({"fileName": text(2_000), "url": text(2_000)}));
            json!({"type": "object", "propertyNames": {"minLength": 1, "maxLength": 200}, "additionalProperties": {"type": "array", "maxItems": MAX_FILES, "items": file}})
        }
        ProjectFieldKind::Galleries => {
            let (long, optional) = (text(2_000), nullable(text(2_000)));
            list(object(&["id", "name"], json!({"id": long, "name": long, "slug": optional, "cover": optional})))
        }
    }
}

fn nullable(schema: Value) -> Value {
    json!({"anyOf": [schema, {"type": "null"}]})
}

fn single(read: Result<Value, Fault>) -> Result<Value, Vec<FieldError>> {
    read.map_err(|fault| vec![of_value(fault)])
}

fn read_scalar(kind: ProjectFieldKind, value: Value) -> Result<Value, Fault> {
    match kind {
        ProjectFieldKind::Title => text_within(value, &(1..=200)).map(Value::String),
        ProjectFieldKind::Text(max) => text_within(value, &(0..=max)).map(Value::String),
        ProjectFieldKind::Color => match value.as_str() {
            Some(text) if text.len() == 7 && text.starts_with('#') && text[1..].bytes().all(|byte| byte.is_ascii_hexdigit()) => Ok(value),
            _ => Err(("invalid_value", "A colour is #RRGGBB.".into())),
        },
        ProjectFieldKind::Date => read_date(value).map(Value::String),
        ProjectFieldKind::Link => link(value, 500),
        _ => Err(("wrong_type", "This must be a single value.".into())),
    }
}

/// Reads a link: the id of a file, an old storage key, a path, or an address with a scheme that a browser does not execute.
fn link(value: Value, max: usize) -> Result<Value, Fault> {
    let text = text_within(value, &(0..=max))?;
    if !is_link(&text) {
        return Err(("invalid_value", "This must be a storage key, a web address, or the id of a file.".into()));
    }
    if ObjectKey::is_well_formed(&text) {
        return Err(("invalid_value", "Name a file by its id.".into()));
    }
    Ok(Value::String(text))
}

fn number_of_location(name: &str, value: Value) -> Result<Value, Fault> {
    let bounds = match name {
        "lat" => -90.0..=90.0,
        "lng" => -180.0..=180.0,
        _ => 0.0..=f64::from(u32::MAX),
    };
    match value.as_f64() {
        // The number is rounded to 9 decimals (about 0.1 mm) and normalized as `DynamoDB` stores numbers: `-74.0` becomes `-74`.
        Some(number) if bounds.contains(&number) => {
            let rounded = (number * 1e9).round() / 1e9 + 0.0;
            Ok(rounded.to_string().parse().map_or(Value::Null, Value::Number))
        }
        Some(_) => Err(("out_of_range", format!("{name} is out of range.").into())),
        None => Err(("wrong_type", format!("{name} must be a number.").into())),
    }
}

fn one_error(code: &'static str, detail: impl Into<Cow<'static, str>>) -> Vec<FieldError> {
    vec![of_value((code, detail.into()))]
}

/// Reads each entry. Returns the array, or the errors of all entries.
fn entries(entries: Vec<Value>, read: impl Fn(Value) -> Result<Value, Vec<FieldError>>) -> Result<Value, Vec<FieldError>> {
    let (mut kept, mut errors) = (Vec::with_capacity(entries.len()), Vec::new());
    for (index, entry) in entries.into_iter().enumerate() {
        match read(entry) {
            Ok(value) => kept.push(value),
            Err(found) => errors.extend(within(index, found)),
        }
    }
    if errors.is_empty() { Ok(Value::Array(kept)) } else { Err(errors) }
}

fn array(value: Value, read: impl Fn(Value) -> Result<Value, Vec<FieldError>>) -> Result<Value, Vec<FieldError>> {
    match value {
        Value::Array(all) if all.len() > MAX_ENTRIES => Err(one_error("too_many", format!("At most {MAX_ENTRIES} entries."))),
        Value::Array(all) => entries(all, read),
        _ => Err(one_error("wrong_type", "This must be an array.")),
    }
}

/// Reads an object that has only these members. Null members are left out.
fn object(value: Value, required: &[&str], optional: &[&str], read: impl Fn(&str, Value) -> Result<Value, Fault>) -> Result<Value, Vec<FieldError>> {
    let Value::Object(members) = value else { return Err(one_error("wrong_type", "This must be an object.")) };
    let missing = required.iter().filter(|name| members.get(**name).is_none_or(Value::is_null));
    let mut errors: Vec<FieldError> = missing.flat_map(|name| within(name, one_error("required", "This field is required."))).collect();
    let mut kept = Map::new();
    for (name, value) in members {
        if !required.contains(&name.as_str()) && !optional.contains(&name.as_str()) {
            errors.extend(within(&name, one_error("unknown_field", "There is no such field.")));
        } else if !value.is_null() {
            match read(&name, value) {
                Ok(value) => {
                    kept.insert(name, value);
                }
                Err(fault) => errors.extend(within(&name, vec![of_value(fault)])),
            }
        }
    }
    if errors.is_empty() { Ok(Value::Object(kept)) } else { Err(errors) }
}

fn folders(value: Value) -> Result<Value, Vec<FieldError>> {
    let Value::Object(folders) = value else { return Err(one_error("wrong_type", "This must be an object.")) };
    let files: usize = folders.values().filter_map(|files| files.as_array().map(Vec::len)).sum();
    if files > MAX_FILES {
        return Err(one_error("too_many", format!("At most {MAX_FILES} files in all folders.")));
    }
    let (mut kept, mut errors) = (Map::new(), Vec::new());
    for (key, files) in folders {
        let read = match files {
            _ if text_within(Value::String(key.clone()), &(1..=200)).is_err() => {
                Err(one_error("invalid_value", "A folder's key has 1 to 200 characters."))
            }
            Value::Array(files) => entries(files, |file| {
                object(file, &["fileName", "url"], &[], |name, value| {
                    if name == "url" { link(value, 2_000) } else { text_within(value, &(0..=2_000)).map(Value::String) }
                })
            }),
            _ => Err(one_error("wrong_type", "A folder is an array of files.")),
        };
        match read {
            Ok(files) => {
                kept.insert(key, files);
            }
            Err(found) => errors.extend(within(&key, found)),
        }
    }
    if errors.is_empty() { Ok(Value::Object(kept)) } else { Err(errors) }
}
