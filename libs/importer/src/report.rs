//! The report of an import: the rows and values that are not imported unchanged.

use std::fmt;

use serde_json::Value;
use shared_utils::text::excerpt;

/// The maximum length of a value in the report, in characters.
const SHOWN: usize = 60;

/// What happened to a value or a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fate {
    /// Imported in another form.
    Changed,
    /// Not imported, because this backend has no field for it.
    LeftOut,
    /// Not imported, because it is not valid.
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
    /// What happened.
    pub fate: Fate,
    /// The table and the row.
    pub row: String,
    /// The attribute, or empty for the whole row.
    pub field: String,
    /// The old value, and the new value or the reason.
    pub detail: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:8}  {}  {}: {}", self.fate, self.row, if self.field.is_empty() { "row" } else { &self.field }, self.detail)
    }
}

/// All findings, in the order of the rows.
#[derive(Debug, Default)]
pub struct Report {
    findings: Vec<Finding>,
}

impl Report {
    /// Every finding.
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// The number of findings of one kind.
    pub fn count(&self, fate: Fate) -> usize {
        self.findings.iter().filter(|finding| finding.fate == fate).count()
    }

    /// Returns a report that adds findings about one row.
    pub(crate) fn of(&mut self, row: impl Into<String>) -> RowReport<'_> {
        RowReport { report: self, row: row.into() }
    }
}

/// Adds findings about one row.
pub(crate) struct RowReport<'a> {
    report: &'a mut Report,
    row: String,
}

impl RowReport<'_> {
    fn note(&mut self, fate: Fate, field: &str, detail: String) {
        self.report.findings.push(Finding { fate, row: self.row.clone(), field: field.to_owned(), detail });
    }

    /// Reports a value that was replaced by another.
    pub(crate) fn changed(&mut self, field: &str, from: &Value, to: &Value) {
        self.note(Fate::Changed, field, format!("{} -> {}", shown(from), shown(to)));
    }

    /// Reports a change, and how it was made.
    pub(crate) fn changed_so(&mut self, field: &str, how: impl Into<String>) {
        self.note(Fate::Changed, field, how.into());
    }

    /// Reports a value for which there is no field.
    pub(crate) fn left_out(&mut self, field: &str, why: impl Into<String>) {
        self.note(Fate::LeftOut, field, why.into());
    }

    /// Reports a value that is not valid.
    pub(crate) fn refused(&mut self, field: &str, value: &Value, why: impl fmt::Display) {
        self.note(Fate::Refused, field, format!("{}: {why}", shown(value)));
    }

    /// Reports a row that cannot be imported.
    pub(crate) fn refused_row(&mut self, why: impl fmt::Display) {
        self.note(Fate::Refused, "", why.to_string());
    }
}

/// A value as text, cut to the length of a report line.
fn shown(value: &Value) -> String {
    let text = value.to_string();
    if excerpt(&text, SHOWN).len() == text.len() { text } else { format!("{}… ({} bytes)", excerpt(&text, SHOWN), text.len()) }
}
