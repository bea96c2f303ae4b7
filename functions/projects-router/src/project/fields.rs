//! The table of fields, and reading them.

use std::borrow::Cow;

use serde_json::{Map, Value};
use shared_utils::http::fields::{Fields, Patch, length, text_within};

type Fault = (&'static str, Cow<'static, str>);

/// What a field holds.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind {
    /// The title: 1–200 characters, never cleared.
    Title,
    /// A text of at most so many characters.
    Text(usize),
    /// `#RRGGBB`.
    Color,
    /// `YYYY-MM-DD`.
    Date,
    /// `{lat, lng, accuracy?}`.
    Location,
    /// At most 100 texts of at most 500 characters.
    Texts,
    /// At most 100 of `{id?, title, url}`.
    QuickLinks,
    /// `{name, phone, contact}`.
    Contact,
    /// At most 100 of `{key, name}`.
    CustomFolders,
    /// `{key: [{fileName, url}]}`, at most 500 files in all.
    Folders,
    /// At most 100 of `{id, name, slug?, cover?}`.
    Galleries,
}

/// Every field that a client may write, and whether lists show it (then it is in the header item, else in the details item).
pub(crate) const FIELDS: &[(&str, Kind, bool)] = &[
    ("title", Kind::Title, true),
    ("status", Kind::Text(500), true),
    ("color", Kind::Color, true),
    ("thumbnails", Kind::Texts, true),
    ("finishline", Kind::Date, true),
    ("dateCreated", Kind::Date, true),
    ("customFolders", Kind::CustomFolders, true),
    ("description", Kind::Text(200_000), false),
    ("canvasJson", Kind::Text(250_000), false),
    ("slug", Kind::Text(500), false),
    ("milestone", Kind::Text(500), false),
    ("address", Kind::Text(500), false),
    ("company", Kind::Text(500), false),
    ("previewUrl", Kind::Text(500), false),
    ("clientName", Kind::Text(500), false),
    ("clientAddress", Kind::Text(500), false),
    ("clientPhone", Kind::Text(500), false),
    ("clientEmail", Kind::Text(500), false),
    ("invoiceBrandName", Kind::Text(500), false),
    ("invoiceBrandAddress", Kind::Text(500), false),
    ("invoiceBrandPhone", Kind::Text(500), false),
    ("productionStart", Kind::Date, false),
    ("invoiceDate", Kind::Date, false),
    ("location", Kind::Location, false),
    ("tags", Kind::Texts, false),
    ("milestoneTitles", Kind::Texts, false),
    ("quickLinks", Kind::QuickLinks, false),
    ("contact", Kind::Contact, false),
    ("folders", Kind::Folders, false),
    ("galleries", Kind::Galleries, false),
];

/// What the server alone writes: refused from a client by name.
const READ_ONLY: &[&str] = &["projectId", "version", "createdAt", "createdBy", "updatedAt"];
/// The most entries of a list.
const MAX_ENTRIES: usize = 100;
/// The most files in all folders.
const MAX_FILES: usize = 500;

/// Whether lists show this field.
pub(crate) fn is_summary(name: &str) -> bool {
    FIELDS.iter().any(|(field, _, summary)| *field == name && *summary)
}

/// The fields that a request changes: a value, or null to clear.
pub(crate) type Changes = Map<String, Value>;

/// Takes every project field out of a body; faults are left in `fields`.
pub(crate) fn read_changes(fields: &mut Fields) -> Changes {
    fields.read_only(READ_ONLY);
    let mut changes = Changes::new();
    for (name, kind, _) in FIELDS {
        match fields.read(name, |value| read(*kind, value)) {
            Patch::Absent => {}
            Patch::Clear if matches!(kind, Kind::Title) => fields.fault(name, "required", "A project has a title."),
            Patch::Clear => {
                changes.insert((*name).to_owned(), Value::Null);
            }
            Patch::Set(value) => {
                changes.insert((*name).to_owned(), value);
            }
        }
    }
    changes
}

/// Reads the value of one field.
pub(crate) fn read(kind: Kind, value: Value) -> Result<Value, Fault> {
    match kind {
        Kind::Title => text_within(value, &(1..=200)).map(Value::String),
        Kind::Text(max) => text_within(value, &(0..=max)).map(Value::String),
        Kind::Color => match value.as_str() {
            Some(text) if text.len() == 7 && text.starts_with('#') && text[1..].bytes().all(|byte| byte.is_ascii_hexdigit()) => Ok(value),
            _ => Err(("invalid_value", "A colour is #RRGGBB.".into())),
        },
        Kind::Date => read_date(value).map(Value::String),
        Kind::Location => object(value, &["lat", "lng"], &["accuracy"], number_of_location),
        Kind::Texts => array(value, |entry| text_within(entry, &(0..=500)).map(Value::String)),
        Kind::QuickLinks => array(value, |entry| {
            object(entry, &["title", "url"], &["id"], |name, value| {
                text_within(value, &(0..=if name == "url" { 2_000 } else { 200 })).map(Value::String)
            })
        }),
        Kind::Contact => object(value, &[], &["name", "phone", "contact"], |_, value| text_within(value, &(0..=500)).map(Value::String)),
        Kind::CustomFolders => {
            array(value, |entry| object(entry, &["key", "name"], &[], |_, value| text_within(value, &(0..=500)).map(Value::String)))
        }
        Kind::Folders => folders(value),
        Kind::Galleries => {
            array(value, |entry| object(entry, &["id", "name"], &["slug", "cover"], |_, value| text_within(value, &(0..=2_000)).map(Value::String)))
        }
    }
}

/// A calendar date as it was sent.
pub(crate) fn read_date(value: Value) -> Result<String, Fault> {
    let fault = || ("invalid_value", "A date is YYYY-MM-DD.".into());
    match value {
        Value::String(text) if text.len() == 10 && text.parse::<jiff::civil::Date>().is_ok_and(|date| date.to_string() == text) => Ok(text),
        _ => Err(fault()),
    }
}

fn number_of_location(name: &str, value: Value) -> Result<Value, Fault> {
    let bounds = match name {
        "lat" => -90.0..=90.0,
        "lng" => -180.0..=180.0,
        _ => 0.0..=f64::from(u32::MAX),
    };
    match value.as_f64() {
        // A number whose digits DynamoDB would not keep is not a place on earth.
        // Written as the table gives it back (`-74.0` is `-74`), and no finer than a tenth of a millimetre.
        Some(number) if bounds.contains(&number) => {
            let rounded = (number * 1e9).round() / 1e9 + 0.0;
            Ok(rounded.to_string().parse().map_or(Value::Null, Value::Number))
        }
        Some(_) => Err(("out_of_range", format!("{name} is out of range.").into())),
        None => Err(("wrong_type", format!("{name} must be a number.").into())),
    }
}

fn array(value: Value, read: impl Fn(Value) -> Result<Value, Fault>) -> Result<Value, Fault> {
    match value {
        Value::Array(entries) if entries.len() > MAX_ENTRIES => Err(("too_many", format!("At most {MAX_ENTRIES} entries.").into())),
        Value::Array(entries) => entries.into_iter().map(read).collect::<Result<_, _>>().map(Value::Array),
        _ => Err(("wrong_type", "This must be an array.".into())),
    }
}

/// An object with these members and no others. An optional one that is null is left out.
fn object(value: Value, required: &[&str], optional: &[&str], read: impl Fn(&str, Value) -> Result<Value, Fault>) -> Result<Value, Fault> {
    let Value::Object(members) = value else { return Err(("wrong_type", "This must be an object.".into())) };
    if let Some(missing) = required.iter().find(|name| members.get(**name).is_none_or(Value::is_null)) {
        return Err(("required", format!("{missing} is required.").into()));
    }
    let mut kept = Map::new();
    for (name, value) in members {
        if !required.contains(&name.as_str()) && !optional.contains(&name.as_str()) {
            return Err(("unknown_field", "There is a member that does not exist.".into()));
        }
        if !value.is_null() {
            let value = read(&name, value)?;
            kept.insert(name, value);
        }
    }
    Ok(Value::Object(kept))
}

fn folders(value: Value) -> Result<Value, Fault> {
    let Value::Object(folders) = value else { return Err(("wrong_type", "This must be an object.".into())) };
    let mut files = 0;
    let mut kept = Map::new();
    for (key, entries) in folders {
        if key.is_empty() || length(&key) > 200 {
            return Err(("invalid_value", "A folder's key has 1 to 200 characters.".into()));
        }
        let Value::Array(entries) = entries else { return Err(("wrong_type", "A folder is an array of files.".into())) };
        files += entries.len();
        if files > MAX_FILES {
            return Err(("too_many", format!("At most {MAX_FILES} files in all folders.").into()));
        }
        let read_file = |entry| object(entry, &["fileName", "url"], &[], |_, value| text_within(value, &(0..=2_000)).map(Value::String));
        kept.insert(key, Value::Array(entries.into_iter().map(read_file).collect::<Result<_, _>>()?));
    }
    Ok(Value::Object(kept))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn faults(body: Value) -> Vec<(String, String)> {
        let Value::Object(object) = body else { unreachable!() };
        let mut fields = Fields::new(object);
        read_changes(&mut fields);
        fields.into_faults().into_iter().map(|fault| (fault.pointer, fault.code.into_owned())).collect()
    }

    #[test]
    fn good_values_pass() {
        let body = json!({
            "title": "Atrium", "color": "#0F62fe", "finishline": "2028-02-29", "location": {"lat": -90, "lng": 180.0, "accuracy": null},
            "quickLinks": [{"id": "q", "title": "Brief", "url": "https://x.test"}], "contact": {"name": "A"}, "folders": {"uploads": [{"fileName": "a", "url": "b"}]},
            "galleries": [{"id": "g", "name": "n"}], "tags": ["a"], "description": null, "customFolders": []
        });
        assert_eq!(faults(body), []);
    }

    #[test]
    fn places_are_kept_with_digits_that_the_table_keeps() {
        let body = json!({"location": {"lat": 1e-300, "lng": -0.0, "accuracy": 12.345_678_901_234}});
        let mut fields = Fields::new(body.as_object().unwrap().clone());
        assert_eq!(read_changes(&mut fields)["location"].to_string(), r#"{"accuracy":12.345678901,"lat":0,"lng":0}"#);
    }

    #[test]
    fn bad_values_are_found_at_their_field() {
        for (field, value, code) in [
            ("title", json!(""), "too_short"),
            ("title", json!("   "), "blank"),
            ("title", json!("x".repeat(201)), "too_long"),
            ("title", json!(null), "required"),
            ("title", json!(7), "wrong_type"),
            ("color", json!("red"), "invalid_value"),
            ("color", json!("#12345é"), "invalid_value"),
            ("finishline", json!("2027-02-29"), "invalid_value"),
            ("finishline", json!("2027-2-1"), "invalid_value"),
            ("location", json!({"lat": 91, "lng": 0}), "out_of_range"),
            ("location", json!({"lat": 1}), "required"),
            ("location", json!({"lat": "1", "lng": 0}), "wrong_type"),
            ("location", json!({"lat": 1e300, "lng": 0}), "out_of_range"),
            ("tags", json!("a"), "wrong_type"),
            ("tags", json!(vec!["a"; 101]), "too_many"),
            ("contact", json!({"mail": "x"}), "unknown_field"),
            ("folders", json!({"a": [{"fileName": "x"}]}), "required"),
            ("canvasJson", json!("x".repeat(250_001)), "too_long"),
            ("version", json!(1), "read_only"),
            ("nonsense", json!(1), "unknown_field"),
        ] {
            assert_eq!(faults(json!({field: value})), [(format!("/{field}"), code.to_owned())], "{field}");
        }
    }
}
