//! Decimals as the old system kept them: floats, and texts that people typed.

use serde_json::{Number, Value};

use super::report::RowReport;
use crate::budget::{Scale, nearest, read_scaled, to_json};

/// The scaled integer that a value means, `None` for nothing at all: the nearest to what was a float, and a text such as `$1,200.50`,
/// `12k` or `1.5m` by its meaning.
pub(super) fn decimal(value: &Value, scale: Scale) -> Result<Option<i64>, String> {
    let number = match value {
        Value::Null => return Ok(None),
        Value::Number(number) => number.clone(),
        Value::String(text) => match typed(text)? {
            Some(number) => number,
            None => return Ok(None),
        },
        _ => return Err("not a number".to_owned()),
    };
    let value = nearest(&number, scale).ok_or("too large")?;
    read_scaled(&to_json(value, scale), scale).map(Some).map_err(|(_, detail)| detail.into_owned())
}

/// As [`decimal`]; what was changed or refused is noted.
pub(super) fn take(report: &mut RowReport<'_>, field: &str, value: &Value, scale: Scale) -> Option<i64> {
    match decimal(value, scale) {
        Ok(None) => None,
        Ok(Some(number)) => {
            if read_scaled(value, scale) != Ok(number) {
                report.changed(field, value, &to_json(number, scale));
            }
            Some(number)
        }
        Err(why) => {
            report.refused(field, value, why);
            None
        }
    }
}

/// A number as people type it.
fn typed(text: &str) -> Result<Option<Number>, String> {
    let text: String = text.chars().filter(|character| !character.is_whitespace() && !['$', ','].contains(character)).collect();
    if text.is_empty() {
        return Ok(None);
    }
    let lower = text.to_lowercase();
    let text = match (lower.strip_suffix('k'), lower.strip_suffix('m')) {
        (Some(thousands), _) => format!("{thousands}e3"),
        (_, Some(millions)) => format!("{millions}e6"),
        _ => lower,
    };
    text.parse().map(Some).map_err(|_| "not a number".to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_people_typed_and_what_floats_became() {
        let money = |value: Value| decimal(&value, Scale::Money);
        for (value, cents) in [
            (json!("$1,200.50"), 120_050),
            (json!("12k"), 1_200_000),
            (json!(" 1.5M "), 150_000_000),
            (json!("18.499999999999996"), 1_850),
            (json!(41_200), 4_120_000),
            (json!(-0.0), 0),
        ] {
            assert_eq!(money(value.clone()), Ok(Some(cents)), "{value}");
        }
        for nothing in [json!(""), json!("  "), json!("$"), Value::Null] {
            assert_eq!(money(nothing), Ok(None));
        }
        for wrong in [json!("tbd"), json!("1.2.3"), json!(-5), json!(true), json!([1]), json!(1e20), json!("NaN"), json!("--")] {
            assert!(money(wrong.clone()).is_err(), "{wrong}");
        }
    }
}
