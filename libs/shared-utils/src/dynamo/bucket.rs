//! A rate limit whose token bucket is an attribute of an item that is updated anyway.

use super::{Condition, Item, Update, n};
use crate::clock::Timestamp;
use crate::rate_limit::{Rate, RateLimited};

/// Consumes one token of a bucket in an attribute, as a part of an update. The first attempt assumes a full bucket, which costs no read.
/// If the bucket is not full, the failed condition returns the item with the bucket's state.
pub struct ItemBucket {
    attribute: &'static str,
    rate: Rate,
    now: Timestamp,
    seen: Option<i64>,
}

impl ItemBucket {
    /// The bucket of this rate in this attribute.
    pub fn new(attribute: &'static str, rate: Rate, now: Timestamp) -> Self {
        Self { attribute, rate, now, seen: None }
    }

    /// Adds one assignment and one condition to `update`, which must begin with `SET`. They consume one token.
    /// [`RateLimited`] if the bucket is known to be empty.
    pub fn count(&self, update: Update) -> Result<Update, RateLimited> {
        let Self { attribute, rate, now, seen } = self;
        let until = rate.take(seen.unwrap_or(0), *now)?;
        let condition =
            if seen.is_some() { format!("{attribute} = :seen") } else { format!("attribute_not_exists({attribute}) OR {attribute} <= :seen") };
        let condition = Condition::new(condition).value(":seen", n(seen.unwrap_or(now.millis())));
        Ok(update.also_set(&format!("{attribute} = :until")).value(":until", n(until)).when(condition))
    }

    /// Keeps the bucket's state from the item that a failed condition returned.
    pub fn observe(&mut self, item: Option<&Item>) {
        self.seen = item.and_then(|item| item.get(self.attribute)?.as_n().ok()?.parse().ok());
    }
}
