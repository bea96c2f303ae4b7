//! What breaks a client: differences between the documents of the last release and those of today.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

/// Who writes the values of a schema. A reader breaks when they become wider, a writer when they become narrower.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Written {
    /// Requests and frames of clients.
    ByClient,
    /// Responses and frames of the server.
    ByServer,
}

/// Schemas that contain themselves are compared to this depth.
const MAX_DEPTH: usize = 12;

struct Comparison<'a> {
    old: &'a Value,
    new: &'a Value,
    found: BTreeSet<String>,
}

/// What breaks clients of the old HTTP API.
pub fn of_openapi(old: &Value, new: &Value) -> Vec<String> {
    let mut comparison = Comparison { old, new, found: BTreeSet::new() };
    for (path, operations) in object(&old["paths"]) {
        for (method, before) in object(operations).iter().filter(|(method, _)| *method != "parameters") {
            comparison.operation(&format!("{} {path}", method.to_uppercase()), before, &new["paths"][path][method]);
        }
    }
    comparison.found.into_iter().collect()
}

/// What breaks clients of the old socket.
pub fn of_asyncapi(old: &Value, new: &Value) -> Vec<String> {
    let mut comparison = Comparison { old, new, found: BTreeSet::new() };
    for (name, before) in object(&old["components"]["messages"]) {
        let after = &new["components"]["messages"][name];
        let written = if name.starts_with("client.") { Written::ByClient } else { Written::ByServer };
        if after.is_null() {
            comparison.note(name, "was removed");
        } else {
            comparison.schema(name, &before["payload"], &after["payload"], written, 0);
        }
    }
    comparison.found.into_iter().collect()
}

fn object(value: &Value) -> &Map<String, Value> {
    static NOTHING: std::sync::LazyLock<Map<String, Value>> = std::sync::LazyLock::new(Map::new);
    value.as_object().unwrap_or(&NOTHING)
}

fn strings(value: &Value) -> BTreeSet<String> {
    value.as_array().into_iter().flatten().map(ToString::to_string).collect()
}

fn resolved<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
    match schema["$ref"].as_str().and_then(|path| path.strip_prefix('#')) {
        Some(pointer) => document.pointer(pointer).unwrap_or(schema),
        None => schema,
    }
}

/// The branches of a schema, each resolved: those of its unions, or itself. Null is one of them.
fn branches(document: &Value, schema: &Value) -> Vec<Value> {
    let schema = resolved(document, schema);
    if let Some(union) = schema["anyOf"].as_array().or_else(|| schema["oneOf"].as_array()) {
        return union.iter().flat_map(|branch| branches(document, branch)).collect();
    }
    match schema["type"].as_array() {
        Some(types) => types.iter().map(|kind| with_type(schema, kind)).collect(),
        None => vec![schema.clone()],
    }
}

fn with_type(schema: &Value, kind: &Value) -> Value {
    let mut schema = schema.clone();
    schema["type"] = kind.clone();
    schema
}

fn is_null(schema: &Value) -> bool {
    schema["type"] == "null"
}

/// What tells one branch of a union from another: the constant of a member, or the type.
fn branch_name(branch: &Value) -> String {
    let constant = object(&branch["properties"]).iter().find_map(|(name, member)| member.get("const").map(|value| format!("{name} {value}")));
    constant.unwrap_or_else(|| branch["type"].as_str().unwrap_or("any").to_owned())
}

/// The branches by their names. Of those that are alike, the second is counted.
fn named(branches: Vec<Value>) -> BTreeMap<String, Value> {
    let mut all = BTreeMap::new();
    for branch in branches {
        let name = branch_name(&branch);
        let alike = (2..).map(|count| format!("{name} {count}"));
        let free = std::iter::once(name.clone()).chain(alike).find(|name| !all.contains_key(name));
        all.extend(free.map(|name| (name, branch)));
    }
    all
}

impl Comparison<'_> {
    fn note(&mut self, place: &str, what: &str) {
        self.found.insert(format!("{place} {what}"));
    }

    fn operation(&mut self, place: &str, before: &Value, after: &Value) {
        if after.is_null() {
            return self.note(place, "was removed");
        }
        for (status, response) in object(&before["responses"]).iter().filter(|(status, _)| status.starts_with('2')) {
            self.response(&format!("{place} {status}"), response, &after["responses"][status]);
        }
        self.parameters(place, before, after);
        let (old, new) = (&before["requestBody"], &after["requestBody"]);
        let schema = |body: &Value| body["content"]["application/json"]["schema"].clone();
        if old.is_null() && new["required"] == true {
            self.note(place, "needs a body now");
        } else if !old.is_null() && !new.is_null() {
            self.schema(&format!("{place} body"), &schema(old), &schema(new), Written::ByClient, 0);
        }
        let needs_token = |operation: &Value| operation["security"].as_array().is_some_and(|all| !all.is_empty());
        if needs_token(after) && !needs_token(before) {
            self.note(place, "needs a token now");
        }
    }

    fn response(&mut self, place: &str, before: &Value, after: &Value) {
        if after.is_null() {
            return self.note(place, "was removed");
        }
        for name in object(&before["headers"]).keys().filter(|name| after["headers"][*name].is_null()) {
            self.note(&format!("{place} header {name}"), "was removed");
        }
        for (kind, content) in object(&before["content"]) {
            match &after["content"][kind]["schema"] {
                Value::Null => self.note(place, "has no body any more"),
                now => self.schema(place, &content["schema"], now, Written::ByServer, 0),
            }
        }
    }

    fn parameters(&mut self, place: &str, before: &Value, after: &Value) {
        let by_name = |document: &Value, operation: &Value| -> BTreeMap<String, Value> {
            let all = operation["parameters"].as_array().into_iter().flatten().map(|parameter| resolved(document, parameter).clone());
            all.map(|parameter| (parameter["name"].as_str().unwrap_or_default().to_owned(), parameter)).collect()
        };
        let (old, new) = (by_name(self.old, before), by_name(self.new, after));
        for name in old.keys().filter(|name| !new.contains_key(*name)) {
            self.note(&format!("{place} parameter {name}"), "was removed");
        }
        for (name, parameter) in &new {
            let place = format!("{place} parameter {name}");
            let known = old.get(name);
            if parameter["required"] == true && known.is_none_or(|old| old["required"] != true) {
                self.note(&place, "is required now");
            }
            if let Some(old) = known {
                self.schema(&place, &old["schema"], &parameter["schema"], Written::ByClient, 0);
            }
        }
    }

    fn schema(&mut self, place: &str, before: &Value, after: &Value, written: Written, depth: usize) {
        if before == after && self.old == self.new || depth > MAX_DEPTH {
            return;
        }
        let (before, after) = (branches(self.old, before), branches(self.new, after));
        let (was_null, is_null_now) = (before.iter().any(is_null), after.iter().any(is_null));
        match written {
            Written::ByClient if was_null && !is_null_now => self.note(place, "may not be null any more"),
            Written::ByServer if is_null_now && !was_null => self.note(place, "may be null now"),
            _ => {}
        }
        let rest = |all: Vec<Value>| -> Vec<Value> { all.into_iter().filter(|branch| !is_null(branch)).collect() };
        let (before, after) = (rest(before), rest(after));
        if let ([old], [new]) = (before.as_slice(), after.as_slice()) {
            return self.branch(place, old, new, written, depth);
        }
        let (before, after) = (named(before), named(after));
        for (name, old) in &before {
            match after.get(name) {
                Some(new) => self.branch(&format!("{place}({name})"), old, new, written, depth),
                None if written == Written::ByClient => self.note(place, &format!("may not be {name} any more")),
                None => {}
            }
        }
        for name in after.keys().filter(|name| written == Written::ByServer && !before.contains_key(*name)) {
            self.note(place, &format!("may be {name} now"));
        }
    }

    /// Two schemas that are no unions.
    fn branch(&mut self, place: &str, before: &Value, after: &Value, written: Written, depth: usize) {
        let (was, is) = (&before["type"], &after["type"]);
        let is_wider = was.is_null() || was == "integer" && is == "number";
        let is_wider_now = is.is_null() || is_wider;
        if was != is && !(written == Written::ByClient && is_wider_now) {
            self.note(place, &format!("changed its type from {was} to {is}"));
        }
        if !after["const"].is_null() && before["const"] != after["const"] {
            self.note(place, &format!("must be {} now", after["const"]));
        }
        if written == Written::ByClient && after["additionalProperties"] == false && before["additionalProperties"] != false {
            self.note(place, "accepts no other members any more");
        }
        self.members(place, before, after, written, depth);
        self.bounds(place, before, after, written);
        if !before["items"].is_null() && !after["items"].is_null() {
            self.schema(&format!("{place}[]"), &before["items"], &after["items"], written, depth + 1);
        }
        let parts = |schema: &Value| schema["allOf"].as_array().cloned().unwrap_or_default();
        for (old, new) in parts(before).iter().zip(&parts(after)) {
            self.schema(place, old, new, written, depth + 1);
        }
    }

    fn members(&mut self, place: &str, before: &Value, after: &Value, written: Written, depth: usize) {
        let (old, new) = (object(&before["properties"]), object(&after["properties"]));
        for (name, member) in old {
            let place = format!("{place}.{name}");
            match new.get(name) {
                Some(now) => self.schema(&place, member, now, written, depth + 1),
                None if written == Written::ByClient && after["additionalProperties"] != false => {}
                None => self.note(&place, "was removed"),
            }
        }
        let (old, new) = (strings(&before["required"]), strings(&after["required"]));
        match written {
            Written::ByClient => new.difference(&old).for_each(|name| self.note(&format!("{place}.{}", name.trim_matches('"')), "is required now")),
            Written::ByServer => {
                old.difference(&new).for_each(|name| self.note(&format!("{place}.{}", name.trim_matches('"')), "may be missing now"));
            }
        }
    }

    fn bounds(&mut self, place: &str, before: &Value, after: &Value, written: Written) {
        let (old, new) = (strings(&before["enum"]), strings(&after["enum"]));
        if written == Written::ByServer {
            for value in new.difference(&old).filter(|_| before["enum"].is_array()) {
                self.note(place, &format!("may be {value} now"));
            }
            if old.is_empty() || !new.is_empty() {
                return;
            }
            return self.note(place, "may be any value now");
        }
        if old.is_empty() && !new.is_empty() {
            self.note(place, "is one of a list now");
        }
        for value in old.difference(&new).filter(|_| !new.is_empty()) {
            self.note(place, &format!("may not be {value} any more"));
        }
        let bound = |schema: &Value, name: &str| schema[name].as_number().and_then(|number| number.to_string().parse::<f64>().ok());
        for name in ["maxLength", "maximum", "maxItems"] {
            if let Some(most) = bound(after, name).filter(|most| bound(before, name).is_none_or(|old| *most < old)) {
                self.note(place, &format!("has a {name} of {most} now"));
            }
        }
        for name in ["minLength", "minimum", "minItems", "multipleOf"] {
            if let Some(least) = bound(after, name).filter(|least| bound(before, name).is_none_or(|old| *least > old)) {
                self.note(place, &format!("has a {name} of {least} now"));
            }
        }
        for name in ["pattern", "format"] {
            if !after[name].is_null() && before[name] != after[name] {
                self.note(place, &format!("has the {name} {} now", after[name]));
            }
        }
    }
}
