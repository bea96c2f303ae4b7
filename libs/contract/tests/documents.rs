//! The committed documents are those of the code, and break no client without a word in the change log.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics, in its helpers too")]

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use contract::breaking::{of_asyncapi, of_openapi};
use local_stack::declaration::{Declaration, repository};
use serde_json::Value;

fn documents() -> [(&'static str, Value); 2] {
    [("openapi.json", contract::openapi::document()), ("asyncapi.json", contract::asyncapi::document())]
}

fn read(path: PathBuf) -> String {
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn the_committed_documents_are_those_of_the_code() {
    for (name, document) in documents() {
        let committed = read(repository().join("docs").join(name));
        assert!(committed == contract::text(&document), "docs/{name} is not what the code says: run make contract");
    }
}

#[test]
fn every_operation_is_routed_to_its_function() {
    let declaration = Declaration::read().unwrap();
    for operation in contract::openapi::operations() {
        let (method, path) = (&operation.operation.method, operation.operation.pattern);
        let function = format!("{}-router", operation.tag);
        let is_routed = declaration.http_api.routes.iter().any(|route| {
            let (verb, pattern) = route.route.split_once(' ').unwrap_or(("ANY", ""));
            let fits = match pattern.strip_suffix("/{proxy+}") {
                Some(prefix) => path.strip_prefix(prefix).is_some_and(|rest| rest.starts_with('/')),
                None => pattern == path,
            };
            route.function == function && (verb == "ANY" || verb == method.as_str()) && fits
        });
        assert!(is_routed, "{method} {path} is not routed to {function} in stack.yaml");
    }
}

#[test]
fn operations_and_codes_have_names_of_their_own() {
    let operations = contract::openapi::operations();
    let ids: BTreeSet<&str> = operations.iter().map(|operation| operation.operation.id).collect();
    assert_eq!(ids.len(), operations.len(), "an operationId appears more than once");
    for operation in &operations {
        for code in operation.codes() {
            assert!(contract::codes::of(code).next().is_some(), "{code} of {} is not described in contract::codes", operation.operation.id);
        }
    }
}

/// A breaking change needs a line in the change log: `- Breaking: ` and what is found here, under "Unreleased".
#[test]
fn breaking_changes_are_in_the_change_log() {
    let log = read(repository().join("CHANGELOG.md"));
    let unreleased = log.split("\n## ").find(|section| section.trim_start_matches("## ").starts_with("Unreleased")).unwrap_or_default();
    let released = |name: &str| serde_json::from_str::<Value>(&read(repository().join("libs/contract/released").join(name))).unwrap();
    let mut found = of_openapi(&released("openapi.json"), &contract::openapi::document());
    found.extend(of_asyncapi(&released("asyncapi.json"), &contract::asyncapi::document()));
    let missing: Vec<String> = found.into_iter().filter(|change| !unreleased.contains(&format!("- Breaking: {change}\n"))).collect();
    assert!(missing.is_empty(), "these break clients and are not in CHANGELOG.md: {missing:#?}");
}
