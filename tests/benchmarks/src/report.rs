//! `docs/performance.md`: a table between two marks is replaced.

use std::process::Command;

use local_stack::declaration::repository;

use crate::committed::processor;
use crate::table::{Row, markdown};

/// A table of the document.
pub(crate) struct Table {
    name: &'static str,
    command: &'static str,
}

/// The figures of `make bench`.
pub(crate) const FIGURES: Table = Table { name: "figures", command: "make bench" };
/// The durations of builds and tests.
pub(crate) const DURATIONS: Table = Table { name: "durations", command: "make bench-durations" };

/// Writes the rows of a table, with the machine and the commit, to `docs/performance.md`.
pub(crate) fn write(table: &Table, rows: &[Row]) -> Result<(), String> {
    let path = repository().join("docs/performance.md");
    let text = std::fs::read_to_string(&path).map_err(|error| error.to_string())?;
    let about = format!("`{}` on {}, commit {}.\n\n", table.command, machine(), commit()?);
    let text = replaced(&text, table.name, &(about + &markdown(rows))).ok_or("docs/performance.md has no place for the figures")?;
    std::fs::write(&path, text).map_err(|error| error.to_string())
}

/// Puts the rows of one subject into the table of figures, in place of those of the same names, with the commit.
pub(crate) fn write_subject(subject: &str, rows: &[Row]) -> Result<(), String> {
    let path = repository().join("docs/performance.md");
    let text = std::fs::read_to_string(&path).map_err(|error| error.to_string())?;
    let text = merged(&text, &format!("Rows of {subject}: commit {}.", commit()?), rows).ok_or("docs/performance.md has no table of figures")?;
    std::fs::write(&path, text).map_err(|error| error.to_string())
}

fn merged(text: &str, about: &str, rows: &[Row]) -> Option<String> {
    let (_, rest) = text.split_once("<!-- figures -->\n\n")?;
    let (table, _) = rest.split_once("\n<!-- end of the figures -->\n")?;
    let mut new: Vec<String> = markdown(rows).lines().skip(2).map(str::to_owned).collect();
    let name = |line: &str| line.split('|').nth(1).map(str::to_owned);
    let (head, subject) = (table.split_once('\n')?.0, about.split_once(':')?.0);
    let others: Vec<&str> = head.split_inclusive(". ").filter(|sentence| !sentence.starts_with(subject)).collect();
    let mut lines = vec![format!("{} {about}", others.concat().trim_end())];
    for line in table.lines().skip(1) {
        let found = new.iter().position(|one| name(one) == name(line)).map(|index| new.remove(index));
        lines.push(found.unwrap_or_else(|| line.to_owned()));
    }
    lines.extend(new);
    replaced(text, "figures", &(lines.join("\n") + "\n"))
}

fn replaced(text: &str, name: &str, figures: &str) -> Option<String> {
    let (begin, end) = (format!("<!-- {name} -->\n"), format!("<!-- end of the {name} -->\n"));
    let (before, rest) = text.split_once(&begin)?;
    let (_, after) = rest.split_once(&end)?;
    Some(format!("{before}{begin}\n{figures}\n{end}{after}"))
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
    use crate::table::Bar;

    #[test]
    fn a_subject_replaces_its_rows() {
        let row = |name: &str, figure| Row::new(name, figure, "s", Bar::None);
        let text = replaced(
            "<!-- figures -->\n<!-- end of the figures -->\n",
            "figures",
            &format!("On x, commit 1.\n\n{}", markdown(&[row("a", 1.0), row("b", 2.0)])),
        );
        let once = merged(&text.unwrap(), "Rows of y: commit 2.", &[row("b", 3.0), row("c", 4.0)]).unwrap();
        let twice = merged(&once, "Rows of y: commit 3.", &[row("c", 5.0)]).unwrap();
        let expected = format!("\nOn x, commit 1. Rows of y: commit 3.\n\n{}\n", markdown(&[row("a", 1.0), row("b", 3.0), row("c", 5.0)]));
        assert_eq!(twice, format!("<!-- figures -->\n{expected}<!-- end of the figures -->\n"));
    }

    #[test]
    fn only_the_table_is_replaced() {
        let with = |figures: &str| format!("before\n<!-- figures -->\n{figures}<!-- end of the figures -->\nafter\n");
        assert_eq!(replaced(&with("old\n"), "figures", "new\n").unwrap(), with("\nnew\n\n"));
        assert!(replaced(&with("old\n"), "durations", "new").is_none());
    }
}
