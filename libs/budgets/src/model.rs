//! Compares totals after any sequence of changes with sums that this test computes with integers, from the numbers that a client sees.

use std::collections::BTreeMap;

use proptest::prelude::*;
use rust_decimal::Decimal;
use serde_json::{Map, Value, json};
use shared_utils::clock::Timestamp;
use shared_utils::ids::{BudgetId, GenerationId, LineId, ProjectId};

use super::line::{Line, line_json};
use super::patch::read_patch;
use crate::Revision;
use crate::apply::apply_lines;

const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

/// One change. The `usize` selects one of the existing lines.
#[derive(Debug, Clone)]
enum Op {
    Add(Map<String, Value>),
    Change(usize, Map<String, Value>),
    Delete(usize),
    /// Continues in a copy of the revision.
    Duplicate,
}

/// A number in one of the notations that a client may use.
fn spelled(scaled: i64, decimals: u32, spelling: u8) -> Value {
    let plain = Decimal::new(scaled, decimals);
    let text = match spelling % 5 {
        0 => plain.normalize().to_string(),
        1 => format!("{scaled}e-{decimals}"),
        2 => format!("{plain:.6}"),
        3 if scaled == 0 => "-0".to_owned(),
        4 if scaled == 0 => "-0.00e7".to_owned(),
        _ => plain.to_string(),
    };
    Value::Number(text.parse().unwrap())
}

/// Common amounts, and sometimes an amount up to the limit.
fn money() -> impl Strategy<Value = Value> {
    let cents = prop_oneof![Just(0), Just(10), Just(20), Just(30), 0..100_000i64, 0..=1_000_000_000_000_000i64];
    (cents, any::<u8>()).prop_map(|(cents, spelling)| spelled(cents, 2, spelling))
}

fn field() -> impl Strategy<Value = (String, Value)> {
    let cost = prop_oneof![Just("itemBudgetedCost"), Just("itemActualCost"), Just("itemReconciledCost"), Just("itemFinalCost"), Just("amountPaid")];
    prop_oneof![
        4 => (cost, prop_oneof![8 => money(), 1 => Just(Value::Null)]).prop_map(|(name, value)| (name.to_owned(), value)),
        2 => (prop_oneof![0..20_000i64, 0..=1_000_000_000i64], any::<u8>()).prop_map(|(n, spelling)| ("quantity".to_owned(), spelled(n, 3, spelling))),
        2 => (prop_oneof![-10_000..20_000i64, -10_000..=1_000_000i64], any::<u8>()).prop_map(|(n, spelling)| ("itemMarkUp".to_owned(), spelled(n, 4, spelling))),
        1 => prop_oneof![Just(json!("LABOR")), Just(json!("DECOR")), Just(Value::Null)].prop_map(|value| ("category".to_owned(), value)),
    ]
}

fn fields() -> impl Strategy<Value = Map<String, Value>> {
    proptest::collection::vec(field(), 0..6).prop_map(|fields| fields.into_iter().collect())
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        4 => fields().prop_map(Op::Add),
        4 => (any::<usize>(), fields()).prop_map(|(line, fields)| Op::Change(line, fields)),
        2 => any::<usize>().prop_map(Op::Delete),
        1 => Just(Op::Duplicate),
    ]
}

/// A number with this many decimals, as an integer.
fn scaled(value: &Value, decimals: usize) -> Option<i128> {
    let text = value.as_number()?.to_string();
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    assert!(fraction.len() <= decimals, "{text}");
    Some(format!("{whole}{fraction:0<decimals$}").parse().unwrap())
}

/// `numerator / denominator`, with halves rounded away from zero. The denominator is positive.
fn div_round(numerator: i128, denominator: i128) -> i128 {
    (numerator.abs() * 2 + denominator) / (2 * denominator) * numerator.signum()
}

/// A line's amount in cents, from the values that a client sees: cents × thousandths × ten-thousandths.
fn cost(line: &Value, base: i128, mark_up: i128) -> i128 {
    div_round(base * scaled(&line["quantity"], 3).unwrap() * (10_000 + mark_up), 10_000_000)
}

/// The names of the totals, their values as integers, and their numbers of decimals.
fn expected_totals(lines: &[Value]) -> [(&'static str, i128, usize); 5] {
    let (mut budgeted, mut actual, mut reconciled, mut total) = (0, 0, 0, 0);
    for line in lines {
        let costs = ["itemReconciledCost", "itemActualCost", "itemBudgetedCost"].map(|name| scaled(&line[name], 2).unwrap_or_default());
        let [of_reconciled, of_actual, of_budgeted] = costs.map(|base| cost(line, base, 0));
        budgeted += of_budgeted;
        actual += of_actual;
        reconciled += of_reconciled;
        let base = costs.into_iter().find(|cost| *cost != 0).unwrap_or_default();
        let counted = scaled(&line["itemFinalCost"], 2).unwrap_or_else(|| cost(line, base, scaled(&line["itemMarkUp"], 4).unwrap_or_default()));
        assert_eq!(scaled(&line["finalCost"], 2), Some(counted), "{line}");
        total += counted;
    }
    let effective = if budgeted == 0 { 0 } else { div_round((total - budgeted) * 10_000, budgeted) };
    [
        ("headerBudgetedTotalCost", budgeted, 2),
        ("headerActualTotalCost", actual, 2),
        ("headerReconciledTotalCost", reconciled, 2),
        ("headerFinalTotalCost", total, 2),
        ("headerEffectiveMarkup", effective, 4),
    ]
}

/// Asserts that every number in a value has the shortest plain form: no exponent, no trailing zero, no negative zero, four decimals at most.
fn assert_plain_numbers(value: &Value) {
    match value {
        Value::Number(number) => {
            let text = number.to_string();
            let decimal: Decimal = text.parse().unwrap();
            assert!(
                !text.contains(['e', 'E']) && text == decimal.normalize().to_string() && !text.starts_with("-0") || text.starts_with("-0."),
                "{text}"
            );
            assert!(decimal.scale() <= 4 && !(decimal.is_zero() && text != "0"), "{text}");
        }
        Value::Array(entries) => entries.iter().for_each(assert_plain_numbers),
        Value::Object(members) => members.values().for_each(assert_plain_numbers),
        _ => {}
    }
}

proptest! {
    #[test]
    fn totals_are_sums_after_any_sequence_of_patches(ops in proptest::collection::vec(op(), 1..40)) {
        let (project, budget) = (ProjectId::generate(NOW), BudgetId::generate(NOW));
        let (mut revision, mut lines) = (Revision::empty(1, None, NOW), BTreeMap::<LineId, Line>::new());
        for op in ops {
            let picked = |n: usize| lines.keys().nth(n % lines.len().max(1)).copied();
            let body = match op {
                Op::Add(fields) => json!({"lines": [fields]}),
                Op::Change(n, mut fields) => {
                    let Some(line) = picked(n) else { continue };
                    fields.insert("budgetItemId".to_owned(), json!(line));
                    json!({"lines": [fields]})
                }
                Op::Delete(n) => {
                    let Some(line) = picked(n) else { continue };
                    json!({"deleteLines": [line]})
                }
                Op::Duplicate => {
                    revision = Revision { revision: revision.revision + 1, generation: GenerationId::generate(NOW), ..revision };
                    continue;
                }
            };
            let Value::Object(body) = body else { unreachable!() };
            let patch = read_patch(body).unwrap();
            let (mut next, mut next_lines) = (revision.clone(), lines.clone());
            // A refused patch (a line over 10^13) changes nothing.
            if apply_lines(&patch, &mut next, &mut next_lines, "atrium", NOW).is_ok() {
                (revision, lines) = (next, next_lines);
            }
            let shown: Vec<Value> = lines.values().map(|line| line_json(line, project, budget, revision.revision)).collect();
            let totals = json!(revision.totals.view());
            for (name, expected, decimals) in expected_totals(&shown) {
                prop_assert_eq!(scaled(&totals[name], decimals), Some(expected), "{}", name);
            }
            shown.iter().chain([&totals]).for_each(assert_plain_numbers);
            prop_assert!(revision.describes(&lines));
        }
        // No two lines have the same number.
        let keys: std::collections::BTreeSet<&String> = lines.values().map(|line| &line.element_key).collect();
        prop_assert_eq!(keys.len(), lines.len());
    }

    #[test]
    fn a_line_that_was_returned_can_be_sent_back(fields in fields()) {
        let (project, budget) = (ProjectId::generate(NOW), BudgetId::generate(NOW));
        let (mut revision, mut lines) = (Revision::empty(1, None, NOW), BTreeMap::new());
        let Value::Object(body) = json!({"lines": [fields]}) else { unreachable!() };
        if apply_lines(&read_patch(body).unwrap(), &mut revision, &mut lines, "atrium", NOW).is_ok() {
            let line = lines.values().next().unwrap();
            let mut shown = line_json(line, project, budget, 1);
            for server in ["budgetId", "projectId", "revision", "elementKey", "elementId", "finalCost", "createdAt", "updatedAt"] {
                shown.as_object_mut().unwrap().remove(server);
            }
            let Value::Object(body) = json!({"lines": [shown]}) else { unreachable!() };
            let before = line_json(line, project, budget, 1);
            apply_lines(&read_patch(body).unwrap(), &mut revision, &mut lines, "atrium", NOW).unwrap();
            prop_assert_eq!(line_json(lines.values().next().unwrap(), project, budget, 1), before);
        }
    }
}
