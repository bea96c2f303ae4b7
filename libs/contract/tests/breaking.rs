//! What breaks a client is named, and nothing else.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics, in its helpers too")]

use contract::breaking::of_openapi;
use serde_json::{Value, json};

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

/// Each pair: a schema before and after, what it is for a writer, and what for a reader.
#[test]
fn each_kind_of_change_is_named_for_whom_it_breaks() {
    let text = json!({"type": "string"});
    let nullable = json!({"anyOf": [text, {"type": "null"}]});
    let kind = |name: &str| json!({"type": "object", "properties": {"kind": {"const": name}}});
    let cases = [
        (nullable.clone(), text.clone(), Some("may not be null any more"), None),
        (text.clone(), nullable, None, Some("may be null now")),
        (text.clone(), json!({"type": ["string", "null"]}), None, Some("may be null now")),
        (json!({"type": "integer"}), json!({"type": "number"}), None, Some("changed its type from \"integer\" to \"number\"")),
        (json!({"oneOf": [kind("a"), kind("b")]}), json!({"oneOf": [kind("b")]}), Some("may not be kind \"a\" any more"), None),
        (json!({"oneOf": [kind("a"), kind("b")]}), json!({"oneOf": [kind("b"), kind("c"), kind("a")]}), None, Some("may be kind \"c\" now")),
        (text.clone(), json!({"type": "string", "enum": ["a"]}), Some("is one of a list now"), None),
        (json!({"type": "string", "enum": ["a"]}), text.clone(), None, Some("may be any value now")),
        (text.clone(), json!({"type": "string", "const": "a"}), Some("must be \"a\" now"), Some("must be \"a\" now")),
        (json!({"type": "object"}), json!({"type": "object", "additionalProperties": false}), Some("accepts no other members any more"), None),
        (
            json!({"type": "object", "properties": {"a": text}, "additionalProperties": false}),
            json!({"type": "object", "additionalProperties": false}),
            Some("a was removed"),
            Some("a was removed"),
        ),
    ];
    for (before, after, writer, reader) in cases {
        let (wide, narrow) = (api(&json!({}), &before), api(&json!({}), &after));
        let found = of_openapi(&wide, &narrow);
        assert!(
            found.iter().map(|change| change.trim_start_matches("POST /a 200").trim_start_matches(['.', ' '])).eq(reader),
            "{before} -> {after}: {found:?}"
        );
        let found = of_openapi(&api(&before, &json!({})), &api(&after, &json!({})));
        assert!(
            found.iter().map(|change| change.trim_start_matches("POST /a body").trim_start_matches(['.', ' '])).eq(writer),
            "{before} -> {after}: {found:?}"
        );
    }
}

#[test]
fn parameters_headers_and_tokens_are_compared() {
    let old = json!({"paths": {"/a": {"get": {
        "parameters": [{"name": "limit", "in": "query", "schema": {"type": "integer", "maximum": 100}}, {"name": "old", "in": "query"}],
        "responses": {"200": {"headers": {"ETag": {}}}, "204": {}},
    }}}});
    let new = json!({"paths": {"/a": {"get": {
        "security": [{"bearer": []}],
        "requestBody": {"required": true},
        "parameters": [{"name": "limit", "in": "query", "required": true, "schema": {"type": "integer", "maximum": 50}}],
        "responses": {"200": {}},
    }}}});
    let expected = [
        "GET /a 200 header ETag was removed",
        "GET /a 204 was removed",
        "GET /a needs a body now",
        "GET /a needs a token now",
        "GET /a parameter limit has a maximum of 50 now",
        "GET /a parameter limit is required now",
        "GET /a parameter old was removed",
    ];
    assert_eq!(of_openapi(&old, &new), expected);
}
