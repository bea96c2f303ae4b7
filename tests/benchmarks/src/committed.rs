//! The committed figures: a slow-down is a failure.

use std::collections::BTreeMap;
use std::path::PathBuf;

use local_stack::declaration::repository;

use crate::table::{Row, number};

/// How much of the committed figure is accepted.
const TOLERANCE: f64 = 1.02;

fn path() -> PathBuf {
    repository().join("tests/benchmarks/figures.json")
}

fn read() -> Result<BTreeMap<String, f64>, String> {
    let text = std::fs::read_to_string(path()).map_err(|error| error.to_string())?;
    serde_json::from_str(&text).map_err(|error| format!("figures.json: {error}"))
}

/// Commits these figures.
pub(crate) fn write(rows: &[Row]) -> Result<(), String> {
    let figures: BTreeMap<&str, f64> = rows.iter().map(|row| (row.name.as_str(), row.figure)).collect();
    let text = serde_json::to_string_pretty(&figures).map_err(|error| error.to_string())?;
    std::fs::write(path(), text + "\n").map_err(|error| error.to_string())
}

/// A line for each figure that is worse than the committed one, or unknown.
pub(crate) fn compare(rows: &[Row]) -> Result<Vec<String>, String> {
    Ok(worse(rows, &read()?))
}

fn worse(rows: &[Row], committed: &BTreeMap<String, f64>) -> Vec<String> {
    let line = |row: &Row| match committed.get(&row.name) {
        None => Some(format!("{}: no committed figure: run `make bench-quick UPDATE=1`", row.name)),
        Some(before) if row.figure > before * TOLERANCE => {
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
        let told = worse(&rows, &committed);
        assert_eq!(told, ["b: 1,021 instructions, committed 1,000", "d: no committed figure: run `make bench-quick UPDATE=1`"]);
    }
}
