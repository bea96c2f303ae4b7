//! Values made from a schema: at its bounds and beyond, wrong types, null, missing and unknown members.

use serde_json::{Map, Value, json};

use self::Expected::{NotTooMany, Refused, WithinBounds};

/// What a value beyond a bound is refused with.
const BOUND_CODES: &[&str] = &["out_of_range", "required", "too_long", "too_many", "too_short", "wrong_type"];

/// What the contract says of a value at its place.
#[derive(Debug, Clone, Copy)]
pub(super) enum Expected {
    /// It is within the bounds. Rules that no bound states may still refuse it.
    WithinBounds,
    /// There are not too many items. They are not valid themselves.
    NotTooMany,
    /// It is refused with one of these codes.
    Refused(&'static [&'static str]),
}

/// A value somewhere in a body.
#[derive(Debug)]
pub(super) struct Probe {
    pub(super) pointer: String,
    pub(super) body: Value,
    pub(super) expected: Expected,
}

/// Wrong values, and values at the bounds, of everything in a schema. `wrap` puts a value where the schema is; `at` is its pointer.
pub(super) fn probes(schema: &Value, at: &str, wrap: &dyn Fn(Value) -> Value, found: &mut Vec<Probe>) {
    let mut add = |body: Value, expected| found.push(Probe { pointer: at.to_owned(), body: wrap(body), expected });
    let schema = schema["anyOf"].as_array().and_then(|any| any.iter().find(|one| one["type"] != "null" && !one["type"].is_null())).unwrap_or(schema);
    let least = schema["minimum"].as_f64();
    match schema["type"].as_str().unwrap_or_default() {
        "string" => {
            add(json!(7), Refused(&["wrong_type", "invalid_value"]));
            if let Some(most) = schema["maxLength"].as_u64().filter(|most| *most < 1 << 20) {
                let long = "x".repeat(usize::try_from(most).unwrap() + 1);
                if schema["pattern"].is_null() && schema["format"].is_null() {
                    add(json!(long[1..]), WithinBounds);
                }
                add(json!(long), Refused(&["too_long", "invalid_value"]));
            }
            if schema["minLength"].as_u64().is_some_and(|least| least > 0) && schema["pattern"].is_null() {
                add(json!(""), Refused(&["too_short"]));
            }
            if !schema["enum"].is_null() || !schema["pattern"].is_null() || schema["format"] == "email" {
                add(json!("\u{1f600} none"), Refused(&["invalid_value"]));
            }
        }
        "integer" | "number" => {
            add(json!("7"), Refused(&["wrong_type"]));
            if let Some(most) = schema["maximum"].as_f64().filter(|most| *most < 1e15) {
                add(whole(most), WithinBounds);
                add(json!(most + 1.0), Refused(&["out_of_range"]));
            }
            if let Some(least) = least {
                add(whole(least), WithinBounds);
                add(json!(least - 1.0), Refused(&["out_of_range"]));
            }
        }
        "boolean" => add(json!("true"), Refused(&["wrong_type"])),
        "array" => {
            add(json!({}), Refused(&["wrong_type"]));
            if let Some(most) = schema["maxItems"].as_u64() {
                // The items are refused, and the array is not.
                add(json!(vec![json!({}); usize::try_from(most).unwrap()]), NotTooMany);
                add(json!(vec![json!({}); usize::try_from(most).unwrap() + 1]), Refused(&["too_many", "out_of_range"]));
            }
            probes(&schema["items"], &format!("{at}/0"), &|value| wrap(json!([value])), found);
        }
        "object" => {
            if !at.is_empty() {
                add(json!("text"), Refused(&["wrong_type"]));
            }
            members(schema, at, wrap, found);
        }
        _ => {}
    }
}

fn members(schema: &Value, at: &str, wrap: &dyn Fn(Value) -> Value, found: &mut Vec<Probe>) {
    let Some(known) = schema["properties"].as_object() else { return };
    let one = |name: &str, value: Value| wrap(Value::Object(Map::from_iter([(name.to_owned(), value)])));
    found.push(Probe { pointer: format!("{at}/nonsense"), body: one("nonsense", json!(1)), expected: Refused(&["unknown_field"]) });
    for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).filter(|name| known[*name]["const"].is_null()) {
        for body in [wrap(json!({})), one(name, Value::Null)].into_iter().take(if accepts_null(&known[name]) { 1 } else { 2 }) {
            found.push(Probe { pointer: format!("{at}/{name}"), body, expected: Refused(&["required", "invalid_value"]) });
        }
    }
    for (name, member) in known.iter().filter(|(_, member)| member["const"].is_null() && member["deprecated"] != true) {
        let is_required = schema["required"].as_array().into_iter().flatten().any(|required| required == name);
        let expected = if accepts_null(member) { WithinBounds } else { Refused(&["required", "wrong_type", "invalid_value"]) };
        // Null in all alternatives is no body: which of them is there is not probed one by one.
        let is_alternative =
            schema["anyOf"].as_array().into_iter().flatten().any(|one| one["required"].as_array().is_some_and(|names| names.contains(&json!(name))));
        if !is_required && !is_alternative {
            found.push(Probe { pointer: format!("{at}/{name}"), body: one(name, Value::Null), expected });
        }
        probes(member, &format!("{at}/{name}"), &|value| one(name, value), found);
    }
}

fn accepts_null(schema: &Value) -> bool {
    let is_null = |one: &Value| one["type"] == "null" || one["type"].as_array().is_some_and(|types| types.contains(&json!("null")));
    is_null(schema) || schema["anyOf"].as_array().is_some_and(|any| any.iter().any(is_null))
}

/// A bound as JSON readers expect a whole number: without a fraction.
fn whole(bound: f64) -> Value {
    serde_json::from_str(&format!("{bound:.0}")).unwrap()
}

impl Probe {
    /// Whether these faults, each a pointer and a code, are what the contract says of the probe.
    pub(super) fn is_met_by(&self, faults: &[(&str, &str)]) -> bool {
        let refused = |within: bool| {
            let is_at = |at: &str| at == self.pointer || within && at.strip_prefix(&self.pointer).is_some_and(|rest| rest.starts_with('/'));
            faults.iter().filter(move |(at, _)| is_at(at)).map(|(_, code)| *code).collect::<Vec<_>>()
        };
        match self.expected {
            WithinBounds => !refused(false).iter().any(|code| BOUND_CODES.contains(code)),
            NotTooMany => !refused(false).contains(&"too_many"),
            Refused(codes) => refused(true).iter().any(|code| codes.contains(code)),
        }
    }

    pub(super) fn is_refused(&self) -> bool {
        matches!(self.expected, Refused(_))
    }
}

/// The pointers and codes of a refusal.
pub(super) fn faults(refusal: &Value) -> Vec<(&str, &str)> {
    let all = refusal["errors"].as_array().into_iter().flatten();
    all.map(|fault| (fault["pointer"].as_str().unwrap_or_default(), fault["code"].as_str().unwrap_or_default())).collect()
}
