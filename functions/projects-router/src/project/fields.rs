//! The table of project fields, and the code that reads them from a body.

use serde_json::{Map, Value};
use shared_utils::fields::{FieldError, FieldLog, FieldPath, Fields, Patch};

use super::values::{read, schema};

/// The type of a field's value.
#[derive(Debug, Clone, Copy)]
pub enum ProjectFieldKind {
    /// The title: 1–200 characters. It cannot be cleared.
    Title,
    /// A text with this maximum length, in characters.
    Text(usize),
    /// `#RRGGBB`.
    Color,
    /// `YYYY-MM-DD`.
    Date,
    /// `{lat, lng, accuracy?}`.
    Location,
    /// At most 100 texts of at most 500 characters.
    Texts,
    /// Like `Texts`, but each text is a storage key or a web address.
    Links,
    /// A storage key or a web address of at most 500 characters.
    Link,
    /// At most 100 objects `{id?, title, url}`.
    QuickLinks,
    /// `{name, phone, contact}`.
    Contact,
    /// At most 100 objects `{key, name}`.
    CustomFolders,
    /// `{key: [{fileName, url}]}`, with at most 500 files in total.
    Folders,
    /// At most 100 objects `{id, name, slug?, cover?}`.
    Galleries,
}

/// Every field that a client may write: name, type, and whether lists show it. List fields are stored in the header item, others in the details item.
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

/// Fields that only the server writes. A request that contains one of them is refused.
const READ_ONLY: &[&str] = &["projectId", "version", "createdAt", "createdBy", "updatedAt"];

/// Whether lists show this field.
pub(crate) fn is_summary(name: &str) -> bool {
    PROJECT_FIELDS.iter().any(|(field, _, summary)| *field == name && *summary)
}

/// The fields that a request changes. Null clears a field.
pub type Changes = Map<String, Value>;

/// Takes every project field out of a body and adds errors to `fields`. An object value is merged into the `present` value first, and the merged
/// value is validated.
pub(crate) fn read_changes<L: FieldLog>(fields: &mut Fields<L>, present: &Changes) -> Changes {
    fields.read_only(READ_ONLY);
    let mut changes = Changes::new();
    for (name, kind, _) in PROJECT_FIELDS {
        let value = fields.raw(name, || schema(*kind));
        if matches!(kind, ProjectFieldKind::Title) {
            fields.refuse_null(name, &value, "A project has a title.");
        }
        match value {
            Patch::Absent => {}
            Patch::Clear if matches!(kind, ProjectFieldKind::Title) => {}
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

/// Applies a JSON merge patch (RFC 7396) to a value.
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
    fn valid_values_are_accepted() {
        let body = json!({
            "title": "Atrium", "color": "#0F62fe", "finishline": "2028-02-29", "location": {"lat": -90, "lng": 180.0, "accuracy": null},
            "quickLinks": [{"id": "q", "title": "Brief", "url": "https://x.test"}], "contact": {"name": "A"}, "folders": {"uploads": [{"fileName": "a", "url": "b"}]},
            "galleries": [{"id": "g", "name": "n"}], "tags": ["a"], "description": null, "customFolders": []
        });
        assert_eq!(faults(body), []);
    }

    #[test]
    fn coordinates_keep_the_digits_that_dynamodb_stores() {
        let body = json!({"location": {"lat": 1e-300, "lng": -0.0, "accuracy": 12.345_678_901_234}});
        let mut fields = Fields::new(body.as_object().unwrap().clone());
        assert_eq!(read_changes(&mut fields, &Changes::new())["location"].to_string(), r#"{"accuracy":12.345678901,"lat":0,"lng":0}"#);
    }

    #[test]
    fn invalid_values_name_their_field() {
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
    fn every_invalid_member_of_a_field_has_its_path() {
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
    fn objects_are_merged_and_null_removes_a_member() {
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
