//! What is tested is what is shipped: every dependency has the same features whichever packages one command builds.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use local_stack::declaration::{Declaration, repository};

/// Features by package and version, as Cargo resolves them for this selection.
type Resolved = BTreeMap<String, BTreeSet<String>>;

fn resolved(selection: &[String], edges: &str) -> Resolved {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .current_dir(repository())
        .args(["tree", "--locked", "--offline", "--no-dedupe", "--prefix", "none", "--edges", edges, "--format", "{p}|{f}"])
        .args(selection)
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut resolved = Resolved::new();
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        let Some((package, features)) = line.split_once('|') else { continue };
        // A folder or a mark may follow name and version.
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
        assert_eq!(differences(&resolved(&selection, "normal,build,dev"), &whole), Vec::<String>::new(), "{package}");
    }
}
