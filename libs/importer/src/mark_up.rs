//! Mark-ups of the old system: fractions, multipliers, or percentages.

use rust_decimal::Decimal;
use serde_json::Value;

use crate::number::{self, NumberError};
use crate::report::RowReport;
use budgets::{Line, Scale, read_scaled, to_json};

/// From this value on, a mark-up is a multiplier (1.15 is 15 %), unless the line's cost says otherwise. In ten-thousandths.
const MULTIPLIERS_FROM: i64 = 10_000;
/// From this value on, a mark-up could also be a percentage, and is ambiguous. In ten-thousandths.
const UNCLEAR_FROM: i64 = 100_000;

/// Converts a mark-up to a fraction. The old system wrote fractions (0.15), and before that multipliers (1.15). If the line has its own final
/// cost, the reading that gives this cost is right. Otherwise, a value from 1 on is a multiplier. An ambiguous value is an error.
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

/// The index of the mark-up that gives the line's own final cost, within 1 %. `None` if neither or both do, or if there is no such cost.
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
