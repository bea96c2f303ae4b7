//! The committed figures: a slow-down is a failure.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;

use local_stack::declaration::repository;
use serde::{Deserialize, Serialize};

use crate::table::{Row, number};

/// How much of the committed figure is accepted.
const TOLERANCE: f64 = 1.02;
/// How much is accepted with another compiler or processor: both change the instructions.
const ELSEWHERE: f64 = 1.15;

/// The content of `figures.json`.
#[derive(Serialize, Deserialize)]
struct Committed {
    compiler: String,
    processor: String,
    figures: BTreeMap<String, f64>,
}

impl Committed {
    /// These figures, measured here.
    fn here(rows: &[Row]) -> Self {
        let version = Command::new("rustc").arg("--version").output().map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
        Self {
            compiler: version.unwrap_or_default(),
            processor: processor(),
            figures: rows.iter().map(|row| (row.name.clone(), row.figure.round())).collect(),
        }
    }
}

/// The name of this machine's processor.
pub(crate) fn processor() -> String {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = text.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    model.map_or("an unknown processor", |(_, name)| name.trim()).to_owned()
}

fn path() -> PathBuf {
    repository().join("tests/benchmarks/figures.json")
}

/// Commits these figures.
pub(crate) fn write(rows: &[Row]) -> Result<(), String> {
    let text = serde_json::to_string_pretty(&Committed::here(rows)).map_err(|error| error.to_string())?;
    std::fs::write(path(), text + "\n").map_err(|error| error.to_string())
}

/// A line for each figure that is worse than the committed one, or unknown.
pub(crate) fn compare(rows: &[Row]) -> Result<Vec<String>, String> {
    let text = std::fs::read_to_string(path()).map_err(|error| error.to_string())?;
    let (committed, here): (Committed, _) = (serde_json::from_str(&text).map_err(|error| format!("figures.json: {error}"))?, Committed::here(rows));
    let is_comparable = committed.compiler == here.compiler && committed.processor == here.processor;
    if !is_comparable {
        let Committed { compiler, processor, .. } = &committed;
        local_stack::config::print_line(&format!("The figures are of {compiler} on {processor}: here, {ELSEWHERE} times as much is accepted."));
    }
    Ok(worse(rows, &committed.figures, if is_comparable { TOLERANCE } else { ELSEWHERE }))
}

fn worse(rows: &[Row], committed: &BTreeMap<String, f64>, tolerance: f64) -> Vec<String> {
    let line = |row: &Row| match committed.get(&row.name) {
        None => Some(format!("{}: no committed figure: run `make bench-quick UPDATE=1`", row.name)),
        Some(before) if row.figure > before * tolerance => {
            Some(format!("{}: {} {}, committed {}", row.name, number(row.figure), row.unit, number(*before)))
        }
        Some(_) => None,
    };
    rows.iter().filter_map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::Bar;

    #[test]
    fn what_is_more_than_two_per_cent_worse_is_told() {
        let committed = BTreeMap::from([("a".to_owned(), 1000.0), ("b".to_owned(), 1000.0), ("c".to_owned(), 1000.0)]);
        let rows = [("a", 1020.0), ("b", 1021.0), ("c", 500.0), ("d", 1.0)].map(|(name, figure)| Row::new(name, figure, "instructions", Bar::None));
        let told = worse(&rows, &committed, TOLERANCE);
        assert!(worse(&rows[..3], &committed, ELSEWHERE).is_empty());
        assert_eq!(told, ["b: 1,021 instructions, committed 1,000", "d: no committed figure: run `make bench-quick UPDATE=1`"]);
    }
}
