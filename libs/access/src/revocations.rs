//! Which access tokens no longer count although their time is not over.
//!
//! One small item per three minutes holds a set of marks: `session:<id>` for an ended login, `version:<user>:<n>` for rights that were
//! replaced. Access tokens live for twelve minutes at most, leeway included, so the last few items are all that matters, none has to be
//! cleaned, and ten thousand logins can end in one of them. Every function reads them in one call, at most every five seconds.

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

/// How old the remembered marks may be.
const FRESH: Duration = Duration::from_secs(5);
/// Length of a bucket in seconds.
const BUCKET_SECONDS: i64 = 180;
/// So many buckets reach back further than a token lives: 660 seconds, a minute of leeway at its end and one before its beginning.
const BUCKETS: i64 = 6;

/// A reason for which tokens stop counting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// This login was ended.
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

/// The key of the bucket that a moment falls into.
fn bucket_key(now: Timestamp) -> Key {
    Key::new("REVOCATIONS", format!("BUCKET#{:012}", now.seconds().div_euclid(BUCKET_SECONDS) * BUCKET_SECONDS))
}

struct Remembered {
    at: tokio::time::Instant,
    wall: Timestamp,
    marks: HashSet<String>,
}

impl Remembered {
    /// Whether both clocks say so: the monotonic one may stand still while a sandbox is frozen, the other may be set.
    fn is_fresh(&self, now: Timestamp) -> bool {
        let fresh = i64::try_from(FRESH.as_millis()).unwrap_or(i64::MAX);
        self.at.elapsed() < FRESH && (0..fresh).contains(&now.millis_since(self.wall))
    }
}

/// The marks, as every function sees them.
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

    /// The proof that a caller may write. Refuses one whose session has ended ([`Error::SessionEnded`]), whose rights were replaced
    /// ([`Error::RightsReplaced`]) or whose account waits for approval ([`Error::AccountPending`]). An unreadable table is
    /// [`Error::Store`], never a pass. At most one round trip every five seconds.
    pub async fn check_session(&self, caller: Caller) -> Result<Session, Error> {
        self.check(caller.user, caller.session, caller.version).await?;
        if caller.pending { Err(Error::AccountPending) } else { Ok(Session::checked(caller)) }
    }

    /// As [`Self::check_session`], concurrently with a read, so that it takes no round trip of its own. A refusal hides the outcome of
    /// the read.
    pub async fn with_session_check<T>(&self, caller: Caller, read: impl Future<Output = Result<T, StoreError>>) -> Result<(Session, T), Error> {
        let read = async { Ok(read.await?) };
        futures_util::future::try_join(self.check_session(caller), read).await
    }

    /// Refuses as [`Self::check_session`] does, for a session that is known without its token, and whether or not the account is approved.
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

    /// Reads the marks where what is remembered is too old, so that the next check answers from memory: to ride beside another read.
    pub async fn refresh(&self) -> Result<(), Error> {
        let mut remembered = self.remembered.lock().await;
        self.fresh_marks(&mut remembered).await.map(|_| ())
    }

    /// A write that puts marks, to stand in the same transaction as what causes them.
    pub fn write(&self, marks: &[Mark]) -> TransactWrite {
        let now = self.clock.now();
        let marks = marks.iter().map(|mark| mark.text()).collect();
        let add = Update::new("ADD marks :marks SET #type = :type, #ttl = :ttl")
            .name("#type", "type")
            .name("#ttl", "ttl")
            .value(":marks", AttributeValue::Ss(marks))
            .value(":type", s("revocations"))
            .value(":ttl", n(now.seconds() + 2 * BUCKETS * BUCKET_SECONDS));
        update(&self.table, bucket_key(now), add)
    }

    /// Forgets what is remembered, so that this process sees its own marks at once.
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
        // A writer whose clock is a little ahead may have begun the next bucket already.
        let ahead = self.clock.now().plus_seconds(5);
        let keys: Vec<_> = (0..BUCKETS).map(|back| (self.table.as_str(), bucket_key(ahead.plus_seconds(-back * BUCKET_SECONDS)))).collect();
        let items = self.store.get_many(&keys).await?;
        let marks = items.into_values().filter_map(|mut item| match item.remove("marks") {
            Some(AttributeValue::Ss(marks)) => Some(marks),
            _ => None,
        });
        Ok(marks.flatten().collect())
    }
}
