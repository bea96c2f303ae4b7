//! Failed logins per address, whether or not an account exists. From the fifth failure on, each one locks the address, twice as long each time. A
//! network from which the owner has signed in before has its own count, so that a stranger cannot lock the owner out.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use shared_utils::clock::Timestamp;
use shared_utils::dynamo::{Item, Key, StoreError, TransactWrite, Update, delete, from_item, n, put, s, to_item};
use shared_utils::ids::UserId;
use shared_utils::random::sha256;

use super::AuthStore;
use super::address::normalized;
use super::users::email_key;
use crate::limits::network;

/// The number of the first failure that locks.
const FIRST_LOCKING: u32 = 5;
/// The longest lock, and the time without failures after which they are forgotten. In seconds.
const CEILING_SECONDS: i64 = 900;
/// How long a network counts as the owner's after a successful login, in seconds.
const PLACE_SECONDS: i64 = 30 * 86_400;

/// The failure count of one key.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Count {
    failures: u32,
    /// Milliseconds since the epoch.
    last_failure_at: i64,
    /// Milliseconds since the epoch.
    locked_until: i64,
    ttl: i64,
}

impl Count {
    /// The count after one more failure.
    fn after_failure(&self, now: Timestamp, ttl: i64) -> Self {
        let quiet = now.millis() - self.last_failure_at >= CEILING_SECONDS * 1000;
        let failures = if quiet { 1 } else { self.failures.saturating_add(1) };
        let lock = if failures >= FIRST_LOCKING { (1i64 << (failures - FIRST_LOCKING).min(20)).min(CEILING_SECONDS) } else { 0 };
        Self { failures, last_failure_at: now.millis(), locked_until: now.millis() + lock * 1000, ttl }
    }
}

/// One login attempt, with the state before the password check.
pub(crate) struct Attempt {
    address: String,
    place: Key,
    /// The counted key: the key of this network if the owner signed in from it before, else the key for all other networks.
    key: Key,
    count: Option<Count>,
}

/// The address is locked.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Lock {
    /// Whole seconds, rounded up.
    pub(crate) retry_after: u64,
}

impl Attempt {
    /// The name of the address in audit logs: a prefix of its hash.
    pub(crate) fn pseudonym(&self) -> &str {
        &self.address[..12]
    }

    /// The lock of the address, if it is locked now.
    pub(crate) fn lock(&self, now: Timestamp) -> Option<Lock> {
        let left = self.count.as_ref().map_or(0, |count| count.locked_until - now.millis());
        u64::try_from(left).ok().filter(|left| *left > 0).map(|left| Lock { retry_after: left.div_ceil(1000) })
    }
}

/// The user of an item that maps an address to its user.
fn user_id_of(item: &Item) -> Option<UserId> {
    item.get("userId")?.as_s().ok()?.parse().ok()
}

impl AuthStore {
    /// The user with this address, if there is one.
    pub(crate) async fn user_of(&self, email: &str) -> Result<Option<UserId>, StoreError> {
        Ok(self.store.get_item(&self.table, &email_key(email)).await?.as_ref().and_then(user_id_of))
    }

    /// Reads the counts of an address and a network, and the user with this address if there is one, in one call. The call is the same whether or not
    /// the account exists.
    pub(crate) async fn attempt_and_user(&self, email: &str, ip: &str, now: Timestamp) -> Result<(Attempt, Option<UserId>), StoreError> {
        let user = email_key(email);
        let (attempt, mut more) = self.attempt_and(email, ip, now, Some(user.clone())).await?;
        Ok((attempt, more.remove(&(self.table.clone(), user)).and_then(|item| user_id_of(&item))))
    }

    /// Reads the counts of a name and a network in one call.
    pub(crate) async fn attempt(&self, name: &str, ip: &str, now: Timestamp) -> Result<Attempt, StoreError> {
        Ok(self.attempt_and(name, ip, now, None).await?.0)
    }

    async fn attempt_and(
        &self,
        name: &str,
        ip: &str,
        now: Timestamp,
        more: Option<Key>,
    ) -> Result<(Attempt, HashMap<(String, Key), Item>), StoreError> {
        let address = sha256(normalized(name).as_bytes());
        let anywhere = Key::new(format!("ATTEMPTS#{address}"), "ANYWHERE");
        let place = Key::new(format!("ATTEMPTS#{address}"), format!("PLACE#{}", sha256(network(ip).as_bytes())));
        let wanted: Vec<_> = [anywhere.clone(), place.clone()].into_iter().chain(more).map(|key| (self.table.as_str(), key)).collect();
        let mut found = self.store.get_many(&wanted).await?;
        let at_place: Option<Count> = found.remove(&(self.table.clone(), place.clone())).map(from_item).transpose()?;
        let elsewhere: Option<Count> = found.remove(&(self.table.clone(), anywhere.clone())).map(from_item).transpose()?;
        // `DynamoDB` may delete expired items days later.
        let (key, count) = match at_place.filter(|count| count.ttl > now.seconds()) {
            Some(count) => (place.clone(), Some(count)),
            None => (anywhere, elsewhere),
        };
        Ok((Attempt { address, place, key, count }, found))
    }

    /// Counts the attempt as a failure, before the password is checked. Returns `false` if another attempt was counted meanwhile: then the state must
    /// be read again.
    pub(crate) async fn count_failure(&self, attempt: &Attempt, now: Timestamp) -> Result<bool, StoreError> {
        let before = attempt.count.clone().unwrap_or_default();
        // Failures do not change how long the network counts as the owner's.
        let ttl = if attempt.key == attempt.place { before.ttl } else { now.seconds() + 2 * CEILING_SECONDS };
        let after = before.after_failure(now, ttl);
        let condition = if attempt.count.is_some() { "failures = :before AND lastFailureAt = :lastBefore" } else { "attribute_not_exists(pk)" };
        let mut expression = Update::new("SET failures = :failures, lastFailureAt = :last, lockedUntil = :until, #ttl = :ttl, #type = :type")
            .when(condition)
            .name("#ttl", "ttl")
            .name("#type", "type")
            .value(":failures", n(after.failures))
            .value(":last", n(after.last_failure_at))
            .value(":until", n(after.locked_until))
            .value(":ttl", n(after.ttl))
            .value(":type", s("attempts"));
        if attempt.count.is_some() {
            expression = expression.value(":before", n(before.failures)).value(":lastBefore", n(before.last_failure_at));
        }
        Ok(self.store.update_item(&self.table, attempt.key.clone(), expression).await?.is_ok())
    }

    /// The write that forgets the failures of an address from all networks.
    pub(crate) fn attempts_forgotten(&self, email: &str) -> TransactWrite {
        delete(&self.table, Key::new(format!("ATTEMPTS#{}", sha256(normalized(email).as_bytes())), "ANYWHERE"))
    }

    /// The writes after a success: the used count is reset, and the network counts as the owner's. Failures that a stranger caused elsewhere stay.
    pub(crate) fn attempt_succeeded(&self, attempt: &Attempt, now: Timestamp) -> Result<Vec<TransactWrite>, StoreError> {
        let fresh = Count { ttl: now.seconds() + PLACE_SECONDS, ..Count::default() };
        let mut writes = vec![put(&self.table, to_item(attempt.place.clone(), "attempts", &fresh)?)];
        if attempt.key != attempt.place {
            writes.push(delete(&self.table, attempt.key.clone()));
        }
        Ok(writes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lock_doubles_from_the_fifth_failure_up_to_fifteen_minutes() {
        let mut count = Count::default();
        let mut now = Timestamp::from_millis(1_000_000_000);
        let mut locks = Vec::new();
        for _ in 0..17 {
            count = count.after_failure(now, 0);
            locks.push((count.locked_until - now.millis()) / 1000);
            now = Timestamp::from_millis(count.locked_until.max(now.millis() + 1));
        }
        // A lock of 900 s is also the quiet time after which failures are forgotten, so the count starts again.
        assert_eq!(locks, [0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 0, 0]);
    }

    #[test]
    fn failures_are_forgotten_after_the_window() {
        let now = Timestamp::from_millis(1_000_000_000);
        let count = Count { failures: 9, last_failure_at: now.millis(), locked_until: 0, ttl: 0 };
        assert_eq!(count.after_failure(now.plus_seconds(899), 0).failures, 10);
        assert_eq!(count.after_failure(now.plus_seconds(900), 0).failures, 1);
    }
}
