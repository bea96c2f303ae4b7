//! The environment variables that the code reads are those that `stack.yaml` declares, function by function: none missing, none unused.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use local_stack::declaration::{Declaration, repository};

/// What every function is built from besides its own crate, and that reads variables.
const LIBRARIES: [&str; 4] = ["shared-utils", "access", "realtime", "messaging"];

/// The variables that the sources under a folder read by name. Lambda itself sets those that begin with `AWS_`.
fn read_by(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let path = entry.path();
        if path.is_dir() {
            // Tools beside a function are run by people, not by Lambda.
            if path.file_name().is_some_and(|name| name != "bin") {
                read_by(&path, found);
            }
            continue;
        }
        let source = fs::read_to_string(&path).unwrap();
        for call in ["required(\"", "optional(\"", "parsed(\"", "env::var(\"", "from_env(\""] {
            for (at, _) in source.match_indices(call) {
                let name: String = source[at + call.len()..].chars().take_while(|c| *c != '"').collect();
                let is_variable = name.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_');
                if is_variable && !name.starts_with("AWS_") {
                    found.insert(name);
                }
            }
        }
    }
}

#[test]
fn every_variable_that_is_read_is_declared_and_every_declared_one_is_read() {
    let declaration = Declaration::read().unwrap();
    let mut shared = BTreeSet::new();
    for library in LIBRARIES {
        read_by(&repository().join("libs").join(library).join("src"), &mut shared);
    }
    assert!(shared.contains("ALLOWED_ORIGINS") && shared.contains("SHARED_UTILS_DIR"), "the sources are read: {shared:?}");
    for (name, function) in &declaration.functions {
        let mut read = shared.clone();
        read_by(&repository().join("functions").join(name).join("src"), &mut read);
        let declared: BTreeSet<String> = function.environment.keys().cloned().collect();
        assert_eq!(read, declared, "{name}");
    }
}
