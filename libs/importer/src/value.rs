//! Values of the old system: empty values, dates and times.

use serde_json::{Value, json};
use shared_utils::clock::Timestamp;
use shared_utils::number::Digits;

use crate::export::Row;
use crate::report::RowReport;
use shared_utils::fields::read_date;

/// Whether a value is null or empty.
pub(crate) fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.trim().is_empty(),
        Value::Array(entries) => entries.is_empty(),
        Value::Object(members) => members.is_empty(),
        _ => false,
    }
}

/// The date of a value. A time after the date is removed.
pub(crate) fn day(value: Value) -> Value {
    match value.as_str().map(str::trim).and_then(|text| text.get(..10)) {
        Some(day) if read_date(json!(day)).is_ok() => json!(day),
        _ => value,
    }
}

/// A time in any form of the old system: RFC 3339, a date alone, or milliseconds or seconds since the epoch.
pub(crate) fn moment(value: &Value) -> Option<Timestamp> {
    let number = match value {
        Value::Number(number) => number.clone(),
        Value::String(text) => {
            let text = text.trim();
            let moment = text.parse().ok().or_else(|| format!("{text}T00:00:00Z").parse().ok());
            if moment.is_some() {
                return moment;
            }
            text.parse().ok()?
        }
        _ => return None,
    };
    match Digits::of(&number).nearest(0)? {
        // Up to the year 9999.
        millis @ 100_000_000_000..=253_402_300_799_999 => Some(Timestamp::from_millis(millis)),
        seconds @ 100_000_000..=99_999_999_999 => Some(Timestamp::from_seconds(seconds)),
        _ => None,
    }
}

/// Whether a value is already an RFC 3339 time.
fn is_moment(value: &Value) -> bool {
    value.as_str().is_some_and(|text| text.parse::<Timestamp>().is_ok())
}

/// The time in a field. Reports a value that is not a time or has another form.
pub(crate) fn known_moment(row: &Row, name: &str, report: &mut RowReport<'_>) -> Option<Timestamp> {
    let value = row.get(name).filter(|value| !is_nothing(value))?;
    let moment = moment(value);
    match moment {
        None => report.refused(name, value, "it is no time"),
        Some(moment) if !is_moment(value) => report.changed(name, value, &json!(moment)),
        Some(_) => {}
    }
    moment
}
