//! Old budget rows as a budget of ours: one header row and any number of line rows per revision, told apart by their keys alone.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use shared_utils::ids::{BudgetId, GenerationId, LineId};
use shared_utils::limits::{MAX_ANSWER, bytes_in_answer};
use shared_utils::text::excerpt;

use crate::export::Row;
use crate::mark_up::mark_up;
use crate::number::{self, NumberError};
use crate::project::OldProject;
use crate::report::{Report, RowReport};
use crate::value::{day, is_nothing, known_moment, moment};
use budgets::{
    FieldValue, LINE_FIELDS, Line, LineFieldKind, MAX_REVISION_LINES, Revision, Scale, line_json, nearest, read_line_field, slug, to_json, upper,
};
use projects_router::store::ImportedBudget;

/// What revisions are told apart by: thousandths, since duplicates were numbered 2.1, 2.2…
type OldNumber = i64;

/// The longest title of a revision, the longest name of a client, and how many clients there are.
const MAX_TITLE: usize = 200;
const MAX_CLIENT: usize = 500;
const MAX_CLIENTS: usize = 20;
/// The longest element key that is kept.
const MAX_ELEMENT_KEY: usize = 100;
/// The longest name of a line that its client gave.
const MAX_CLIENT_LINE_ID: usize = 64;
/// Numbers of a line that no total counts.
const NOT_COUNTED: [&str; 2] = ["amountPaid", "balanceDue"];
/// What both kinds of rows have besides their own fields.
const ROW_FIELDS: &[&str] = &["projectId", "budgetId", "budgetItemId", "revision", "itemType", "elementKey", "elementId", "createdAt", "updatedAt"];
/// What is read of a header, or made anew.
const HEADER_FIELDS: &[&str] = &[
    "clientRevisionId",
    "title",
    "projectTitle",
    "startDate",
    "endDate",
    "clients",
    "client",
    "headerBallPark",
    "headerBudgetedTotalCost",
    "headerActualTotalCost",
    "headerReconciledTotalCost",
    "headerFinalTotalCost",
    "headerEffectiveMarkup",
];

/// What an answer holds besides the lines of a revision, in bytes, generously.
const ROOM_BESIDE_LINES: usize = 512 * 1024;

/// The rows of one old revision.
#[derive(Default)]
struct OldRevision {
    header: Option<(String, Row)>,
    lines: Vec<(String, Row)>,
}

/// Reads a project's rows. Without any it is the budget of a new project.
pub(crate) fn read_budget(project: &OldProject, rows: Vec<Row>, report: &mut Report) -> ImportedBudget {
    let mut old: BTreeMap<OldNumber, OldRevision> = BTreeMap::new();
    let (mut wanted_client, mut ids) = (BTreeSet::new(), BTreeSet::new());
    for row in rows {
        let id = row.get("budgetItemId").and_then(Value::as_str).unwrap_or_default().to_owned();
        let mut report = report.of(row_name(project, &id));
        let Some(number) = old_number(&row, &mut report) else { continue };
        if !ids.insert(id.clone()) {
            report.refused_row("there is another row of this id");
        } else if id.starts_with("HEADER-") {
            if let Some(value) = row.get("clientRevisionId") {
                match number::decimal(value, Scale::Quantity) {
                    Ok(number) => wanted_client.extend(number),
                    Err(why) => report.refused("clientRevisionId", value, why),
                }
            }
            let revision = old.entry(number).or_default();
            if revision.header.is_some() {
                report.refused_row("there is another header of the same revision");
            } else {
                revision.header = Some((id, row));
            }
        } else if id.starts_with("LINE-") {
            old.entry(number).or_default().lines.push((id, row));
        } else {
            report.refused_row("its budgetItemId is neither a header's nor a line's");
        }
    }
    if old.is_empty() {
        old.insert(1_000, OldRevision::default());
    }
    let numbers = new_numbers(&old);
    let mut budget = ImportedBudget { id: BudgetId::derived(project.id_time, &project.old_id), revisions: BTreeMap::new(), client_revision: None };
    for (old_number, revision) in old {
        let number = numbers[&old_number];
        budget.revisions.insert(number, read_revision(project, (old_number, number), revision, report));
    }
    let kept = budget.revisions.get(&1).is_some_and(|(revision, _)| revision.header_ball_park == project.ball_park);
    if project.ball_park.is_some() && !kept {
        report
            .of(format!("Projects {}", project.old_id))
            .left_out("budget.total", "the budget's first revision has a ball park of its own, or is missing");
    }
    let mut report = report.of(row_name(project, "HEADER"));
    let known: Vec<u64> = wanted_client.iter().filter_map(|old| numbers.get(old).copied()).collect();
    match (known.as_slice(), wanted_client.len()) {
        ([number], 1) => budget.client_revision = Some(*number),
        ([], 0) => {}
        _ => report.left_out(
            "clientRevisionId",
            format!("its headers name {} revisions as the client's, {} of which exist", wanted_client.len(), known.len()),
        ),
    }
    budget
}

fn row_name(project: &OldProject, id: &str) -> String {
    format!("Budgets {}/{}", project.old_id, if id.is_empty() { "?" } else { id })
}

/// The number of a row's revision; 1 where there is none. `None` when it is no number that a revision could have.
fn old_number(row: &Row, report: &mut RowReport<'_>) -> Option<OldNumber> {
    let value = row.get("revision").unwrap_or(&Value::Null);
    match number::decimal(value, Scale::Quantity) {
        Ok(Some(number)) => {
            if value.is_string() {
                report.changed("revision", value, &to_json(number, Scale::Quantity));
            }
            Some(number)
        }
        Ok(None) => {
            report.changed("revision", value, &json!(1));
            Some(1_000)
        }
        Err(why) => {
            report.refused_row(format!("its revision is {value}: {why}"));
            None
        }
    }
}

/// Whole numbers stay; the others follow after the highest, in their order.
fn new_numbers(old: &BTreeMap<OldNumber, OldRevision>) -> BTreeMap<OldNumber, u64> {
    let whole = |number: OldNumber| (number >= 1_000 && number % 1_000 == 0).then(|| u64::try_from(number / 1_000).unwrap_or(1));
    let mut highest = old.keys().filter_map(|number| whole(*number)).max().unwrap_or(0);
    let mut next = || {
        highest += 1;
        highest
    };
    old.keys().map(|number| (*number, whole(*number).unwrap_or_else(&mut next))).collect()
}

fn read_revision(
    project: &OldProject,
    (old_number, number): (OldNumber, u64),
    rows: OldRevision,
    report: &mut Report,
) -> (Revision, BTreeMap<LineId, Line>) {
    let old_text = to_json(old_number, Scale::Quantity).to_string();
    let mut revision = Revision::empty(number, None, project.project.created_at);
    // Found again by whoever imports again after a crash.
    revision.generation = GenerationId::derived(project.id_time, &format!("{}#{old_text}", project.old_id));
    if rows.header.is_none() && !rows.lines.is_empty() {
        report.of(row_name(project, "HEADER")).changed_so("", format!("revision {old_text} had no header: it has one now"));
    }
    let (id, header) = rows.header.unwrap_or_default();
    let mut row_report = report.of(row_name(project, &id));
    read_header(project, &mut revision, &header, &mut row_report);
    if revision.header_ball_park.is_none() && number == 1 {
        revision.header_ball_park = project.ball_park;
    }
    if old_text != number.to_string() {
        row_report.changed_so("revision", format!("{old_text} -> {number}"));
        let title = revision.title.take().unwrap_or_default();
        revision.title = Some(excerpt(format!("{title} ({old_text})").trim(), MAX_TITLE).to_owned());
    }
    let lines = read_lines(project, &mut revision, rows.lines, report);
    let mut row_report = report.of(row_name(project, &id));
    compare_totals(&revision, &header, &mut row_report);
    (revision, lines)
}

fn read_header(project: &OldProject, revision: &mut Revision, header: &Row, report: &mut RowReport<'_>) {
    let text = |name: &str| header.get(name).and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty());
    revision.title = text("title").map(|title| excerpt(title, MAX_TITLE).to_owned());
    let mut date = |name: &str| {
        let value = header.get(name).filter(|value| value.as_str() != Some(""))?;
        match read_line_field(LineFieldKind::Date, day(value.clone())) {
            Ok(FieldValue::Text(day)) => Some(day),
            Ok(FieldValue::Number(_)) => None,
            Err(_) if value.is_null() => None,
            Err((_, why)) => {
                report.refused(name, value, why);
                None
            }
        }
    };
    (revision.start_date, revision.end_date) = (date("startDate"), date("endDate"));
    let clients = header.get("clients").and_then(Value::as_array).cloned().unwrap_or_default();
    let clients = clients.iter().filter_map(Value::as_str).chain(text("client")).filter(|client| !client.trim().is_empty());
    revision.clients = clients.map(|client| excerpt(client, MAX_CLIENT).to_owned()).take(MAX_CLIENTS).collect();
    for (name, kept) in [("title", json!(revision.title)), ("clients", json!(revision.clients))] {
        if let Some(value) = header.get(name).filter(|value| !is_nothing(value) && **value != kept) {
            report.changed(name, value, &kept);
        }
    }
    match header.get("client").filter(|client| !is_nothing(client)) {
        Some(Value::String(client)) if revision.clients.contains(client) => {}
        Some(Value::String(client)) => report.changed_so("client", format!("{client:?}: the clients are {}", json!(revision.clients))),
        Some(client) => report.refused("client", client, "it is no name"),
        None => {}
    }
    if let Some(title) = header.get("projectTitle").filter(|title| !is_nothing(title) && Some(*title) != project.project.fields.get("title")) {
        report.left_out("projectTitle", format!("the project's own title counts, not {title}"));
    }
    leave_out(header, HEADER_FIELDS, report);
    revision.header_ball_park = header.get("headerBallPark").and_then(|value| number::take(report, "headerBallPark", value, Scale::Money));
    revision.created_at = known_moment(header, "createdAt", report).unwrap_or(revision.created_at);
    revision.updated_at = known_moment(header, "updatedAt", report).unwrap_or(revision.created_at);
}

/// The lines in order of creation, numbered as they were where that was unambiguous.
fn read_lines(project: &OldProject, revision: &mut Revision, mut rows: Vec<(String, Row)>, report: &mut Report) -> BTreeMap<LineId, Line> {
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
        let fields = match read_fields(&row, &mut report) {
            Ok(fields) => fields,
            Err(why) => {
                report.refused_row(why);
                continue;
            }
        };
        if id.chars().count() > MAX_CLIENT_LINE_ID {
            report.left_out("budgetItemId", format!("as clientLineId it would have more than {MAX_CLIENT_LINE_ID} characters"));
        }
        let created_at = known_moment(&row, "createdAt", &mut report).unwrap_or(project.project.created_at);
        let mut line = Line {
            budget_item_id: LineId::derived(row.get("createdAt").and_then(moment).unwrap_or(project.id_time), &id),
            client_line_id: (id.chars().count() <= MAX_CLIENT_LINE_ID).then(|| id.clone()),
            sequence: 0,
            element_key: String::new(),
            element_id: None,
            created_at,
            updated_at: known_moment(&row, "updatedAt", &mut report).unwrap_or(created_at),
            fields,
        };
        if let Some(value) = row.get("itemMarkUp") {
            match mark_up(value, &line, &mut report) {
                Ok(mark_up) => line.fields.extend(mark_up.map(|mark_up| ("itemMarkUp".to_owned(), FieldValue::Number(mark_up)))),
                Err(why) => {
                    report.refused_row(format!("its itemMarkUp is {value}: {why}"));
                    continue;
                }
            }
        }
        if !line.fits() {
            report.refused_row("it costs more than 10^13");
            continue;
        }
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

/// Lines whose sum is more than money can be are not taken, the dearest first; nor are the last of more than can be shown at once.
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

/// Every field but the mark-up, which takes the others to be read. An error where a number that counts cannot be read: a line without it
/// would count something else.
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

/// Notes what a row holds and nothing here has a place for.
fn leave_out(row: &Row, known: &[&str], report: &mut RowReport<'_>) {
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

/// The totals are the server's: where the old ones were others, that is said.
fn compare_totals(revision: &Revision, header: &Row, report: &mut RowReport<'_>) {
    let ours = revision.totals.to_json();
    for (name, scale) in [
        ("headerBudgetedTotalCost", Scale::Money),
        ("headerActualTotalCost", Scale::Money),
        ("headerReconciledTotalCost", Scale::Money),
        ("headerFinalTotalCost", Scale::Money),
        ("headerEffectiveMarkup", Scale::MarkUp),
    ] {
        let Some(old) = header.get(name).filter(|value| !is_nothing(value)) else { continue };
        let value = |value: &Value| number::number(value).ok().flatten().and_then(|number| nearest(&number, scale));
        if value(old) != value(&ours[name]) {
            report.changed(name, old, &ours[name]);
        }
    }
}
