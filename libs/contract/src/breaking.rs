//! What breaks a client: differences between the documents of the last release and those of today.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

/// Who writes the values of a schema. A reader breaks when they become wider, a writer when they become narrower.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Written {
    /// Requests and frames of clients.
    ByClient,
    /// Responses and frames of the server.
    ByServer,
}

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

impl Comparison<'_> {
    fn note(&mut self, place: &str, what: &str) {
        self.found.insert(format!("{place} {what}"));
    }

    fn operation(&mut self, place: &str, before: &Value, after: &Value) {
        if after.is_null() {
            return self.note(place, "was removed");
        }
        for (status, response) in object(&before["responses"]).iter().filter(|(status, _)| status.starts_with('2')) {
            for (kind, content) in object(&response["content"]) {
                let now = &after["responses"][status]["content"][kind]["schema"];
                if now.is_null() {
                    self.note(&format!("{place} {status}"), "has no body any more");
                } else {
                    self.schema(&format!("{place} {status}"), &content["schema"], now, Written::ByServer, 0);
                }
            }
        }
        let body = |operation: &Value| operation["requestBody"]["content"]["application/json"]["schema"].clone();
        self.schema(&format!("{place} body"), &body(before), &body(after), Written::ByClient, 0);
        let names = |operation: &Value| -> BTreeSet<String> {
            operation["parameters"].as_array().into_iter().flatten().filter_map(|parameter| parameter["name"].as_str().map(str::to_owned)).collect()
        };
        for name in names(before).difference(&names(after)) {
            self.note(&format!("{place} parameter {name}"), "was removed");
        }
    }

    fn schema(&mut self, place: &str, before: &Value, after: &Value, written: Written, depth: usize) {
        let (before, after) = (resolved(self.old, before).clone(), resolved(self.new, after).clone());
        if before == after || depth > 12 {
            return;
        }
        if before["type"] != after["type"] && !before["type"].is_null() && !after["type"].is_null() {
            self.note(place, &format!("changed its type from {} to {}", before["type"], after["type"]));
        }
        self.members(place, &before, &after, written, depth);
        self.bounds(place, &before, &after, written);
        self.schema(&format!("{place}[]"), &before["items"], &after["items"], written, depth + 1);
        for union in ["anyOf", "oneOf", "allOf"] {
            let (old, new) = (before[union].as_array(), after[union].as_array());
            for (index, (old, new)) in old.into_iter().flatten().zip(new.into_iter().flatten()).enumerate() {
                let place = if union == "anyOf" { place.to_owned() } else { format!("{place}({index})") };
                self.schema(&place, old, new, written, depth + 1);
            }
        }
    }

    fn members(&mut self, place: &str, before: &Value, after: &Value, written: Written, depth: usize) {
        let (old, new) = (object(&before["properties"]), object(&after["properties"]));
        for (name, member) in old {
            let place = format!("{place}.{name}");
            match new.get(name) {
                Some(now) => self.schema(&place, member, now, written, depth + 1),
                None if new.is_empty() => {}
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
        if written == Written::ByServer {
            for value in strings(&after["enum"]).difference(&strings(&before["enum"])).filter(|_| before["enum"].is_array()) {
                self.note(place, &format!("may be {value} now"));
            }
            return;
        }
        for value in strings(&before["enum"]).difference(&strings(&after["enum"])) {
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
        if !after["pattern"].is_null() && before["pattern"] != after["pattern"] {
            self.note(place, &format!("has the pattern {} now", after["pattern"]));
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn api(body: &Value, response: &Value) -> Value {
        json!({"paths": {"/a": {"post": {
            "requestBody": {"content": {"application/json": {"schema": body}}},
            "responses": {"200": {"content": {"application/json": {"schema": response}}}},
        }}}})
    }

    #[test]
    fn what_breaks_a_client_is_named() {
        let body = json!({"type": "object", "properties": {"title": {"type": "string", "maxLength": 10}, "kind": {"enum": ["a", "b"]}}});
        let response = json!({"type": "object", "required": ["id"], "properties": {"id": {"type": "string"}, "text": {"type": "string"}}});
        let old = api(&body, &response);
        let mut narrower = body.clone();
        narrower["properties"]["title"]["maxLength"] = json!(9);
        narrower["properties"]["kind"]["enum"] = json!(["a"]);
        narrower["required"] = json!(["title"]);
        let mut less = response.clone();
        less["properties"].as_object_mut().unwrap().remove("text");
        less["required"] = json!([]);
        let expected = [
            "POST /a 200.id may be missing now",
            "POST /a 200.text was removed",
            "POST /a body.kind may not be \"b\" any more",
            "POST /a body.title has a maxLength of 9 now",
            "POST /a body.title is required now",
        ];
        assert_eq!(of_openapi(&old, &api(&narrower, &less)), expected);
        assert_eq!(of_openapi(&old, &json!({"paths": {}})), ["POST /a was removed"]);
    }

    #[test]
    fn wider_requests_and_richer_responses_break_nobody() {
        let body = json!({"type": "object", "required": ["a"], "properties": {"a": {"type": "string", "maxLength": 10}}});
        let response = json!({"type": "object", "properties": {"id": {"type": "string"}}});
        let mut wider = body.clone();
        wider["properties"]["a"]["maxLength"] = json!(20);
        wider["properties"]["b"] = json!({"type": "string"});
        wider["required"] = json!([]);
        let mut richer = response.clone();
        richer["properties"]["more"] = json!({"type": "string"});
        assert_eq!(of_openapi(&api(&body, &response), &api(&wider, &richer)), Vec::<String>::new());
    }
}
