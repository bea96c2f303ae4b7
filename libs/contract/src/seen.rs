//! What a run of the suite has seen of the contract.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

/// What the suite does not see, with the reason.
const UNSEEN: &str = include_str!("../unseen.txt");

/// Every pair of operation and status, every error code and every frame.
fn everything() -> BTreeSet<String> {
    let (http, socket) = (crate::openapi::document(), crate::asyncapi::document());
    let mut all = BTreeSet::new();
    for operation in http["paths"].as_object().into_iter().flatten().flat_map(|(_, path)| path.as_object().into_iter().flatten()).map(|(_, of)| of) {
        let id = operation["operationId"].as_str().unwrap_or_default();
        all.extend(operation["responses"].as_object().into_iter().flatten().map(|(status, _)| format!("{id} {status}")));
    }
    all.extend(crate::codes::CODES.iter().map(|code| format!("code {}", code.code)));
    let frames = socket["components"]["messages"].as_object();
    all.extend(frames.into_iter().flatten().map(|(name, _): (&String, &Value)| format!("frame {name}")));
    all
}

/// What was not seen, and has no reason; and what has a reason, and was seen or does not exist. `folder` has the notes of a whole run.
pub fn missing(folder: &Path) -> std::io::Result<Vec<String>> {
    let mut seen = BTreeSet::new();
    for file in std::fs::read_dir(folder)? {
        seen.extend(std::fs::read_to_string(file?.path())?.lines().map(str::to_owned));
    }
    let entry = |line: &str| line.split("  ").next().unwrap_or_default().trim().to_owned();
    let excused: BTreeSet<String> = UNSEEN.lines().filter(|line| !line.starts_with('#')).map(entry).collect();
    let all = everything();
    let is_excused =
        |what: &String| excused.contains(what) || what.split_once(' ').is_some_and(|(_, status)| excused.contains(&format!("* {status}")));
    let unseen = all.difference(&seen).filter(|what| !is_excused(what)).map(|what| format!("not seen: {what}"));
    let idle = excused.iter().filter(|what| !what.starts_with('*') && (seen.contains(*what) || !all.contains(*what)));
    Ok(unseen.chain(idle.map(|what| format!("in unseen.txt for nothing: {what}"))).collect())
}
