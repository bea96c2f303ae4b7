//! Mark-ups of the old system: fractions, multipliers, or percentages.

use rust_decimal::Decimal;
use serde_json::Value;

use crate::number::{self, NumberError};
use crate::report::RowReport;
use budgets::{Line, Scale, read_scaled, to_json};

/// A mark-up from here on is a multiplier unless the line's cost says otherwise: 1.15 is 15 %. Ten-thousandths.
const MULTIPLIERS_FROM: i64 = 10_000;
/// From here on it could be a percentage as well, and nobody knows. Ten-thousandths.
const UNCLEAR_FROM: i64 = 100_000;

/// A mark-up as the fraction that it meant. The old system wrote fractions (0.15), and before that multipliers (1.15): where the line
/// has a cost of its own, the reading that gives it is right; else from 1 on it is a multiplier. An error where nothing tells what it meant.
pub(crate) fn mark_up(value: &Value, line: &Line, report: &mut RowReport<'_>) -> Result<Option<i64>, NumberError> {
    let Some(read) = number::decimal(value, Scale::MarkUp)? else { return Ok(None) };
    let multiplier = read - MULTIPLIERS_FROM;
    let chosen = match by_cost(line, [read, multiplier]) {
        Some(index) => [read, multiplier][index],
        None if read < MULTIPLIERS_FROM => read,
        None if read < UNCLEAR_FROM => multiplier,
        None => {
            return Err(NumberError::Unclear("a fraction, a multiplier or a percentage: nothing tells which".to_owned()));
        }
    };
    if read_scaled(value, Scale::MarkUp) != Ok(chosen) {
        report.changed("itemMarkUp", value, &to_json(chosen, Scale::MarkUp));
    }
    Ok(Some(chosen))
}

/// Which of two mark-ups gives the line's own final cost, within a hundredth of it. `None` when neither or both do, or there is none.
fn by_cost(line: &Line, mark_ups: [i64; 2]) -> Option<usize> {
    let given = line.given_final_cost().filter(|given| !given.is_zero())?;
    let gives_it = mark_ups.map(|mark_up| {
        let cost = line.cost_with(mark_up);
        !cost.is_zero() && (cost - given).abs() * Decimal::ONE_HUNDRED <= given
    });
    match gives_it {
        [true, false] => Some(0),
        [false, true] => Some(1),
        _ => None,
    }
}
