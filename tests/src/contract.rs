//! Every response and every frame of the suite is compared with the generated contract: documented status, headers, code and body, with no
//! member that is not declared.

use std::collections::HashMap;
use std::fs::OpenOptions;
use std::io::Write;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use boon::{Compiler, Draft, SchemaIndex, Schemas};
use reqwest::Method;
use serde_json::{Value, json};
use test_harness::Answer;

/// Headers that any response may have.
const COMMON: &[&str] = &[
    "access-control-allow-credentials",
    "access-control-allow-origin",
    "access-control-expose-headers",
    "cache-control",
    "connection",
    "content-length",
    "content-type",
    "date",
    "strict-transport-security",
    "vary",
    "x-content-type-options",
    "x-request-id",
];
/// As AWS's gateway names its own header.
const GATEWAY: &[&str] = &["apigw-requestid", "x-amzn-requestid", "x-amzn-trace-id", "server"];

struct Contract {
    http: Value,
    socket: Value,
    validators: Mutex<HashMap<String, Arc<Validator>>>,
}

fn contract() -> &'static Contract {
    static CONTRACT: OnceLock<Contract> = OnceLock::new();
    CONTRACT.get_or_init(|| Contract { http: document("openapi.json"), socket: document("asyncapi.json"), validators: Mutex::default() })
}

/// A document of `docs/` as it is committed: a test of `libs/contract` holds it to the code.
///
/// # Panics
/// If it cannot be read.
pub fn document(name: &str) -> Value {
    let path = local_stack::declaration::repository().join("docs").join(name);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

impl Contract {
    /// The errors of a value under the schema at this pointer of a document.
    fn errors(&self, document: &Value, pointer: &str, value: &Value) -> Vec<String> {
        let validator = {
            let mut validators = self.validators.lock().unwrap_or_else(PoisonError::into_inner);
            let key = format!("{}{pointer}", document["info"]["title"]);
            validators.entry(key).or_insert_with(|| Arc::new(compiled(document, pointer))).clone()
        };
        match validator.schemas.validate(value, validator.index) {
            Ok(()) => Vec::new(),
            Err(error) => error.to_string().lines().map(str::to_owned).collect(),
        }
    }

    /// The pattern of a path and its operation.
    fn operation(&self, method: &Method, path: &str) -> Option<(&str, &Value)> {
        let segments: Vec<&str> = path.split('?').next().unwrap_or_default().split('/').collect();
        let fits = |pattern: &str| {
            let parts: Vec<&str> = pattern.split('/').collect();
            let is_same = |(part, segment): (&&str, &&str)| part == segment || part.starts_with('{') && !segment.is_empty();
            parts.len() == segments.len() && parts.iter().zip(&segments).all(is_same)
        };
        let paths = self.http["paths"].as_object()?;
        // A literal path comes before one with braces.
        let pattern = paths.keys().filter(|pattern| fits(pattern)).min_by_key(|pattern| pattern.matches('{').count())?;
        Some((pattern, paths[pattern].get(method.as_str().to_lowercase())?))
    }
}

/// A compiled schema.
struct Validator {
    schemas: Schemas,
    index: SchemaIndex,
}

fn compiled(document: &Value, pointer: &str) -> Validator {
    let schema = json!({"allOf": [document.pointer(pointer)], "components": document["components"]});
    let (mut compiler, mut schemas) = (Compiler::new(), Schemas::new());
    compiler.set_default_draft(Draft::V2020_12);
    compiler.add_resource("https://contract.test/schema.json", schema).expect("a resource");
    let index = compiler.compile("https://contract.test/schema.json", &mut schemas).unwrap_or_else(|error| panic!("{pointer} is no schema: {error}"));
    Validator { schemas, index }
}

/// The error codes that an operation has with this status.
fn response_codes(operation: &Value, status: &str) -> Vec<String> {
    let codes = operation["responses"][status]["x-codes"].as_array();
    codes.into_iter().flatten().filter_map(|code| code.as_str().map(str::to_owned)).collect()
}

fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// Appends a line in one write: several tasks may do so at once.
fn append(file: &std::path::Path, line: &str) {
    if let Ok(mut file) = OpenOptions::new().create(true).append(true).open(file) {
        let _ = file.write_all(format!("{line}\n").as_bytes());
    }
}

/// Notes that something of the contract was seen, where `CONTRACT_SEEN` names a folder for it.
fn note(what: &str) {
    static SEEN: OnceLock<Mutex<std::collections::HashSet<String>>> = OnceLock::new();
    let Some(folder) = std::env::var_os("CONTRACT_SEEN") else { return };
    if SEEN.get_or_init(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner).insert(what.to_owned()) {
        let file = std::path::Path::new(&folder).join(std::process::id().to_string());
        append(&file, what);
    }
}

/// The longest example, in bytes.
const MAX_EXAMPLE: usize = 1_500;

/// Keeps an example, where `CONTRACT_EXAMPLES` names a folder for them.
fn record(name: &str, value: &Value) {
    let Some(folder) = std::env::var_os("CONTRACT_EXAMPLES") else { return };
    let line = json!({"name": name, "value": value}).to_string();
    if line.len() <= MAX_EXAMPLE {
        let file = std::path::Path::new(&folder).join(std::process::id().to_string());
        append(&file, &line);
    }
}

/// Compares a response with the contract. A response of the gateway itself is no part of it.
///
/// # Panics
/// If the contract does not say so.
#[track_caller]
pub(crate) fn check_response(method: &Method, path: &str, sent: Option<&Value>, answer: &Answer) {
    let contract = contract();
    let is_head = method == Method::HEAD;
    let method = if is_head { &Method::GET } else { method };
    if answer.status >= 400 && !answer.code().is_empty() {
        note(&format!("code {}", answer.code()));
    }
    let Some((pattern, operation)) = contract.operation(method, path) else { return };
    if answer.header("x-request-id").is_empty() {
        // Only the gateway itself responds so: without the function, or in its place.
        assert!([403, 404, 413, 429, 431, 500, 502, 503, 504].contains(&answer.status), "{method} {path}: {} without a request id", answer.status);
        return;
    }
    let (id, status) = (operation["operationId"].as_str().unwrap_or_default(), answer.status.to_string());
    let response = &operation["responses"][&status];
    assert!(!response.is_null(), "{method} {path}: {status} is not in the contract: {}", answer.body);
    note(&format!("{id} {status}"));
    for name in answer.headers.keys().map(reqwest::header::HeaderName::as_str).filter(|name| !COMMON.contains(name) && !GATEWAY.contains(name)) {
        let mut declared = response["headers"].as_object().into_iter().flatten();
        let is_declared = declared.any(|(known, _)| known.eq_ignore_ascii_case(name));
        assert!(is_declared, "{method} {path}: {status} has a header {name} that is not in the contract");
    }
    for name in ["ETag", "Location", "Retry-After", "WWW-Authenticate"].iter().filter(|name| !response["headers"][**name].is_null()) {
        assert!(!answer.header(name).is_empty(), "{method} {path}: {status} has no {name}");
    }
    let base = format!("/paths/{}/{}", escaped(pattern), method.as_str().to_lowercase());
    match response["content"].as_object().and_then(|content| content.keys().next()) {
        None => assert!(answer.body.is_null(), "{method} {path}: {status} has a body: {}", answer.body),
        Some(_) if is_head => {}
        Some(kind) => {
            assert_eq!(answer.header("content-type"), kind, "{method} {path}: {status}");
            let pointer = format!("{base}/responses/{status}/content/{}/schema", escaped(kind));
            let errors = contract.errors(&contract.http, &pointer, &answer.body);
            assert!(errors.is_empty(), "{method} {path}: {status} is not as the contract says: {errors:#?}\n{}", answer.body);
            record(&format!("{id} {status}"), &answer.body);
        }
    }
    if answer.status < 400 {
        let declared = |name: &str| operation["parameters"].as_array().into_iter().flatten().any(|parameter| parameter["name"] == name);
        let query = path.split_once('?').map_or("", |(_, query)| query);
        for name in query.split('&').filter_map(|pair| pair.split('=').next()).filter(|name| !name.is_empty()) {
            let reads_queries = response_codes(operation, "400").iter().any(|code| code == "invalid_parameter");
            assert!(declared(name) || !reads_queries, "{method} {path}: {name} is not in the contract");
        }
    }
    if answer.status >= 400 {
        let code = answer.code();
        let codes = response["x-codes"].as_array().into_iter().flatten();
        assert!(codes.clone().any(|known| known == code) || is_head, "{method} {path}: {code} is not in the contract of {status}");
    } else if let Some(sent) = sent.filter(|sent| sent.is_object() && !operation["requestBody"].is_null()) {
        let errors = contract.errors(&contract.http, &format!("{base}/requestBody/content/application~1json/schema"), sent);
        assert!(errors.is_empty(), "{method} {path} was accepted, and is not as the contract says: {errors:#?}\n{sent}");
        record(&format!("{id} request"), sent);
    }
}

/// Compares a frame of the server with the contract.
///
/// # Panics
/// If the contract does not say so.
#[track_caller]
pub(crate) fn check_server_frame(frame: &Value) {
    check_frame("server", frame);
    if frame["action"] == "error" {
        note(&format!("code {}", frame["code"].as_str().unwrap_or_default()));
    }
}

/// Compares a frame that was accepted with the contract.
///
/// # Panics
/// If the contract does not say so.
#[track_caller]
pub(crate) fn check_accepted_frame(frame: &Value) {
    check_frame("client", frame);
}

#[track_caller]
fn check_frame(from: &str, frame: &Value) {
    let contract = contract();
    let name = format!("{from}.{}", frame["action"].as_str().unwrap_or_default());
    let pointer = format!("/components/messages/{name}/payload");
    assert!(contract.socket.pointer(&pointer).is_some(), "there is no {name} in the contract: {frame}");
    let errors = contract.errors(&contract.socket, &pointer, frame);
    assert!(errors.is_empty(), "{name} is not as the contract says: {errors:#?}\n{frame}");
    note(&format!("frame {name}"));
    record(&format!("frame {name}"), frame);
}
