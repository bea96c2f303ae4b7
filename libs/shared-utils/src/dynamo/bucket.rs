//! A rate whose bucket is an attribute of an item that is updated anyway.

use super::{Expression, Item, n};
use crate::clock::Timestamp;
use crate::http::Error;
use crate::pace::Rate;

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

    /// The update with the use in it: a further assignment before its others, which must begin with `SET`, and a further condition.
    /// [`Error::TooManyRequests`] when the bucket is known to be empty.
    pub fn count(&self, update: Expression) -> Result<Expression, Error> {
        let Self { attribute, rate, now, seen } = self;
        let until = rate.take(seen.unwrap_or(0), *now)?;
        let condition =
            if seen.is_some() { format!("{attribute} = :seen") } else { format!("(attribute_not_exists({attribute}) OR {attribute} <= :seen)") };
        let update = update.also_set(&format!("{attribute} = :until"), &condition);
        Ok(update.value(":until", n(until)).value(":seen", n(seen.unwrap_or(now.millis()))))
    }

    /// What a refused condition has found.
    pub fn observe(&mut self, item: Option<&Item>) {
        self.seen = item.and_then(|item| item.get(self.attribute)?.as_n().ok()?.parse().ok());
    }
}
