//! `docs/performance.md`: the table between two marks is replaced.

use std::process::Command;

use local_stack::declaration::repository;

use crate::committed::processor;
use crate::table::{Row, markdown};

const BEGIN: &str = "<!-- figures -->\n";
const END: &str = "<!-- end of the figures -->\n";

/// Writes the rows, with the machine and the commit, to `docs/performance.md`.
pub(crate) fn write(rows: &[Row]) -> Result<(), String> {
    let path = repository().join("docs/performance.md");
    let text = std::fs::read_to_string(&path).map_err(|error| error.to_string())?;
    let about = format!("`make bench` on {}, commit {}.\n\n", machine(), commit()?);
    let text = replaced(&text, &(about + &markdown(rows))).ok_or("docs/performance.md has no place for the figures")?;
    std::fs::write(&path, text).map_err(|error| error.to_string())
}

fn replaced(text: &str, figures: &str) -> Option<String> {
    let (before, rest) = text.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}\n{figures}\n{END}{after}"))
}

/// The processor and the number of cores.
fn machine() -> String {
    format!("{}, {} cores", processor(), std::thread::available_parallelism().map_or(0, usize::from))
}

fn commit() -> Result<String, String> {
    let output = Command::new("git").args(["rev-parse", "--short", "HEAD"]).current_dir(repository()).output().map_err(|error| error.to_string())?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_table_is_replaced() {
        let text = format!("before\n{BEGIN}old\n{END}after\n");
        assert_eq!(replaced(&text, "new\n").unwrap(), format!("before\n{BEGIN}\nnew\n\n{END}after\n"));
        assert!(replaced("no marks", "new").is_none());
    }
}
