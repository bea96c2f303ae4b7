//! Decimals of the old system: floats, and texts that people typed.

use serde_json::{Number, Value};

use crate::report::RowReport;
use budgets::{Scale, nearest, read_scaled, to_json};

/// The characters that may separate thousands, besides commas and points.
const SPACES: [char; 5] = [' ', '\u{a0}', '\u{202f}', '\'', '’'];

/// Why a value is not a number.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NumberError {
    /// The value may mean more than one number.
    #[error("{0}")]
    Unclear(String),
    /// The value is not a number, or not an allowed number.
    #[error("{0}")]
    Unusable(String),
}

fn unusable(why: impl Into<String>) -> NumberError {
    NumberError::Unusable(why.into())
}

/// The value as a scaled integer, or `None` for an empty value. A number that was a float is rounded to the nearest integer. A text such as
/// `$1,200.50`, `12k` or `1.5m` is read by its meaning.
pub(crate) fn decimal(value: &Value, scale: Scale) -> Result<Option<i64>, NumberError> {
    let Some(number) = number(value)? else { return Ok(None) };
    let value = nearest(&number, scale).ok_or_else(|| unusable("too large"))?;
    read_scaled(&to_json(value, scale), scale).map(Some).map_err(|(_, detail)| unusable(detail))
}

/// The number that a value means, or `None` for an empty value.
pub(crate) fn number(value: &Value) -> Result<Option<Number>, NumberError> {
    match value {
        Value::Null => Ok(None),
        Value::Number(number) => Ok(Some(number.clone())),
        Value::String(text) => typed(text),
        _ => Err(unusable("not a number")),
    }
}

/// As [`decimal`]. Reports a changed value.
pub(crate) fn read(report: &mut RowReport<'_>, field: &str, value: &Value, scale: Scale) -> Result<Option<i64>, NumberError> {
    let read = decimal(value, scale)?;
    if let Some(number) = read.filter(|number| read_scaled(value, scale) != Ok(*number)) {
        report.changed(field, value, &to_json(number, scale));
    }
    Ok(read)
}

/// As [`read`]. Also reports a refused value.
pub(crate) fn take(report: &mut RowReport<'_>, field: &str, value: &Value, scale: Scale) -> Option<i64> {
    read(report, field, value, scale).unwrap_or_else(|why| {
        report.refused(field, value, why);
        None
    })
}

/// Reads a number that a person typed: with a dollar sign, grouped thousands, a decimal point or comma, and `k` or `m` for thousands and
/// millions. A separator that may mean two things is an error.
fn typed(text: &str) -> Result<Option<Number>, NumberError> {
    let text = text.trim().to_lowercase();
    let (sign, text) = text.strip_prefix('-').map_or(("", text.as_str()), |rest| ("-", rest.trim_start()));
    let text = text.strip_prefix('$').map_or(text, str::trim_start);
    let (text, exponent) = match (text.strip_suffix('k'), text.strip_suffix('m')) {
        (Some(thousands), _) => (thousands.trim_end(), Some("3")),
        (_, Some(millions)) => (millions.trim_end(), Some("6")),
        _ => match text.split_once('e') {
            Some((mantissa, exponent)) => (mantissa, Some(exponent)),
            None => (text, None),
        },
    };
    if text.is_empty() && sign.is_empty() && exponent.is_none() {
        return Ok(None);
    }
    let plain = plain(text)?;
    let exponent = exponent.map_or_else(String::new, |exponent| format!("e{exponent}"));
    // JSON does not allow leading zeros.
    let (whole, fraction) = plain.split_once('.').map_or((plain.as_str(), String::new()), |(whole, fraction)| (whole, format!(".{fraction}")));
    let whole = Some(whole.trim_start_matches('0')).filter(|whole| !whole.is_empty()).unwrap_or("0");
    format!("{sign}{whole}{fraction}{exponent}").parse().map(Some).map_err(|_| unusable("not a number"))
}

/// Converts digits with separators to digits with at most one decimal point.
fn plain(text: &str) -> Result<String, NumberError> {
    if !text.starts_with(|first: char| first.is_ascii_digit() || first == '.') || !text.ends_with(|last: char| last.is_ascii_digit()) {
        return Err(unusable("not a number"));
    }
    if let Some(other) = text.chars().find(|character| !character.is_ascii_digit() && ![',', '.'].contains(character) && !SPACES.contains(character))
    {
        return Err(unusable(format!("not a number: {other:?} stands in it")));
    }
    let points = text.matches('.').count();
    let commas = text.matches(',').count();
    let is_spaced = text.contains(SPACES);
    // The character that separates the decimals.
    let point = match (points, commas) {
        (1, 0) if is_spaced => Some('.'),
        (0, 1) if is_spaced => Some(','),
        (1, 0) | (0, 1) => {
            let separator = if points == 1 { '.' } else { ',' };
            let (whole, fraction) = text.split_once(separator).unwrap_or((text, ""));
            let may_be_thousands = fraction.len() == 3 && (1..=3).contains(&whole.len()) && !whole.starts_with('0');
            if may_be_thousands {
                return Err(NumberError::Unclear(format!("the {separator:?} may separate thousands or decimals")));
            }
            Some(separator)
        }
        (_, 0) | (0, _) => None,
        _ => {
            let last = if text.rfind('.') > text.rfind(',') { '.' } else { ',' };
            if text.matches(last).count() > 1 {
                return Err(NumberError::Unclear("not a number: the separators contradict each other".to_owned()));
            }
            Some(last)
        }
    };
    let (whole, fraction) = point.and_then(|point| text.split_once(point)).unwrap_or((text, ""));
    let grouping: Vec<char> = whole.chars().filter(|character| !character.is_ascii_digit()).collect();
    let mut groups = whole.split(|character: char| !character.is_ascii_digit());
    let first = groups.next().unwrap_or_default();
    let is_grouped = grouping.is_empty()
        || (grouping.windows(2).all(|pair| pair[0] == pair[1]) && (1..=3).contains(&first.len()) && groups.all(|group| group.len() == 3));
    if !is_grouped || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(NumberError::Unclear("not a number: the separators do not stand between thousands".to_owned()));
    }
    let whole: String = whole.chars().filter(char::is_ascii_digit).collect();
    Ok(if fraction.is_empty() { whole } else { format!("{whole}.{fraction}") })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn money(value: &Value) -> Result<Option<i64>, NumberError> {
        decimal(value, Scale::Money)
    }

    #[test]
    fn typed_numbers_and_floats_become_decimals() {
        for (value, cents) in [
            (json!("$1,200.50"), 120_050),
            (json!("1.200,50"), 120_050),
            (json!("1 200,50"), 120_050),
            (json!("1\u{a0}200"), 120_000),
            (json!("1'234'567.8"), 123_456_780),
            (json!("1 200.500"), 120_050),
            (json!("1,200,300"), 120_030_000),
            (json!("12,50"), 1_250),
            (json!("2,5"), 250),
            (json!("0,500"), 50),
            (json!("1234.500"), 123_450),
            (json!(".5"), 50),
            (json!("007"), 700),
            (json!("12k"), 1_200_000),
            (json!("1,5k"), 150_000),
            (json!(" 1.5M "), 150_000_000),
            (json!("1.85e1"), 1_850),
            (json!("18.499999999999996"), 1_850),
            (json!(41_200), 4_120_000),
            (json!(-0.0), 0),
        ] {
            assert_eq!(money(&value), Ok(Some(cents)), "{value}");
        }
        for nothing in [json!(""), json!("  "), json!("$"), Value::Null] {
            assert_eq!(money(&nothing), Ok(None));
        }
        for wrong in [
            json!("tbd"),
            json!("1.2.3"),
            json!(-5),
            json!(true),
            json!([1]),
            json!(1e20),
            json!("NaN"),
            json!("--"),
            json!("-"),
            json!("k"),
            json!("1e5k"),
        ] {
            assert!(money(&wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn ambiguous_separators_are_refused() {
        for unclear in ["1,200", "1.200", "$12,500", "18.500k", "100,000", "-1,200"] {
            assert!(
                money(&json!(unclear))
                    .is_err_and(|why| matches!(why, NumberError::Unclear(why) if why.contains("may separate thousands or decimals"))),
                "{unclear}"
            );
        }
        for wrong in ["1,2,3", "12,34,567", "1,200.5,0", "1.200.50", "1,20.5", "1 20", "1,200 300", "1200,300.5", "5,", ",5", "1 ,5", "1..5"] {
            assert!(money(&json!(wrong)).is_err(), "{wrong}");
        }
    }

    #[test]
    fn huge_exponents_are_refused() {
        for text in ["1e65600", "1e-65600", "1e99999999999999999999", "-1e65600", "0e65600"] {
            let number = Value::Number(text.parse().unwrap());
            let read = money(&number);
            assert!(read.is_err() || read == Ok(Some(0)), "{text}: {read:?}");
            assert_eq!(money(&json!(text)), read, "{text}");
        }
    }
}
