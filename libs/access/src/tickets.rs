//! Tickets that open a socket, so that no access token appears in a URL. A ticket is 256 random bits. It is valid once, for half a minute, for
//! the session that requested it. The table stores only its SHA-256.

use serde::{Deserialize, Serialize};
use shared_utils::auth::{Caller, Role};
use shared_utils::clock::{Clock, Timestamp};
use shared_utils::dynamo::{
    Attempt, Condition, ItemBucket, Key, RetryPolicy, Store, StoreError, Transaction, Update, from_item, n, put_if, retry_on_conflict, s, to_item,
    update,
};
use shared_utils::ids::{SessionId, UserId};
use shared_utils::random;
use shared_utils::rate_limit::{Rate, RateLimited};

use crate::Error;
use crate::session::Session;

/// The stored part of a ticket: the caller that it represents.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Ticket {
    user_id: UserId,
    session_id: SessionId,
    role: Role,
    version: u64,
    token_expires_at: Timestamp,
    expires_at: Timestamp,
    ttl: i64,
}

fn ticket_key(ticket: &str) -> Key {
    Key::new(format!("TICKET#{}", random::sha256(ticket.as_bytes())), "TICKET")
}

fn pace_key(user: UserId) -> Key {
    Key::new(format!("PACE#{user}"), "TICKETS")
}

/// The writes of a new ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Write {
    Pace,
    Ticket,
}

/// Issues and redeems tickets.
#[derive(Clone, Debug)]
pub struct Tickets {
    store: Store,
    table: String,
    clock: Clock,
}

impl Tickets {
    /// The tickets in this auth table.
    pub fn new(store: Store, table: String, clock: Clock) -> Self {
        Self { store, table, clock }
    }

    /// Issues a ticket for a session, valid for `seconds`. [`Error::RateLimited`] when the person asked too often.
    pub async fn issue(&self, session: &Session, seconds: i64, rate: Rate) -> Result<String, Error> {
        let ticket = random::secret();
        let now = self.clock.now();
        let expires_at = now.plus_seconds(seconds);
        let kept = Ticket {
            user_id: session.user,
            session_id: session.session,
            role: session.role,
            version: session.version,
            token_expires_at: session.expires_at,
            expires_at,
            ttl: expires_at.seconds() + 60,
        };
        let item = to_item(ticket_key(&ticket), "ticket", &kept)?;
        retry_on_conflict(RetryPolicy::Shared, ItemBucket::new("spokenFor", rate, now), |mut bucket| async {
            let pace = Update::new("SET #type = :type, #ttl = :ttl")
                .name("#type", "type")
                .name("#ttl", "ttl")
                .value(":type", s("pace"))
                .value(":ttl", n(now.seconds() + 3_600));
            let pace = match bucket.count(pace) {
                Ok(pace) => pace,
                Err(limited) => return Err(Error::RateLimited(self.refused(session.user, limited, rate).await?)),
            };
            let mut issue = Transaction::new();
            issue.add(Write::Pace, update(&self.table, pace_key(session.user), pace));
            issue.add(Write::Ticket, put_if(&self.table, item.clone(), Condition::absent()));
            let outcome = self.store.transact(&issue).await?;
            let pace = outcome.refused(Write::Pace);
            if pace.is_refused() {
                bucket.observe(pace.item());
                return Ok(Attempt::Refused(bucket));
            }
            outcome.require_committed()?;
            Ok(Attempt::Done(()))
        })
        .await?;
        Ok(ticket)
    }

    /// How long a rate-limited caller has to wait. Each of several callers gets a different time, so that each finds a token on return.
    /// `promisedUntil` is the time up to which tokens are promised, in milliseconds since the epoch.
    async fn refused(&self, user: UserId, limited: RateLimited, rate: Rate) -> Result<RateLimited, StoreError> {
        let now = self.clock.now().millis();
        let free_at = now.saturating_add_unsigned(limited.retry_after_ms);
        retry_on_conflict(RetryPolicy::Shared, None::<i64>, |promised| async move {
            // A promise further ahead than a full bucket is worth went to callers who did not return.
            let behind =
                promised.filter(|promised| *promised >= free_at && *promised - free_at < rate.capacity()).map(|promised| promised + rate.interval());
            let at = behind.unwrap_or(free_at);
            let promise = Update::new("SET promisedUntil = :at").value(":at", n(at)).when(match promised {
                Some(promised) => Condition::new("promisedUntil = :seen").value(":seen", n(promised)),
                None => Condition::new("attribute_not_exists(promisedUntil)"),
            });
            match self.store.update_item(&self.table, pace_key(user), promise).await? {
                Ok(_) => Ok(Attempt::Done(RateLimited { retry_after_ms: u64::try_from(at - now).unwrap_or(limited.retry_after_ms) })),
                Err(found) => Ok(Attempt::Refused(found.and_then(|item| item.get("promisedUntil")?.as_n().ok()?.parse().ok()))),
            }
        })
        .await
    }

    /// Redeems a ticket and returns its caller. A second or late use is [`Error::InvalidTicket`].
    pub async fn take(&self, ticket: &str) -> Result<Caller, Error> {
        let taken = self.store.delete_item(&self.table, ticket_key(ticket)).await?.ok_or(Error::InvalidTicket)?;
        let taken: Ticket = from_item(taken)?;
        if taken.expires_at <= self.clock.now() {
            return Err(Error::InvalidTicket);
        }
        Ok(Caller {
            user: taken.user_id,
            session: taken.session_id,
            role: taken.role,
            version: taken.version,
            // Only approved accounts get a ticket. It becomes invalid when the rights it was issued for change.
            pending: false,
            expires_at: taken.token_expires_at,
        })
    }
}
