//! The tested build is the shipped build: every dependency has the same features, whichever packages one command builds.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use local_stack::declaration::{Declaration, repository};

/// Features by package and version, as Cargo resolves them for a selection.
type Resolved = BTreeMap<String, BTreeSet<String>>;

fn resolved(selection: &[String], edges: &str) -> Resolved {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    #[expect(clippy::disallowed_methods, reason = "cargo is no program of this repository")]
    let output = Command::new(cargo)
        .current_dir(repository())
        .args(["tree", "--locked", "--offline", "--prefix", "none", "--edges", edges, "--format", "{p}|{f}"])
        .args(selection)
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut resolved = Resolved::new();
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        let Some((package, features)) = line.split_once('|') else { continue };
        // A folder or a mark may follow the name and the version.
        let package: Vec<&str> = package.split(' ').take(2).collect();
        let features = features.trim_end_matches(" (*)").split(',').filter(|feature| !feature.is_empty());
        resolved.entry(package.join(" ")).or_default().extend(features.map(str::to_owned));
    }
    assert!(resolved.len() > 20, "cargo tree printed {} packages", resolved.len());
    resolved
}

fn differences(part: &Resolved, whole: &Resolved) -> Vec<String> {
    let differs = |(package, features): (&String, &BTreeSet<String>)| {
        let whole = whole.get(package)?;
        (features != whole).then(|| format!("{package}: {features:?} against {whole:?} in the workspace"))
    };
    part.iter().filter_map(differs).collect()
}

#[test]
fn dependencies_have_the_same_features_in_every_build() {
    let whole = resolved(&["--workspace".to_owned()], "normal,build,dev");
    let declaration = Declaration::read().expect("stack.yaml is readable");
    let functions: Vec<String> = declaration.functions.keys().flat_map(|name| ["--package".to_owned(), name.clone()]).collect();
    assert_eq!(differences(&resolved(&functions, "normal"), &whole), Vec::<String>::new(), "what is deployed");
    for package in declaration.functions.keys().map(String::as_str).chain(["local-stack", "end-to-end"]) {
        let selection = ["--package".to_owned(), package.to_owned()];
        // As `make build PACKAGE=<name>` builds it, and as its tests do.
        for edges in ["normal", "normal,build,dev"] {
            assert_eq!(differences(&resolved(&selection, edges), &whole), Vec::<String>::new(), "{package}, {edges}");
        }
    }
}

/// Every locked dependency supports the toolchain that the project requires.
#[test]
fn no_dependency_needs_a_newer_toolchain() {
    let metadata = test_harness::cargo_metadata();
    let packages = metadata["packages"].as_array().expect("packages");
    let version = |text: &str| -> Vec<u32> {
        let mut numbers: Vec<u32> = text.split('.').filter_map(|number| number.parse().ok()).collect();
        numbers.resize(3, 0);
        numbers
    };
    let wanted = |package: &serde_json::Value| package["rust_version"].as_str().map(version);
    let own = packages.iter().find(|package| package["name"] == "shared-utils").and_then(wanted).expect("a version of ours");
    let later: Vec<_> = packages.iter().filter(|package| wanted(package) > Some(own.clone())).map(|package| &package["name"]).collect();
    assert!(later.is_empty(), "these ask for a later toolchain than {own:?}: {later:?}");
    let readme = std::fs::read_to_string(repository().join("README.md")).expect("a README");
    assert!(readme.contains(&format!("({}.{}.{} or later", own[0], own[1], own[2])), "the README names the toolchain");
}

/// Only the edge converts errors and values of the domain to HTTP, because sockets use them too.
#[test]
fn no_library_but_shared_utils_names_its_http_module() {
    let mut named = Vec::new();
    for library in ["access", "budgets", "importer", "local-stack", "messaging", "objects", "realtime"] {
        let sources = repository().join("libs").join(library).join("src");
        let mut folders = vec![sources];
        let mut files = 0;
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(&folder).expect("a folder") {
                let path = entry.expect("an entry").path();
                if path.is_dir() {
                    folders.push(path);
                } else if std::fs::read_to_string(&path).expect("a source").contains("shared_utils::http") {
                    named.push(path);
                } else {
                    files += 1;
                }
            }
        }
        assert!(files > 1, "{library} was read");
    }
    assert!(named.is_empty(), "these name shared_utils::http: {named:?}");
}
