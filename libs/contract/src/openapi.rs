//! The HTTP API as an `OpenAPI` 3.1 document.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};
use shared_utils::contract::Operation;
use shared_utils::http::ProblemDocument;
use shared_utils::http::routing::{Access, Body, Route};

use crate::codes;
use crate::examples;
use crate::fields::describe;
use crate::schemas::Schemas;

/// An operation with what its route says of it.
pub struct RoutedOperation {
    /// What the function says.
    pub operation: Operation,
    /// The first segment of its path.
    pub tag: &'static str,
    /// Who may call it.
    pub access: Access,
    /// What it takes.
    pub body: Body,
}

impl RoutedOperation {
    /// Every error code that it may have.
    pub fn codes(&self) -> BTreeSet<&'static str> {
        let mut codes: BTreeSet<&str> = self.operation.errors.iter().copied().chain(["internal", "unavailable"]).collect();
        if self.access != Access::Public {
            codes.extend(["missing_token", "invalid_token", "token_expired", "session_revoked"]);
        }
        if self.access == Access::Approved {
            codes.insert("account_pending");
        }
        if self.body != Body::None {
            codes.extend(["invalid_json", "payload_too_large", "unsupported_media_type", "validation_failed"]);
        }
        if self.operation.pattern.contains('{') {
            codes.insert("not_found");
        }
        codes
    }

    /// Every error status that it may have, with the codes of each.
    pub fn errors(&self) -> BTreeMap<u16, Vec<&'static str>> {
        let mut errors: BTreeMap<u16, Vec<&'static str>> = BTreeMap::new();
        for name in self.codes() {
            // A wrong password is 401 where one signs in, 403 where one is signed in already.
            let is_theirs = |code: &&codes::Code| name != "invalid_credentials" || (code.status == 401) == (self.access == Access::Public);
            for code in codes::of(name).filter(is_theirs) {
                errors.entry(code.status).or_default().push(name);
            }
        }
        errors
    }
}

fn routed<A>(tag: &'static str, routes: &[Route<A>], operations: Vec<Operation>) -> Vec<RoutedOperation> {
    let of_route = |operation: Operation| {
        let route = routes.iter().find(|route| route.method == operation.method && route.pattern == operation.pattern);
        let route = route.unwrap_or_else(|| panic!("{} {} is no route", operation.method, operation.pattern));
        RoutedOperation { tag, access: route.access, body: route.body, operation }
    };
    let names = |all: Vec<String>| {
        let set: BTreeSet<String> = all.iter().cloned().collect();
        assert_eq!(set.len(), all.len(), "an operation of {tag} appears more than once");
        set
    };
    let described = names(operations.iter().map(|operation| format!("{} {}", operation.method, operation.pattern)).collect());
    let existing = names(routes.iter().map(|route| format!("{} {}", route.method, route.pattern)).collect());
    assert_eq!(described, existing, "the routes of {tag} and their descriptions");
    operations.into_iter().map(of_route).collect()
}

/// Every operation of every function.
///
/// # Panics
/// When a route is not described, or a described one does not exist.
pub fn operations() -> Vec<RoutedOperation> {
    let mut all = routed("auth", auth_router::ROUTES, auth_router::operations());
    all.extend(routed("projects", projects_router::ROUTES, projects_router::operations()));
    all.extend(routed("messages", messages_router::ROUTES, messages_router::operations()));
    all
}

/// The document.
pub fn document() -> Value {
    let mut schemas = Schemas::new();
    let mut paths: BTreeMap<String, Map<String, Value>> = BTreeMap::new();
    for routed in operations() {
        let path = paths.entry(routed.operation.pattern.to_owned()).or_default();
        let parameters = path_parameters(routed.operation.pattern);
        if !parameters.is_empty() {
            path.insert("parameters".to_owned(), json!(parameters));
        }
        path.insert(routed.operation.method.as_str().to_lowercase(), operation(&routed, &mut schemas));
    }
    for domain in ["auth", "projects", "messages"] {
        paths.entry(format!("/{domain}/health")).or_default().insert("get".to_owned(), health(domain));
    }
    schemas.of::<ProblemDocument<'static>>();
    let mut server =
        json!({"oneOf": crate::asyncapi::server_frames(&mut schemas).into_values().collect::<Vec<_>>(), "description": "A frame from the server."});
    let mut client = json!({"oneOf": crate::asyncapi::client_frames().into_values().collect::<Vec<_>>(), "description": "A frame from a client."});
    let mut components = schemas.into_components();
    crate::schemas::close(&mut server);
    crate::schemas::close(&mut client);
    components.insert("ServerFrame".to_owned(), server);
    components.insert("ClientFrame".to_owned(), client);
    json!({
        "openapi": "3.1.1",
        "info": {
            "title": "MYLG",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "The backend of MYLG, a studio's collaboration app.",
            "description": "docs/api.md has what a schema cannot say: the order of checks, versions, idempotency, retries.",
            "license": {"name": "MIT", "identifier": "MIT"},
            "contact": {"name": "The MYLG team", "url": "https://mylg.studio", "email": "api@mylg.studio"},
        },
        "servers": [{"url": "http://localhost:3000", "description": "The local stack. Deployed environments print their address: `make outputs`."}],
        "tags": [
            {"name": "auth", "description": "Sessions, profiles and accounts."},
            {"name": "projects", "description": "Projects, their teams and their budgets."},
            {"name": "messages", "description": "Conversations and messages."},
        ],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {"accessToken": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": "An access token of ten minutes."}},
        },
        "x-error-codes": codes::CODES
            .iter()
            .map(|code| json!({"code": code.code, "status": code.status, "when": code.when, "then": code.then}))
            .collect::<Vec<_>>(),
    })
}

fn path_parameters(pattern: &str) -> Vec<Value> {
    let names = pattern.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    let parameter = |name: &str| {
        let description = match name {
            "userId" => "The id of a person.",
            "emoji" => "One emoji, percent-encoded.",
            _ => "The id of the resource.",
        };
        let schema = match name {
            "emoji" => json!({"type": "string", "minLength": 1}),
            _ => json!({"type": "string", "pattern": "^[A-Za-z0-9_]+$"}),
        };
        json!({"name": name, "in": "path", "required": true, "description": description, "schema": schema})
    };
    names.map(parameter).collect()
}

fn operation(routed: &RoutedOperation, schemas: &mut Schemas) -> Value {
    let operation = &routed.operation;
    let mut responses = Map::new();
    for response in &operation.responses {
        let mut object = json!({"description": response.description, "headers": headers(response.headers)});
        if let Some(schema) = response.schema {
            object["content"] =
                content("application/json", &schema(schemas.generator()).to_value(), &format!("{} {}", operation.id, response.status));
        }
        responses.insert(response.status.to_string(), object);
    }
    for (status, names) in routed.errors() {
        let lines: Vec<String> = names
            .iter()
            .flat_map(|name| codes::of(name).filter(|code| code.status == status))
            .map(|code| format!("`{}`: {}", code.code, code.when))
            .collect();
        let own = match status {
            401 if operation.headers.contains(&"X-Session-Transport") => &["WWW-Authenticate", "Set-Cookie"][..],
            401 => &["WWW-Authenticate"],
            412 => &["ETag"],
            415 => &["Accept-Encoding"],
            429 | 503 => &["Retry-After"],
            _ => &[],
        };
        responses.insert(
            status.to_string(),
            json!({
                "description": lines.join(" "),
                "headers": headers(own),
                "content": content("application/problem+json", &json!({"$ref": "#/components/schemas/Problem"}), &format!("{} {status}", operation.id)),
                "x-codes": names,
            }),
        );
    }
    let mut parameters: Vec<Value> = operation
        .query
        .iter()
        .map(|parameter| json!({"name": parameter.name, "in": "query", "description": parameter.description, "schema": parameter.schema}))
        .collect();
    parameters.extend(operation.headers.iter().map(|name| request_header(name)));
    let mut object = json!({
        "operationId": operation.id,
        "summary": operation.summary,
        "description": operation.description,
        "tags": [routed.tag],
        "responses": responses,
        "security": if routed.access == Access::Public { json!([]) } else { json!([{"accessToken": []}]) },
    });
    if !parameters.is_empty() {
        object["parameters"] = json!(parameters);
    }
    if let Some(mut request) = operation.request.clone() {
        describe(&mut request, "");
        let (required, max) = match routed.body {
            Body::Json(max) => (true, max),
            Body::OptionalJson(max) => (false, max),
            Body::None => (false, 0),
        };
        object["requestBody"] = json!({"required": required, "description": format!("At most {max} bytes."), "content": content("application/json", &request, &format!("{} request", operation.id))});
    }
    object
}

/// A body of this kind, with the recorded example of this name.
fn content(kind: &str, schema: &Value, example: &str) -> Value {
    let mut content = json!({kind: {"schema": schema}});
    if let Some(example) = examples::of(example) {
        content[kind]["example"] = example.clone();
    }
    content
}

fn request_header(name: &str) -> Value {
    let (description, schema) = match name {
        "Idempotency-Key" => (
            "1 to 255 printable ASCII characters. A repeated request with the same key gets the first response.",
            json!({"type": "string", "pattern": "^[ -~]{1,255}$"}),
        ),
        "If-Match" => ("Write only where the resource has this entity tag.", json!({"type": "string"})),
        "If-None-Match" => ("Respond with 304 where the resource has this entity tag.", json!({"type": "string"})),
        "Prefer" => ("`return=minimal`: respond with what was written.", json!({"type": "string"})),
        _ => ("`cookie`: the refresh token travels in the cookie `__Host-refresh`. Needs a listed `Origin`.", json!({"enum": ["body", "cookie"]})),
    };
    json!({"name": name, "in": "header", "description": description, "schema": schema})
}

fn headers(own: &[&str]) -> Value {
    let all = own.iter().copied().chain(["X-Request-Id"]);
    Value::Object(all.map(|name| (name.to_owned(), json!({"description": header_description(name), "schema": {"type": "string"}}))).collect())
}

fn header_description(name: &str) -> &'static str {
    match name {
        "Accept-Encoding" => "`identity`, where the body was encoded.",
        "ETag" => "The entity tag of the resource as it is now.",
        "Location" => "The path of the new resource.",
        "Idempotent-Replayed" => "`true` where this is the response of an earlier request with the same key.",
        "Preference-Applied" => "The preference that was applied.",
        "Retry-After" => "Seconds to wait before the next try.",
        "Set-Cookie" => "The refresh token, with the cookie transport.",
        "WWW-Authenticate" => "What the request needs (RFC 6750).",
        _ => "The id of the request, which log lines have too.",
    }
}

fn health(domain: &str) -> Value {
    json!({
        "operationId": format!("{domain}Health"),
        "summary": "Says that the function answers.",
        "description": "Needs no token.",
        "tags": [domain],
        "security": [],
        "responses": {"200": {
            "description": "The function answers.",
            "headers": headers(&[]),
            "content": {"application/json": {"schema": {
                "type": "object",
                "required": ["ok", "domain", "version"],
                "properties": {"ok": {"const": true}, "domain": {"const": domain}, "version": {"type": "string"}},
                "additionalProperties": false,
            }}},
        }},
    })
}
