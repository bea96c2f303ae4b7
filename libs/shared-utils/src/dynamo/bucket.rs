//! A rate whose bucket is an attribute of an item that is updated anyway.

use super::{Condition, Item, Update, n};
use crate::clock::Timestamp;
use crate::rate_limit::{Rate, RateLimited};

/// One use of the bucket in an attribute, as a part of an update. The first guess is that the bucket is full, which costs no read;
/// where it is not, the refused condition brings the item, and with it what the bucket holds.
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

    /// The update, which must begin with `SET`, with the use in it: one more assignment and one more condition.
    /// [`RateLimited`] when the bucket is known to be empty.
    pub fn count(&self, update: Update) -> Result<Update, RateLimited> {
        let Self { attribute, rate, now, seen } = self;
        let until = rate.take(seen.unwrap_or(0), *now)?;
        let condition =
            if seen.is_some() { format!("{attribute} = :seen") } else { format!("attribute_not_exists({attribute}) OR {attribute} <= :seen") };
        let condition = Condition::new(condition).value(":seen", n(seen.unwrap_or(now.millis())));
        Ok(update.also_set(&format!("{attribute} = :until")).value(":until", n(until)).when(condition))
    }

    /// What a refused condition has found.
    pub fn observe(&mut self, item: Option<&Item>) {
        self.seen = item.and_then(|item| item.get(self.attribute)?.as_n().ok()?.parse().ok());
    }
}
