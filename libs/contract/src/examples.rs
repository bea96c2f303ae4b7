//! Examples, recorded from a run of the suite: `make contract-examples`.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::LazyLock;

use serde_json::{Value, json};

/// Values of these members are credentials, and are not shown.
const SECRET: &[&str] = &[
    "accessToken",
    "challenge",
    "currentPassword",
    "newPassword",
    "oneTimePassword",
    "password",
    "recoveryCodes",
    "refreshToken",
    "secret",
    "ticket",
    "token",
    "uri",
];

/// The recorded examples, by name.
static RECORDED: LazyLock<BTreeMap<String, Value>> =
    LazyLock::new(|| serde_json::from_str(include_str!("../examples.json")).expect("examples.json is readable"));

/// The example of this name: `<operationId> <status>`, `<operationId> request`, `frame <message>`.
pub(crate) fn of(name: &str) -> Option<&'static Value> {
    RECORDED.get(name)
}

/// The most telling example of each name, from the notes of a run: the longest one.
pub fn chosen(folder: &Path) -> std::io::Result<BTreeMap<String, Value>> {
    let mut chosen: BTreeMap<String, Value> = BTreeMap::new();
    for file in std::fs::read_dir(folder)? {
        for line in std::fs::read_to_string(file?.path())?.lines() {
            let Ok(mut note) = serde_json::from_str::<Value>(line) else { continue };
            let (name, mut value) = (note["name"].as_str().unwrap_or_default().to_owned(), note["value"].take());
            mask(&mut value);
            let length = |value: &Value| value.to_string().len();
            if chosen.get(&name).is_none_or(|known| length(known) < length(&value)) {
                chosen.insert(name, value);
            }
        }
    }
    Ok(chosen)
}

fn mask(value: &mut Value) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                if SECRET.contains(&name.as_str()) && !member.is_null() {
                    *member = if member.is_array() { json!(["********"]) } else { json!("********") };
                } else {
                    mask(member);
                }
            }
        }
        Value::Array(entries) => entries.iter_mut().for_each(mask),
        _ => {}
    }
}
