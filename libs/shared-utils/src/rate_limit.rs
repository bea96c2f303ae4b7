//! Rate limits: token buckets, each stored as one number (the generic cell rate algorithm), so that an item attribute or a map entry holds it.
//!
//! The number is the theoretical arrival time (TAT), in milliseconds since the epoch: when the bucket is full again. Each use sets the TAT to
//! one interval after the old TAT or the current time, whichever is later. A use is refused if the new TAT is further ahead than the capacity.

use std::collections::HashMap;
use std::str::FromStr;
use std::sync::{Mutex, PoisonError};

use crate::clock::Timestamp;
use crate::env::{EnvError, Environment};

/// The maximum number of keys in one process. At the limit, keys whose buckets are full are removed.
const MAX_KEYS: usize = 10_000;

/// A rate limit was exceeded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many requests")]
pub struct RateLimited {
    /// Milliseconds until the next use may pass.
    pub retry_after_ms: u64,
}

/// A rate: uses per unit of time, with a burst size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Milliseconds per use. 0 means no limit.
    interval: i64,
    /// The size of a full bucket, in milliseconds.
    capacity: i64,
}

impl Rate {
    /// No limit.
    pub const OFF: Self = Self { interval: 0, capacity: 0 };

    /// `count` uses per minute, with bursts of `count`.
    pub const fn per_minute(count: i64) -> Self {
        Self { interval: 60_000 / count, capacity: 60_000 / count * count }
    }

    /// `count` uses per hour, with bursts of `count`.
    pub const fn per_hour(count: i64) -> Self {
        Self { interval: 3_600_000 / count, capacity: 3_600_000 / count * count }
    }

    /// `count` uses per second, with bursts of `burst`.
    pub const fn per_second(count: i64, burst: i64) -> Self {
        Self { interval: 1_000 / count, capacity: 1_000 / count * burst }
    }

    /// The rate in a variable (`20/min`, `1/s:10` with bursts of ten, `off`), or `default` if it is absent.
    pub fn from_env(env: &Environment, name: &'static str, default: Self) -> Result<Self, EnvError> {
        env.parsed(name, default)
    }

    /// A rate that is `factor` times as high, with bursts that are `factor` times as large.
    pub const fn times(self, factor: i64) -> Self {
        Self { interval: self.interval / factor, capacity: self.capacity }
    }

    /// Whether there is no limit.
    pub const fn is_off(self) -> bool {
        self.interval == 0
    }

    /// Milliseconds per use.
    pub const fn interval(self) -> i64 {
        self.interval
    }

    /// The size of a full bucket, in milliseconds.
    pub const fn capacity(self) -> i64 {
        self.capacity
    }

    /// Consumes one token. Takes the TAT before the use, returns the TAT after it. [`RateLimited`] if the bucket is empty.
    pub fn take(self, until: i64, now: Timestamp) -> Result<i64, RateLimited> {
        if self.is_off() {
            return Ok(until);
        }
        let next = until.max(now.millis()) + self.interval;
        let over = next - now.millis() - self.capacity;
        match u64::try_from(over) {
            Ok(retry_after_ms) if retry_after_ms > 0 => Err(RateLimited { retry_after_ms }),
            _ => Ok(next),
        }
    }
}

/// The text is not a rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a rate is `off`, or a count per s, min or h such as 20/min, with the size of bursts behind a colon where it differs: 1/s:10")]
pub struct MalformedRate;

impl FromStr for Rate {
    type Err = MalformedRate;

    fn from_str(text: &str) -> Result<Self, MalformedRate> {
        if text == "off" {
            return Ok(Self::OFF);
        }
        let (rate, burst) = text.split_once(':').map_or((text, None), |(rate, burst)| (rate, Some(burst)));
        let (count, unit) = rate.split_once('/').unwrap_or((rate, "min"));
        let unit = match unit {
            "s" => 1_000,
            "min" => 60_000,
            "h" => 3_600_000,
            _ => return Err(MalformedRate),
        };
        // At most one use per millisecond.
        let number = |text: &str, most: i64| text.parse::<i64>().ok().filter(|number| (1..=most).contains(number)).ok_or(MalformedRate);
        let count = number(count, unit)?;
        let burst = burst.map_or(Ok(count), |burst| number(burst, 9_999))?;
        let interval = unit / count;
        Ok(Self { interval, capacity: interval * burst })
    }
}

/// The buckets of one warm process. The limit is best effort, because every sandbox has its own buckets.
pub struct Buckets {
    rate: Rate,
    theoretical_arrival_times: Mutex<HashMap<String, i64>>,
}

impl Buckets {
    /// Creates full buckets.
    pub fn new(rate: Rate) -> Self {
        Self { rate, theoretical_arrival_times: Mutex::default() }
    }

    /// Consumes one token of a key's bucket. [`RateLimited`] if it is empty.
    pub fn take(&self, key: &str, now: Timestamp) -> Result<(), RateLimited> {
        if self.rate.is_off() {
            return Ok(());
        }
        let mut theoretical_arrival_times = self.theoretical_arrival_times.lock().unwrap_or_else(PoisonError::into_inner);
        let next = self.rate.take(theoretical_arrival_times.get(key).copied().unwrap_or(0), now)?;
        if theoretical_arrival_times.len() >= MAX_KEYS {
            theoretical_arrival_times.retain(|_, until| *until > now.millis());
        }
        // If an attacker fills the memory with addresses, other callers must not be refused. New keys are then not counted.
        if theoretical_arrival_times.len() < MAX_KEYS {
            theoretical_arrival_times.insert(key.to_owned(), next);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wait(outcome: Result<i64, RateLimited>) -> Option<u64> {
        outcome.err().map(|limited| limited.retry_after_ms)
    }

    #[test]
    fn a_burst_passes_and_then_one_per_interval() {
        let rate = Rate::per_second(1, 10);
        let mut now = Timestamp::from_seconds(1_000_000);
        let mut until = 0;
        for _ in 0..10 {
            until = rate.take(until, now).unwrap();
        }
        assert_eq!(wait(rate.take(until, now)), Some(1_000));
        now = now.plus_seconds(1);
        until = rate.take(until, now).unwrap();
        assert_eq!(wait(rate.take(until, now)), Some(1_000), "what was refused cost nothing");
        // A full bucket does not gain more tokens.
        now = now.plus_seconds(3_600);
        for _ in 0..10 {
            until = rate.take(until, now).unwrap();
        }
        assert_eq!(wait(rate.take(until, now)), Some(1_000));
    }

    #[test]
    fn rates_are_parsed() {
        assert_eq!("20/min".parse(), Ok(Rate::per_minute(20)));
        assert_eq!("20".parse(), Ok(Rate::per_minute(20)));
        assert_eq!("1/s:10".parse(), Ok(Rate::per_second(1, 10)));
        assert_eq!("5/h".parse(), Ok(Rate::per_hour(5)));
        assert_eq!("off".parse(), Ok(Rate::OFF));
        for bad in ["", "0/min", "-1", "1/d", "1/s:0", "many", "1/s:", "1001/s", "60001/min", "1/s:10000"] {
            assert_eq!(bad.parse::<Rate>(), Err(MalformedRate), "{bad}");
        }
    }

    #[test]
    fn keys_have_separate_buckets_and_memory_is_bounded() {
        let buckets = Buckets::new(Rate::per_minute(1));
        let now = Timestamp::from_seconds(1_000_000);
        assert!(buckets.take("a", now).is_ok());
        assert!(buckets.take("a", now).is_err());
        assert!(buckets.take("b", now).is_ok());
        for n in 0..2 * MAX_KEYS {
            assert!(buckets.take(&format!("flood-{n}"), now).is_ok());
        }
        assert_eq!(buckets.theoretical_arrival_times.lock().unwrap().len(), MAX_KEYS);
        assert!(buckets.take("late", now.plus_seconds(61)).is_ok());
        assert_eq!(buckets.theoretical_arrival_times.lock().unwrap().len(), 1, "what is full again is forgotten");
    }
}
