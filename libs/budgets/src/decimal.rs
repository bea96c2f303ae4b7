//! Decimals as integers of a fixed scale: money in cents, quantities in thousandths, mark-ups in ten-thousandths. A JSON number is read by
//! its digits, never through a float. A number with more decimals than its scale is refused.

use std::borrow::Cow;

use rust_decimal::{Decimal, RoundingStrategy};
use serde_json::{Number, Value, json};
use shared_utils::number::Digits;

/// How many decimals a number has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scale {
    /// Two decimals: the minor unit of every allowed currency.
    Money,
    /// Three decimals.
    Quantity,
    /// Four decimals.
    MarkUp,
}

/// The largest amount of money, in cents: 10^13 major units.
pub(crate) const MAX_MONEY: i64 = 1_000_000_000_000_000;

impl Scale {
    /// The number of decimals.
    const fn decimals(self) -> u32 {
        match self {
            Self::Money => 2,
            Self::Quantity => 3,
            Self::MarkUp => 4,
        }
    }

    /// Converts a scaled integer to its value.
    pub(crate) fn decimal(self, value: i64) -> Decimal {
        Decimal::new(value, self.decimals())
    }

    /// Rounds a value to the decimals of the scale, with halves away from zero.
    pub(crate) fn round(self, value: Decimal) -> Decimal {
        value.round_dp_with_strategy(self.decimals(), RoundingStrategy::MidpointAwayFromZero)
    }

    /// Converts a value to a scaled integer, rounded. `None` if it does not fit in 64 bits.
    pub(crate) fn scaled(self, value: Decimal) -> Option<i64> {
        let mut rounded = self.round(value);
        rounded.rescale(self.decimals());
        (rounded.scale() == self.decimals()).then(|| i64::try_from(rounded.mantissa()).ok())?
    }

    /// The JSON Schema of its values.
    pub fn schema(self) -> Value {
        let (least, most) = self.bounds();
        let step = to_json(1, self);
        json!({"type": "number", "minimum": to_json(least, self), "maximum": to_json(most, self), "multipleOf": step})
    }

    /// The smallest and the largest value, as scaled integers.
    const fn bounds(self) -> (i64, i64) {
        match self {
            Self::Money => (0, MAX_MONEY),
            Self::Quantity => (0, 1_000_000_000),
            Self::MarkUp => (-10_000, 1_000_000),
        }
    }
}

/// The scaled integer nearest to a JSON number, with halves rounded away from zero. `None` if it does not fit in 64 bits. For numbers that
/// were floats: `0.30000000000000004` is 30 cents.
pub fn nearest(number: &Number, scale: Scale) -> Option<i64> {
    Digits::of(number).nearest(scale.decimals())
}

/// Reads a number of this scale, within its bounds.
pub fn read_scaled(value: &Value, scale: Scale) -> Result<i64, (&'static str, Cow<'static, str>)> {
    let Value::Number(number) = value else { return Err(("wrong_type", "This must be a number.".into())) };
    let (least, most) = scale.bounds();
    match Digits::of(number).scaled(scale.decimals()) {
        Some(value) if (least..=most).contains(&value) => Ok(value),
        _ => {
            let (least, most) = (to_json(least, scale), to_json(most, scale));
            Err(("out_of_range", format!("A number from {least} to {most} with at most {} decimals.", scale.decimals()).into()))
        }
    }
}

/// Converts a scaled integer to the shortest JSON number: `1850` cents become `18.5`.
pub fn to_json(value: i64, scale: Scale) -> Value {
    number(scale.decimal(value))
}

/// Converts a decimal to the shortest JSON number.
pub(crate) fn number(value: Decimal) -> Value {
    value.normalize().to_string().parse().map_or(Value::Null, Value::Number)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rust_decimal::prelude::ToPrimitive;

    use super::*;

    fn read(text: &str, scale: Scale) -> Option<i64> {
        read_scaled(&serde_json::from_str(text).unwrap(), scale).ok()
    }

    #[test]
    fn spellings_of_a_number_are_equal() {
        for text in ["18.5", "18.50", "1850e-2", "1.85e1", "0.185E+2", "18.500000000000000000000000000000000"] {
            assert_eq!(read(text, Scale::Money), Some(1850), "{text}");
        }
        for text in ["0", "-0", "0.00", "0e99999999999999999999", "-0.0e-5"] {
            assert_eq!(read(text, Scale::Money), Some(0), "{text}");
        }
        assert_eq!(read("1e13", Scale::Money), Some(MAX_MONEY));
    }

    #[test]
    fn inexact_and_too_large_numbers_are_refused() {
        for text in [
            "0.001",
            "18.505",
            "0.1000000000000000000000000000000001",
            "-0.01",
            "1e14",
            "10000000000000.01",
            "1e400",
            "1e-400",
            "5e-3",
            "1e99999999999999999999",
            "1e-99999999999999999999",
        ] {
            assert_eq!(read(text, Scale::Money), None, "{text}");
        }
        for text in ["\"1\"", "true", "null", "[1]", "{}"] {
            assert_eq!(read(text, Scale::Money), None, "{text}");
        }
        assert_eq!(read("-1", Scale::MarkUp), Some(-10_000));
        assert_eq!(read("-1.0001", Scale::MarkUp), None);
        assert_eq!(read("0.1234", Scale::MarkUp), Some(1234));
    }

    #[test]
    fn floats_become_the_nearest_decimal() {
        let near = |text: &str| nearest(&text.parse().unwrap(), Scale::Money);
        for (text, cents) in [
            ("0.30000000000000004", 30),
            ("18.499999999999996", 1850),
            ("1.005", 101),
            ("-1.005", -101),
            ("1.0049999", 100),
            ("0.004", 0),
            ("0.005", 1),
            ("0.0049", 0),
            ("5e-3", 1),
            ("4.9e-3", 0),
            ("1e-9", 0),
            ("1.23456e2", 12346),
            ("-0.001", 0),
            ("12", 1200),
        ] {
            assert_eq!(near(text), Some(cents), "{text}");
        }
        assert_eq!(near("1e40"), None);
        assert_eq!(near("123456789012345678901234567890.5"), None);
    }

    #[test]
    fn halves_round_away_from_zero() {
        let rounded = |thousandths: i64| Scale::Money.scaled(Decimal::new(thousandths, 3));
        assert_eq!([5, -5, 4, -4, 15].map(rounded), [1, -1, 0, 0, 2].map(Some));
        assert_eq!(Scale::Money.scaled(Decimal::MAX), None);
    }

    proptest! {
        #[test]
        fn printed_decimals_are_read_back(value in 0..=MAX_MONEY, mark_up in -10_000i64..=1_000_000) {
            prop_assert_eq!(read_scaled(&to_json(value, Scale::Money), Scale::Money).unwrap(), value);
            prop_assert_eq!(read_scaled(&to_json(mark_up, Scale::MarkUp), Scale::MarkUp).unwrap(), mark_up);
        }

        #[test]
        fn a_number_is_read_as_its_exact_decimal_or_refused(text in "-?(0|[1-9][0-9]{0,10})(\\.[0-9]{1,6})?([eE][+-]?[0-9])?") {
            let exact = Decimal::from_scientific(&text).or_else(|_| Decimal::from_str_exact(&text)).unwrap();
            let scaled = (exact * Decimal::from(1_000)).normalize();
            let expected = (scaled.is_integer() && (0..=1_000_000_000).contains(&scaled.to_i128().unwrap())).then(|| scaled.to_i64().unwrap());
            prop_assert_eq!(read(&text, Scale::Quantity), expected);
        }

        #[test]
        fn numbers_of_any_length_are_read_without_panic(text in "-?(0|[1-9][0-9]{0,30})(\\.[0-9]{1,30})?([eE][+-]?[0-9]{1,25})?") {
            if let Some(value) = read(&text, Scale::Quantity) {
                prop_assert_eq!(read(&to_json(value, Scale::Quantity).to_string(), Scale::Quantity), Some(value));
            }
        }
    }
}
