//! The table of fields, and reading them.

use std::borrow::Cow;

use serde_json::{Map, Value};
use shared_utils::fields::{FieldError, FieldPath, Fields, Patch, read_date, text_within};
use shared_utils::text::is_link;

type Fault = (&'static str, Cow<'static, str>);

/// What a field holds.
#[derive(Debug, Clone, Copy)]
pub enum ProjectFieldKind {
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
    /// As `Texts`: storage keys or web addresses.
    Links,
    /// A storage key or a web address of at most 500 characters.
    Link,
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
pub const PROJECT_FIELDS: &[(&str, ProjectFieldKind, bool)] = &[
    ("title", ProjectFieldKind::Title, true),
    ("status", ProjectFieldKind::Text(500), true),
    ("color", ProjectFieldKind::Color, true),
    ("thumbnails", ProjectFieldKind::Links, true),
    ("finishline", ProjectFieldKind::Date, true),
    ("dateCreated", ProjectFieldKind::Date, true),
    ("customFolders", ProjectFieldKind::CustomFolders, true),
    ("description", ProjectFieldKind::Text(200_000), false),
    ("canvasJson", ProjectFieldKind::Text(250_000), false),
    ("slug", ProjectFieldKind::Text(500), false),
    ("milestone", ProjectFieldKind::Text(500), false),
    ("address", ProjectFieldKind::Text(500), false),
    ("company", ProjectFieldKind::Text(500), false),
    ("previewUrl", ProjectFieldKind::Link, false),
    ("clientName", ProjectFieldKind::Text(500), false),
    ("clientAddress", ProjectFieldKind::Text(500), false),
    ("clientPhone", ProjectFieldKind::Text(500), false),
    ("clientEmail", ProjectFieldKind::Text(500), false),
    ("invoiceBrandName", ProjectFieldKind::Text(500), false),
    ("invoiceBrandAddress", ProjectFieldKind::Text(500), false),
    ("invoiceBrandPhone", ProjectFieldKind::Text(500), false),
    ("productionStart", ProjectFieldKind::Date, false),
    ("invoiceDate", ProjectFieldKind::Date, false),
    ("location", ProjectFieldKind::Location, false),
    ("tags", ProjectFieldKind::Texts, false),
    ("milestoneTitles", ProjectFieldKind::Texts, false),
    ("quickLinks", ProjectFieldKind::QuickLinks, false),
    ("contact", ProjectFieldKind::Contact, false),
    ("folders", ProjectFieldKind::Folders, false),
    ("galleries", ProjectFieldKind::Galleries, false),
];

/// What the server alone writes: refused from a client by name.
const READ_ONLY: &[&str] = &["projectId", "version", "createdAt", "createdBy", "updatedAt"];
/// The most entries of a list.
const MAX_ENTRIES: usize = 100;
/// The most files in all folders.
const MAX_FILES: usize = 500;

/// Whether lists show this field.
pub(crate) fn is_summary(name: &str) -> bool {
    PROJECT_FIELDS.iter().any(|(field, _, summary)| *field == name && *summary)
}

/// The fields that a request changes: a value, or null to clear.
pub type Changes = Map<String, Value>;

/// Takes every project field out of a body; faults are left in `fields`. A member that is an object is merged into the one that is there,
/// and what comes of it is read.
pub(crate) fn read_changes(fields: &mut Fields, present: &Changes) -> Changes {
    fields.read_only(READ_ONLY);
    let mut changes = Changes::new();
    for (name, kind, _) in PROJECT_FIELDS {
        match fields.raw(name) {
            Patch::Absent => {}
            Patch::Clear if matches!(kind, ProjectFieldKind::Title) => fields.fault(name, "required", "A project has a title."),
            Patch::Clear => {
                changes.insert((*name).to_owned(), Value::Null);
            }
            Patch::Set(value) => {
                let value = if value.is_object() { merged(present.get(*name), value) } else { value };
                match read(*kind, value) {
                    Ok(value) => {
                        changes.insert((*name).to_owned(), value);
                    }
                    Err(faults) => {
                        for FieldError { path, code, detail } in faults {
                            fields.fault_at(&FieldPath::from(*name).join_all(&path), code, detail);
                        }
                    }
                }
            }
        }
    }
    changes
}

/// What a merge patch (RFC 7396) makes of a value.
fn merged(target: Option<&Value>, patch: Value) -> Value {
    let Value::Object(patch) = patch else { return patch };
    let mut object = target.and_then(Value::as_object).cloned().unwrap_or_default();
    for (name, value) in patch {
        if value.is_null() {
            object.remove(&name);
        } else {
            let value = merged(object.get(&name), value);
            object.insert(name, value);
        }
    }
    Value::Object(object)
}

/// The errors of a part, as errors of the whole.
fn within(name: impl ToString, errors: Vec<FieldError>) -> impl Iterator<Item = FieldError> {
    let name = FieldPath::default().join(name);
    errors.into_iter().map(move |error| FieldError { path: name.join_all(&error.path), ..error })
}

/// An error of the value itself.
fn of_value((code, detail): Fault) -> FieldError {
    FieldError::new(FieldPath::default(), code, detail)
}

/// Reads the value of one field; everything that is wrong with it.
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

/// What may stand in a link: a storage key, a path, or an address whose scheme a browser does not run.
fn link(value: Value, max: usize) -> Result<Value, Fault> {
    let text = text_within(value, &(0..=max))?;
    if is_link(&text) { Ok(Value::String(text)) } else { Err(("invalid_value", "This must be a storage key or a web address.".into())) }
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

fn one_error(code: &'static str, detail: impl Into<Cow<'static, str>>) -> Vec<FieldError> {
    vec![of_value((code, detail.into()))]
}

/// The entries, each read; the errors of all of them.
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

/// An object with these members and no others. An optional one that is null is left out.
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn faults(body: Value) -> Vec<(String, String)> {
        let Value::Object(object) = body else { unreachable!() };
        let mut fields = Fields::new(object);
        read_changes(&mut fields, &Changes::new());
        fields.into_faults().into_iter().map(|fault| (format!("/{}", fault.path), fault.code.to_owned())).collect()
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
        assert_eq!(read_changes(&mut fields, &Changes::new())["location"].to_string(), r#"{"accuracy":12.345678901,"lat":0,"lng":0}"#);
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
            ("tags", json!("a"), "wrong_type"),
            ("tags", json!(vec!["a"; 101]), "too_many"),
            ("canvasJson", json!("x".repeat(250_001)), "too_long"),
            ("version", json!(1), "read_only"),
            ("nonsense", json!(1), "unknown_field"),
        ] {
            assert_eq!(faults(json!({field: value})), [(format!("/{field}"), code.to_owned())], "{field}");
        }
    }

    #[test]
    fn every_fault_within_a_field_is_found_at_its_place() {
        for (field, value, expected) in [
            ("location", json!({"lat": 91, "lng": "0"}), &[("/location/lat", "out_of_range"), ("/location/lng", "wrong_type")][..]),
            ("location", json!({"lat": 1}), &[("/location/lng", "required")]),
            ("location", json!({"lat": 1e300, "lng": 0}), &[("/location/lat", "out_of_range")]),
            ("contact", json!({"mail": "x", "name": 7}), &[("/contact/mail", "unknown_field"), ("/contact/name", "wrong_type")]),
            (
                "folders",
                json!({"a/b": [{"fileName": "x"}, 7], "c": 1}),
                &[("/folders/a/b/0/url", "required"), ("/folders/a/b/1", "wrong_type"), ("/folders/c", "wrong_type")],
            ),
            (
                "quickLinks",
                json!([{"title": "a", "url": "b"}, {"title": 1, "url": "x".repeat(2_001)}]),
                &[("/quickLinks/1/title", "wrong_type"), ("/quickLinks/1/url", "too_long")],
            ),
            ("tags", json!(["a", 7, "x".repeat(501)]), &[("/tags/1", "wrong_type"), ("/tags/2", "too_long")]),
        ] {
            let expected: Vec<_> = expected.iter().map(|(pointer, code)| ((*pointer).to_owned(), (*code).to_owned())).collect();
            assert_eq!(faults(json!({field: value})), expected);
        }
    }

    #[test]
    fn objects_are_merged_and_null_takes_a_member_out() {
        let present = json!({"folders": {"uploads": [{"fileName": "a", "url": "b"}], "old": []}, "location": {"lat": 1, "lng": 2, "accuracy": 3}});
        let body =
            json!({"folders": {"downloads": [], "old": null}, "location": {"accuracy": null, "lat": 5}, "contact": {"name": "A", "phone": null}});
        let mut fields = Fields::new(body.as_object().unwrap().clone());
        let changes = read_changes(&mut fields, present.as_object().unwrap());
        assert_eq!(fields.into_faults(), []);
        assert_eq!(changes["folders"], json!({"uploads": [{"fileName": "a", "url": "b"}], "downloads": []}));
        assert_eq!(changes["location"].to_string(), r#"{"lat":5,"lng":2}"#);
        assert_eq!(changes["contact"], json!({"name": "A"}));
    }
}
