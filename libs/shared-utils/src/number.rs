//! JSON numbers as exact decimal digits. `18.5`, `1.85e1` and `1850e-2` are the same number.

use serde_json::Number;

/// A decimal number: the value is `digits × 10^exponent`. The digits neither begin nor end with a zero. Zero has no digits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Digits {
    /// Whether the value is below zero.
    pub negative: bool,
    /// Decimal digits.
    pub digits: String,
    /// The power of ten. It saturates if an exponent does not fit in 64 bits.
    pub exponent: i64,
}

impl Digits {
    /// Splits a number into its parts.
    pub fn of(number: &Number) -> Self {
        let text = number.to_string();
        let (negative, text) = text.strip_prefix('-').map_or((false, text.as_str()), |rest| (true, rest));
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => {
                let saturated = if exponent.starts_with('-') { i64::MIN } else { i64::MAX };
                (mantissa, exponent.parse::<i64>().unwrap_or(saturated))
            }
            None => (text, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let all = format!("{whole}{fraction}");
        let significant = all.trim_start_matches('0');
        let digits = significant.trim_end_matches('0');
        if digits.is_empty() {
            return Self { negative: false, digits: String::new(), exponent: 0 };
        }
        let length = |text: &str| i64::try_from(text.len()).unwrap_or(i64::MAX);
        let exponent = exponent.saturating_sub(length(fraction)).saturating_add(length(significant) - length(digits));
        Self { negative, digits: digits.to_owned(), exponent }
    }

    /// The value as an integer count of 10^-`decimals`. `None` if it is not exact at this scale, or does not fit.
    pub fn scaled(&self, decimals: u32) -> Option<i64> {
        if self.digits.is_empty() {
            return Some(0);
        }
        let places = u32::try_from(self.exponent.checked_add(i64::from(decimals))?).ok()?;
        let value = self.digits.parse::<i64>().ok()?.checked_mul(10i64.checked_pow(places)?)?;
        Some(if self.negative { -value } else { value })
    }

    /// The value as the nearest count of 10^-`decimals`, with halves rounded away from zero. `None` if it does not fit.
    pub fn nearest(&self, decimals: u32) -> Option<i64> {
        let places = self.exponent.saturating_add(i64::from(decimals));
        if self.digits.is_empty() || places >= 0 {
            return self.scaled(decimals);
        }
        // The number of digits before the decimal point.
        let length = i64::try_from(self.digits.len()).ok()?;
        let whole = length.saturating_add(places);
        if whole < 0 {
            return Some(0);
        }
        let (whole, rest) = self.digits.split_at(usize::try_from(whole).ok()?);
        let value = if whole.is_empty() { 0 } else { whole.parse::<i64>().ok()? };
        let value = value.checked_add(i64::from(rest.as_bytes()[0] >= b'5'))?;
        Some(if self.negative { -value } else { value })
    }

    /// The value as a whole number that is not negative. `None` if it is not whole, is negative, or does not fit.
    pub fn whole(&self) -> Option<u64> {
        if self.digits.is_empty() {
            return Some(0);
        }
        if self.negative {
            return None;
        }
        let places = u32::try_from(self.exponent).ok()?;
        self.digits.parse::<u64>().ok()?.checked_mul(10u64.checked_pow(places)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digits(text: &str) -> Digits {
        Digits::of(&text.parse().unwrap())
    }

    #[test]
    fn spellings_of_one_number_are_equal() {
        for texts in [["100", "100.0", "1e2"], ["0.30", "3e-1", "30E-2"], ["0", "-0", "0.00e7"], ["-12.5", "-125e-1", "-1.250e+1"]] {
            assert_eq!(digits(texts[0]), digits(texts[1]), "{texts:?}");
            assert_eq!(digits(texts[0]), digits(texts[2]), "{texts:?}");
        }
        assert_ne!(digits("100"), digits("1000"));
        assert_ne!(digits("1"), digits("-1"));
    }

    #[test]
    fn scaled_values_are_exact_or_none() {
        assert_eq!(digits("18.5").scaled(2), Some(1850));
        assert_eq!(digits("18.505").scaled(2), None);
        assert_eq!(digits("1e65600").scaled(2), None);
        assert_eq!(digits("1e-65600").scaled(2), None);
        assert_eq!(digits("92233720368547758.07").scaled(2), Some(i64::MAX));
        assert_eq!(digits("92233720368547758.08").scaled(2), None);
    }

    #[test]
    fn nearest_values_round_halves_away_from_zero() {
        assert_eq!(digits("0.30000000000000004").nearest(2), Some(30));
        assert_eq!(digits("0.005").nearest(2), Some(1));
        assert_eq!(digits("-0.005").nearest(2), Some(-1));
        assert_eq!(digits("0.0049").nearest(2), Some(0));
        assert_eq!(digits("1e-65600").nearest(2), Some(0));
        assert_eq!(digits("1e65600").nearest(2), None);
        assert_eq!(digits("1e99999999999999999999").nearest(2), None);
        assert_eq!(digits("1e-99999999999999999999").nearest(2), Some(0));
        assert_eq!(digits("12.345").nearest(2), Some(1235));
        assert_eq!(digits("99.999").nearest(2), Some(10_000));
    }

    #[test]
    fn whole_numbers_may_have_a_point_or_an_exponent() {
        for (text, whole) in [("1.0", Some(1)), ("2e0", Some(2)), ("-0", Some(0)), ("1e3", Some(1000)), ("1.5", None), ("-1", None), ("1e30", None)] {
            assert_eq!(digits(text).whole(), whole, "{text}");
        }
    }
}
