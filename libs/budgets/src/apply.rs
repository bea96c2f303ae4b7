//! Applies a budget PATCH to the lines of a revision.

use std::collections::{BTreeMap, BTreeSet};

use shared_utils::clock::Timestamp;
use shared_utils::fields::{FieldError, FieldErrors, Patch};
use shared_utils::ids::LineId;

use super::line::Line;
use super::patch::{BudgetPatch, HeaderPatch, MAX_REVISION_LINES};
use super::revision::Revision;

/// The effect of a PATCH on the lines of a revision.
#[derive(Debug, Default)]
pub(crate) struct LineOutcome {
    /// New and changed lines.
    pub written: Vec<LineId>,
    /// Deleted lines.
    pub deleted: Vec<LineId>,
}

/// Applies header, lines and deletions to a revision and its lines, in this order, and updates the totals. Collects all field errors. If there
/// are any, the caller must discard `revision` and `lines`.
pub(crate) fn apply_lines(
    patch: &BudgetPatch,
    revision: &mut Revision,
    lines: &mut BTreeMap<LineId, Line>,
    slug: &str,
    now: Timestamp,
) -> Result<LineOutcome, FieldErrors> {
    if let Some(header) = &patch.header {
        apply_header(header, revision);
    }
    let mut faults = Vec::new();
    let mut outcome = LineOutcome::default();
    let mut named = BTreeSet::new();
    let mut by_client_id: BTreeMap<String, LineId> =
        lines.values().filter_map(|line| Some((line.client_line_id.clone()?, line.budget_item_id))).collect();
    for entry in &patch.lines {
        let known = entry.id.or_else(|| by_client_id.get(entry.client_line_id.as_ref()?).copied());
        let id = known.unwrap_or_else(|| LineId::generate(now));
        if !named.insert(id) {
            faults.push(FieldError::new(entry.path.clone(), "duplicate", "This line is named twice."));
            continue;
        }
        let line = match lines.get_mut(&id) {
            Some(line) => line,
            None if known.is_some() => {
                faults.push(FieldError::new(entry.path.join("budgetItemId"), "invalid_value", "There is no such line."));
                continue;
            }
            None => lines.entry(id).or_insert_with(|| Line::empty(id, now)),
        };
        let category = line.category().map(str::to_owned);
        line.apply(&entry.changes);
        line.updated_at = now;
        if let Some(client_line_id) = &entry.client_line_id {
            if by_client_id.get(client_line_id).is_some_and(|other| *other != id) {
                faults.push(FieldError::new(entry.path.join("clientLineId"), "duplicate", "Another line has this name."));
            }
            by_client_id.insert(client_line_id.clone(), id);
            line.client_line_id = Some(client_line_id.clone());
        }
        if line.sequence == 0 {
            revision.number(line, slug);
        } else if line.category() != category.as_deref() {
            revision.name_in_category(line);
        }
        if !line.fits() {
            faults.push(FieldError::new(entry.path.clone(), "out_of_range", "The line costs more than 10^13."));
        }
        outcome.written.push(id);
    }
    for (path, id) in &patch.delete_lines {
        if !named.insert(*id) {
            faults.push(FieldError::new(path.clone(), "duplicate", "This line is named twice."));
        } else if lines.remove(id).is_none() {
            faults.push(FieldError::new(path.clone(), "invalid_value", "There is no such line."));
        } else {
            outcome.deleted.push(*id);
        }
    }
    if lines.len() > MAX_REVISION_LINES {
        faults.push(FieldError::new("lines", "too_many", format!("A revision has at most {MAX_REVISION_LINES} lines.")));
    }
    if revision.describe(lines).is_none() {
        faults.push(FieldError::new("lines", "out_of_range", "The revision costs more than 10^13."));
    }
    revision.updated_at = now;
    FieldErrors::check(faults).map(|()| outcome)
}

fn apply_header(header: &HeaderPatch, revision: &mut Revision) {
    fn merge<T: Clone>(target: &mut Option<T>, patch: &Patch<T>) {
        match patch {
            Patch::Absent => {}
            Patch::Clear => *target = None,
            Patch::Set(value) => *target = Some(value.clone()),
        }
    }
    merge(&mut revision.title, &header.title);
    merge(&mut revision.start_date, &header.start_date);
    merge(&mut revision.end_date, &header.end_date);
    merge(&mut revision.header_ball_park, &header.header_ball_park);
    match &header.clients {
        Patch::Absent => {}
        Patch::Clear => revision.clients = Vec::new(),
        Patch::Set(clients) => revision.clients.clone_from(clients),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::super::decimal::{Scale, number, to_json};
    use super::super::patch::read_patch;
    use super::*;
    use crate::totals::Totals;

    const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

    fn patched(revision: &mut Revision, lines: &mut BTreeMap<LineId, Line>, body: Value) -> Result<LineOutcome, FieldErrors> {
        let Value::Object(body) = body else { unreachable!() };
        apply_lines(&read_patch(body)?, revision, lines, "atrium", NOW)
    }

    fn fresh() -> (Revision, BTreeMap<LineId, Line>) {
        (Revision::empty(1, None, NOW), BTreeMap::new())
    }

    #[test]
    fn totals_match_the_test_vector_of_the_app() {
        let (mut revision, mut lines) = fresh();
        let body = json!({"lines": [
            {"quantity": 5, "itemBudgetedCost": 20, "itemActualCost": 18.50, "itemReconciledCost": 19, "itemMarkUp": 0.1},
            {"quantity": 3, "itemBudgetedCost": 40, "itemActualCost": 50, "itemFinalCost": 225},
            {"quantity": 2, "itemBudgetedCost": 30, "itemReconciledCost": 75},
        ]});
        patched(&mut revision, &mut lines, body).unwrap();
        let expected: Value = serde_json::from_str(
            r#"{"headerBudgetedTotalCost": 280, "headerActualTotalCost": 242.5, "headerReconciledTotalCost": 245, "headerFinalTotalCost": 479.5, "headerEffectiveMarkup": 0.7125}"#,
        )
        .unwrap();
        assert_eq!(json!(revision.totals.view()), expected);
    }

    #[test]
    fn line_numbers_are_never_reused() {
        let (mut revision, mut lines) = fresh();
        let first = patched(&mut revision, &mut lines, json!({"lines": [{"category": "LABOR"}, {"category": "LABOR"}]})).unwrap();
        patched(&mut revision, &mut lines, json!({"deleteLines": [first.written[1]]})).unwrap();
        let second = patched(&mut revision, &mut lines, json!({"lines": [{"category": "LABOR"}]})).unwrap();
        let line = &lines[&second.written[0]];
        assert_eq!((line.element_key.as_str(), line.element_id.as_deref()), ("atrium-0003", Some("LABOR-0003")));
    }

    #[test]
    fn a_repeated_client_line_id_is_the_same_line() {
        let (mut revision, mut lines) = fresh();
        let body = json!({"lines": [{"clientLineId": "a", "quantity": 2}]});
        let first = patched(&mut revision, &mut lines, body.clone()).unwrap();
        let second = patched(&mut revision, &mut lines, body).unwrap();
        assert_eq!((first.written, lines.len()), (second.written, 1));
    }

    #[test]
    fn unknown_and_repeated_lines_are_errors_at_their_path() {
        let (mut revision, mut lines) = fresh();
        let known = patched(&mut revision, &mut lines, json!({"lines": [{}]})).unwrap().written[0];
        let unknown = LineId::generate(NOW);
        let body = json!({"lines": [{"budgetItemId": unknown}, {"budgetItemId": known}, {"budgetItemId": known}], "deleteLines": [unknown]});
        let Err(FieldErrors(faults)) = patched(&mut revision, &mut lines, body) else { panic!("no fault was found") };
        let paths: Vec<_> = faults.iter().map(|fault| fault.path.to_string()).collect();
        assert_eq!(paths, ["lines/0/budgetItemId", "lines/2", "deleteLines/0"]);
    }

    #[test]
    fn amounts_over_the_limit_are_refused() {
        let (mut revision, mut lines) = fresh();
        assert!(patched(&mut revision, &mut lines, json!({"lines": [{"quantity": 2, "itemBudgetedCost": 10_000_000_000_000u64}]})).is_err());
    }

    proptest! {
        #[test]
        fn totals_are_the_sums_of_the_lines(entries in proptest::collection::vec((0i64..=100_000, 0i64..=10_000_000, -10_000i64..=20_000), 1..20)) {
            let (mut revision, mut lines) = fresh();
            let bodies: Vec<Value> = entries.iter().map(|(quantity, cost, mark_up)| json!({
                "quantity": to_json(*quantity, Scale::Quantity), "itemBudgetedCost": to_json(*cost, Scale::Money), "itemMarkUp": to_json(*mark_up, Scale::MarkUp),
            })).collect();
            patched(&mut revision, &mut lines, json!({"lines": bodies})).unwrap();
            let total: rust_decimal::Decimal = lines.values().map(Line::final_cost).sum();
            let totals = json!(revision.totals.view());
            prop_assert_eq!(&totals["headerFinalTotalCost"], &number(total));
            // After any deletions, the totals equal the sums of the remaining lines.
            let half: Vec<LineId> = lines.keys().copied().step_by(2).collect();
            patched(&mut revision, &mut lines, json!({"deleteLines": half})).unwrap();
            prop_assert_eq!(Some(revision.totals), Totals::of(lines.values()));
            prop_assert!(!totals.to_string().contains("-0,"));
        }
    }
}
