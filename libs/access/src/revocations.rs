//! Revoked access tokens that have not expired yet.
//!
//! Four items per seven minutes hold sets of marks: `session:<id>` for an ended session, `version:<user>:<n>` for replaced rights. Access tokens
//! live for at most twelve minutes, leeway included, so only the last few items matter, and they need no clean-up. One item can hold nine
//! thousand ended sessions (400 KB): the four take eighty in each second. Every function reads the items in one call, at most every five seconds.

use std::collections::HashSet;
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use shared_utils::auth::Caller;
use shared_utils::clock::{Clock, Timestamp};
use shared_utils::dynamo::{Key, Store, StoreError, TransactWrite, Update, n, s, update};
use shared_utils::ids::{SessionId, UserId};
use tokio::sync::Mutex;

use crate::Error;
use crate::session::Session;

/// Maximum age of the cached marks.
const FRESH: Duration = Duration::from_secs(5);
/// Length of a bucket in seconds.
const BUCKET_SECONDS: i64 = 420;
/// Number of buckets to read. They cover more than a token's lifetime: 660 seconds, and a minute of leeway before and after it.
const BUCKETS: i64 = 3;
/// Number of items of a bucket. Each has a partition key of its own, so they also share the write rate of a partition.
const SHARDS: u8 = 4;

/// A reason to reject tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// This session was ended.
    Session(SessionId),
    /// This authorization version of the user was replaced by a later one.
    Version(UserId, u64),
}

impl Mark {
    fn text(self) -> String {
        match self {
            Self::Session(session) => format!("session:{session}"),
            Self::Version(user, version) => format!("version:{user}:{version}"),
        }
    }
}

/// The shard of a change: the same for a repeated write.
fn shard_of(marks: &[Mark]) -> u8 {
    let sum = marks.first().map_or(0, |mark| mark.text().bytes().fold(0u8, u8::wrapping_add));
    sum % SHARDS
}

/// The key of a shard of the bucket that contains a time.
fn bucket_key(now: Timestamp, shard: u8) -> Key {
    Key::new(format!("REVOCATIONS#{shard}"), format!("BUCKET#{:012}", now.seconds().div_euclid(BUCKET_SECONDS) * BUCKET_SECONDS))
}

struct Remembered {
    at: tokio::time::Instant,
    wall: Timestamp,
    marks: HashSet<String>,
}

impl Remembered {
    /// Whether the cache is fresh by both clocks. The monotonic clock may stop in a frozen sandbox; the other may be set.
    fn is_fresh(&self, now: Timestamp) -> bool {
        let fresh = i64::try_from(FRESH.as_millis()).unwrap_or(i64::MAX);
        self.at.elapsed() < FRESH && (0..fresh).contains(&now.millis_since(self.wall))
    }
}

/// Reads, caches and writes the marks.
pub struct Revocations {
    store: Store,
    table: String,
    clock: Clock,
    remembered: Mutex<Option<Remembered>>,
}

impl Revocations {
    /// The revocations in this auth table.
    pub fn new(store: Store, table: String, clock: Clock) -> Self {
        Self { store, table, clock, remembered: Mutex::new(None) }
    }

    /// Checks that a caller may write, and returns the proof. [`Error::SessionEnded`] for an ended session, [`Error::RightsReplaced`] for
    /// replaced rights, [`Error::AccountPending`] for an account that waits for approval. An unreadable table is [`Error::Store`], never a
    /// success. At most one round trip every five seconds.
    pub async fn check_session(&self, caller: Caller) -> Result<Session, Error> {
        self.check(caller.user, caller.session, caller.version).await?;
        if caller.pending { Err(Error::AccountPending) } else { Ok(Session::checked(caller)) }
    }

    /// Like [`Self::check_session`], concurrently with a read, so it adds no round trip. A refusal hides the result of the read.
    pub async fn with_session_check<T>(&self, caller: Caller, read: impl Future<Output = Result<T, StoreError>>) -> Result<(Session, T), Error> {
        let read = async { Ok(read.await?) };
        futures_util::future::try_join(self.check_session(caller), read).await
    }

    /// Like [`Self::check_session`], for a session that is known without its token. Does not check that the account is approved.
    pub async fn check(&self, user: UserId, session: SessionId, version: u64) -> Result<(), Error> {
        let mut remembered = self.remembered.lock().await;
        let marks = self.fresh_marks(&mut remembered).await?;
        if marks.contains(&Mark::Session(session).text()) {
            Err(Error::SessionEnded)
        } else if marks.contains(&Mark::Version(user, version).text()) {
            Err(Error::RightsReplaced)
        } else {
            Ok(())
        }
    }

    /// Reads the marks if the cache is too old, so that the next check needs no read. Meant to run concurrently with another read.
    pub async fn refresh(&self) -> Result<(), Error> {
        let mut remembered = self.remembered.lock().await;
        self.fresh_marks(&mut remembered).await.map(|_| ())
    }

    /// A write that adds marks. It belongs in the transaction of the change that causes them.
    pub fn write(&self, marks: &[Mark]) -> TransactWrite {
        let (now, shard) = (self.clock.now(), shard_of(marks));
        let marks = marks.iter().map(|mark| mark.text()).collect();
        let add = Update::new("ADD marks :marks SET #type = :type, #ttl = :ttl")
            .name("#type", "type")
            .name("#ttl", "ttl")
            .value(":marks", AttributeValue::Ss(marks))
            .value(":type", s("revocations"))
            .value(":ttl", n(now.seconds() + 2 * BUCKETS * BUCKET_SECONDS));
        update(&self.table, bucket_key(now, shard), add)
    }

    /// Clears the cache, so that this process sees its own marks at once.
    pub async fn forget(&self) {
        *self.remembered.lock().await = None;
    }

    async fn fresh_marks<'a>(&self, remembered: &'a mut Option<Remembered>) -> Result<&'a HashSet<String>, Error> {
        let now = self.clock.now();
        if !remembered.as_ref().is_some_and(|known| known.is_fresh(now)) {
            let at = tokio::time::Instant::now();
            *remembered = Some(Remembered { at, wall: now, marks: self.read().await? });
        }
        remembered.as_ref().map(|known| &known.marks).ok_or_else(|| StoreError::corrupt("revocations").into())
    }

    async fn read(&self) -> Result<HashSet<String>, StoreError> {
        // A writer whose clock is slightly ahead may already use the next bucket.
        let ahead = self.clock.now().plus_seconds(5);
        let buckets = (0..BUCKETS).map(|back| ahead.plus_seconds(-back * BUCKET_SECONDS));
        let keys: Vec<_> = buckets.flat_map(|time| (0..SHARDS).map(move |shard| (self.table.as_str(), bucket_key(time, shard)))).collect();
        let items = self.store.get_many(&keys).await?;
        let marks = items.into_values().filter_map(|mut item| match item.remove("marks") {
            Some(AttributeValue::Ss(marks)) => Some(marks),
            _ => None,
        });
        Ok(marks.flatten().collect())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn ended_sessions_are_spread_over_the_shards() {
        let now = Timestamp::from_millis(1_800_000_000_000);
        let mut counts = BTreeMap::new();
        for _ in 0..4_000 {
            *counts.entry(shard_of(&[Mark::Session(SessionId::generate(now))])).or_insert(0) += 1;
        }
        assert!(counts.len() == usize::from(SHARDS) && counts.values().all(|count| (800..1_200).contains(count)), "{counts:?}");
    }
}
