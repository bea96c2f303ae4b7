//! What an import did to the rows that it could not take as they are.

use std::fmt;

use serde_json::Value;
use shared_utils::text::excerpt;

/// Texts of values are cut off here, in characters.
const SHOWN: usize = 60;

/// What became of a value or a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fate {
    /// Taken, as something else.
    Changed,
    /// Not taken: this backend has no place for it.
    LeftOut,
    /// Not taken: no value can be made of it.
    Refused,
}

impl fmt::Display for Fate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Changed => "changed",
            Self::LeftOut => "left out",
            Self::Refused => "refused",
        })
    }
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What became of it.
    pub fate: Fate,
    /// The table and the row.
    pub row: String,
    /// The attribute, empty for the whole row.
    pub field: String,
    /// What it was, and what became of it or why.
    pub detail: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:8}  {}  {}: {}", self.fate, self.row, if self.field.is_empty() { "row" } else { &self.field }, self.detail)
    }
}

/// Everything that was found, in the order of the rows.
#[derive(Debug, Default)]
pub struct Report {
    findings: Vec<Finding>,
}

impl Report {
    /// Every finding.
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// How many there are of one kind.
    pub fn count(&self, fate: Fate) -> usize {
        self.findings.iter().filter(|finding| finding.fate == fate).count()
    }

    /// The findings about one row.
    pub(crate) fn of(&mut self, row: impl Into<String>) -> RowReport<'_> {
        RowReport { report: self, row: row.into() }
    }
}

/// Notes findings about one row.
pub(crate) struct RowReport<'a> {
    report: &'a mut Report,
    row: String,
}

impl RowReport<'_> {
    fn note(&mut self, fate: Fate, field: &str, detail: String) {
        self.report.findings.push(Finding { fate, row: self.row.clone(), field: field.to_owned(), detail });
    }

    /// A value was taken as another.
    pub(crate) fn changed(&mut self, field: &str, from: &Value, to: &Value) {
        self.note(Fate::Changed, field, format!("{} -> {}", shown(from), shown(to)));
    }

    /// Something was taken otherwise than it stood there, and how.
    pub(crate) fn changed_so(&mut self, field: &str, how: impl Into<String>) {
        self.note(Fate::Changed, field, how.into());
    }

    /// There is no place for a value.
    pub(crate) fn left_out(&mut self, field: &str, why: impl Into<String>) {
        self.note(Fate::LeftOut, field, why.into());
    }

    /// A value, or the whole row, cannot be taken.
    pub(crate) fn refused(&mut self, field: &str, value: &Value, why: impl fmt::Display) {
        self.note(Fate::Refused, field, format!("{}: {why}", shown(value)));
    }

    /// The whole row cannot be taken.
    pub(crate) fn refused_row(&mut self, why: impl fmt::Display) {
        self.note(Fate::Refused, "", why.to_string());
    }
}

/// A value as a line of the report has it.
fn shown(value: &Value) -> String {
    let text = value.to_string();
    if excerpt(&text, SHOWN).len() == text.len() { text } else { format!("{}… ({} bytes)", excerpt(&text, SHOWN), text.len()) }
}
