//! Converts old line rows to lines.

use std::collections::{BTreeMap, BTreeSet};

use budgets::{FieldValue, LINE_FIELDS, Line, LineFieldKind, MAX_REVISION_LINES, Revision, line_json, read_line_field, slug, upper};
use serde_json::{Value, json};
use shared_utils::aws_limits::{MAX_ANSWER, bytes_in_answer};
use shared_utils::ids::{BudgetId, LineId};
use shared_utils::text::excerpt;

use crate::budget::{ROW_FIELDS, row_name};
use crate::export::Row;
use crate::mark_up::mark_up;
use crate::number::{self, NumberError};
use crate::project::OldProject;
use crate::report::{Report, RowReport};
use crate::value::{day, is_nothing, known_moment, moment};

/// The maximum length of an element key that is kept.
const MAX_ELEMENT_KEY: usize = 100;
/// The maximum length of a client's own line id.
const MAX_CLIENT_LINE_ID: usize = 64;
/// The number fields of a line that no total includes.
const NOT_COUNTED: [&str; 2] = ["amountPaid", "balanceDue"];
/// The space in a response for everything except the lines of a revision, in bytes.
const ROOM_BESIDE_LINES: usize = 512 * 1024;

/// Reads the lines in order of creation. A line keeps its old number if the number is unambiguous.
pub(crate) fn read_lines(project: &OldProject, revision: &mut Revision, mut rows: Vec<(String, Row)>, report: &mut Report) -> BTreeMap<LineId, Line> {
    let created = |row: &Row| row.get("createdAt").and_then(moment).unwrap_or(project.project.created_at);
    let text = |row: &Row, name: &str| row.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    rows.sort_by_cached_key(|(id, row)| (created(row), text(row, "elementKey"), id.clone()));
    let mut lines: Vec<(String, Line)> = Vec::new();
    let (mut sequences, mut element_ids) = (BTreeSet::new(), BTreeSet::new());
    for (id, row) in rows {
        let mut report = report.of(row_name(project, &id));
        if lines.len() == MAX_REVISION_LINES {
            report.refused_row(format!("a revision has at most {MAX_REVISION_LINES} lines"));
            continue;
        }
        let mut line = match read_line(project, &id, &row, &mut report) {
            Ok(line) => line,
            Err(why) => {
                report.refused_row(why);
                continue;
            }
        };
        let element_key = text(&row, "elementKey");
        let usable = counted(&element_key).filter(|_| element_key.len() <= MAX_ELEMENT_KEY);
        if let Some(sequence) = usable.filter(|sequence| sequences.insert(*sequence)) {
            line.sequence = sequence;
            line.element_key = element_key;
            revision.sequence = revision.sequence.max(sequence);
        }
        let element_id = text(&row, "elementId");
        if let (Some(category), Some(sequence)) = (line.category().map(str::to_owned), counted(&element_id))
            && element_id == format!("{category}-{sequence:04}")
            && element_ids.insert(element_id.clone())
        {
            line.element_id = Some(element_id);
            let last = revision.category_sequences.entry(category).or_default();
            *last = sequence.max(*last);
        } else if line.category().is_none() && !element_id.is_empty() {
            report.left_out("elementId", "a line without a category has none");
        }
        lines.push((id, line));
    }
    let slug = slug(project.project.fields.get("title").and_then(Value::as_str).unwrap_or_default());
    for (id, line) in &mut lines {
        let mut report = report.of(row_name(project, id));
        if line.sequence == 0 {
            revision.number(line, &slug);
            report.changed_so("elementKey", format!("is {}", line.element_key));
        }
        if line.element_id.is_none() && line.category().is_some() {
            revision.name_in_category(line);
            report.changed_so("elementId", format!("is {}", line.element_id.as_deref().unwrap_or_default()));
        }
    }
    let lines: BTreeMap<LineId, Line> = lines.into_iter().map(|(_, line)| (line.budget_item_id, line)).collect();
    keep_within_bounds(project, revision, lines, report)
}

/// Converts a row to a line without number and names, or returns why this is not possible.
fn read_line(project: &OldProject, id: &str, row: &Row, report: &mut RowReport<'_>) -> Result<Line, String> {
    let fields = read_fields(row, report)?;
    let fits = id.chars().count() <= MAX_CLIENT_LINE_ID;
    if !fits {
        report.left_out("budgetItemId", format!("as clientLineId it would have more than {MAX_CLIENT_LINE_ID} characters"));
    }
    let created_at = known_moment(row, "createdAt", report).unwrap_or(project.project.created_at);
    let mut line = Line {
        budget_item_id: LineId::derived(row.get("createdAt").and_then(moment).unwrap_or(project.id_time), id),
        client_line_id: fits.then(|| id.to_owned()),
        sequence: 0,
        element_key: String::new(),
        element_id: None,
        created_at,
        updated_at: known_moment(row, "updatedAt", report).unwrap_or(created_at),
        fields,
    };
    if let Some(value) = row.get("itemMarkUp") {
        let mark_up = mark_up(value, &line, report).map_err(|why| format!("its itemMarkUp is {value}: {why}"))?;
        line.fields.extend(mark_up.map(|mark_up| ("itemMarkUp".to_owned(), FieldValue::Number(mark_up))));
    }
    if line.fits() { Ok(line) } else { Err("it costs more than 10^13".to_owned()) }
}

/// Removes the last lines if the revision does not fit in a response, and the most expensive lines while a total is over the limit.
fn keep_within_bounds(
    project: &OldProject,
    revision: &mut Revision,
    mut lines: BTreeMap<LineId, Line>,
    report: &mut Report,
) -> BTreeMap<LineId, Line> {
    let budget = BudgetId::derived(project.id_time, &project.old_id);
    let size = |line: &Line| bytes_in_answer(&line_json(line, project.project.id, budget, revision.revision).to_string());
    let mut left = MAX_ANSWER - ROOM_BESIDE_LINES;
    let mut in_order: Vec<&Line> = lines.values().collect();
    in_order.sort_by_key(|line| line.sequence);
    let too_many: Vec<LineId> = in_order
        .into_iter()
        .filter(|line| {
            let size = size(line);
            let fits = size <= left;
            left = left.saturating_sub(size);
            !fits
        })
        .map(|line| line.budget_item_id)
        .collect();
    for line in too_many.iter().filter_map(|id| lines.remove(id)) {
        report.of(row_name(project, line.client_line_id.as_deref().unwrap_or_default())).refused_row("its revision is too large to be shown with it");
    }
    loop {
        if revision.describe(&lines).is_some() {
            return lines;
        }
        let dearest = lines.values().max_by_key(|line| line.largest_amount()).map(|line| line.budget_item_id);
        let Some(line) = dearest.and_then(|id| lines.remove(&id)) else { return lines };
        report.of(row_name(project, line.client_line_id.as_deref().unwrap_or_default())).refused_row("its revision costs more than 10^13 with it");
    }
}

/// The number at the end of a name such as `atrium-0004`.
fn counted(name: &str) -> Option<u64> {
    name.rsplit_once('-').and_then(|(_, digits)| digits.parse().ok()).filter(|number| (1..=1_000_000).contains(number))
}

/// Reads every field except the mark-up, which needs the other fields. An unreadable number is an error if a total includes it, because the
/// line's amounts would be wrong without it.
fn read_fields(row: &Row, report: &mut RowReport<'_>) -> Result<BTreeMap<String, FieldValue>, String> {
    let mut fields = BTreeMap::new();
    for (name, kind) in LINE_FIELDS.iter().filter(|(name, _)| *name != "itemMarkUp") {
        let Some(value) = row.get(*name) else { continue };
        let taken = match kind {
            LineFieldKind::Number(scale) => {
                let read = match number::read(report, name, value, *scale) {
                    Err(NumberError::Unusable(why)) if NOT_COUNTED.contains(name) => {
                        report.refused(name, value, why);
                        None
                    }
                    read => read.map_err(|why| format!("its {name} is {value}: {why}"))?,
                };
                read.map(FieldValue::Number)
            }
            kind => take_text(name, *kind, value, report),
        };
        fields.extend(taken.map(|value| ((*name).to_owned(), value)));
    }
    let known: Vec<&str> = LINE_FIELDS.iter().map(|(name, _)| *name).collect();
    leave_out(row, &known, report);
    Ok(fields)
}

/// Reports the values of a row for which there is no field here.
pub(crate) fn leave_out(row: &Row, known: &[&str], report: &mut RowReport<'_>) {
    for (name, value) in row.iter().filter(|(_, value)| !is_nothing(value)) {
        if !known.contains(&name.as_str()) && !ROW_FIELDS.contains(&name.as_str()) {
            report.left_out(name, format!("there is no such field here ({} bytes)", value.to_string().len()));
        }
    }
}

fn take_text(name: &str, kind: LineFieldKind, value: &Value, report: &mut RowReport<'_>) -> Option<FieldValue> {
    if value.is_null() || value.as_str().is_some_and(|text| text.trim().is_empty()) {
        return None;
    }
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => String::new(),
    };
    let normal = match kind {
        LineFieldKind::OneOf(known) => {
            json!(known.iter().find(|known| known.eq_ignore_ascii_case(text.trim())).map_or(text.as_str(), |known| *known))
        }
        LineFieldKind::Text(max) if !text.is_empty() => json!(excerpt(&text, max)),
        LineFieldKind::UpperText(max) if !text.is_empty() => json!(excerpt(&upper(&text), max)),
        LineFieldKind::Date => day(value.clone()),
        _ => value.clone(),
    };
    match read_line_field(kind, normal) {
        Ok(FieldValue::Text(text)) => {
            let (from, to) = (value, json!(text));
            if *from != to {
                report.changed(name, from, &to);
            }
            Some(FieldValue::Text(text))
        }
        Ok(number) => Some(number),
        Err((_, why)) => {
            report.refused(name, value, why);
            None
        }
    }
}
