//! Converts old budget rows to a budget. A revision has one header row and any number of line rows, which differ only by their keys.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use shared_utils::ids::{BudgetId, GenerationId, LineId};
use shared_utils::text::excerpt;

use crate::export::Row;
use crate::lines::{leave_out, read_lines};
use crate::number::{self};
use crate::project::OldProject;
use crate::report::{Report, RowReport};
use crate::value::{day, is_nothing, known_moment};
use budgets::{FieldValue, Line, LineFieldKind, Revision, Scale, nearest, read_line_field, to_json};
use projects_router::store::ImportedBudget;

/// The number of an old revision, in thousandths, because duplicates were numbered 2.1, 2.2…
type OldNumber = i64;

/// The maximum length of a revision's title and of a client's name, and the maximum number of clients.
const MAX_TITLE: usize = 200;
const MAX_CLIENT: usize = 500;
const MAX_CLIENTS: usize = 20;
/// The fields that both kinds of rows have, besides their own fields.
pub(crate) const ROW_FIELDS: &[&str] =
    &["projectId", "budgetId", "budgetItemId", "revision", "itemType", "elementKey", "elementId", "createdAt", "updatedAt"];
/// The header fields that are read or computed again.
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

/// The rows of one old revision.
#[derive(Default)]
struct OldRevision {
    header: Option<(String, Row)>,
    lines: Vec<(String, Row)>,
}

/// Reads a project's rows. Without rows, the result is the budget of a new project.
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

/// The name of a row in the report.
pub(crate) fn row_name(project: &OldProject, id: &str) -> String {
    format!("Budgets {}/{}", project.old_id, if id.is_empty() { "?" } else { id })
}

/// The number of a row's revision, or 1 if the row has no number. `None` if the number is not valid.
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

/// Assigns the new numbers. Whole numbers do not change. The others follow after the highest, in their order.
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
    // A repeated import after a crash finds the generation by the same id.
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

/// Compares the totals. The server computes them, and the report lists the old totals that differ.
fn compare_totals(revision: &Revision, header: &Row, report: &mut RowReport<'_>) {
    let ours = serde_json::json!(revision.totals.view());
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
