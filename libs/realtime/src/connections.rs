//! The connections table. Each connection is stored twice: by its own id, to find its user, and within its user's item, to find all connections
//! of a user. One `BatchGetItem` reads all connections of a hundred people.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use serde::{Deserialize, Serialize};
use shared_utils::auth::{Caller, LEEWAY_SECONDS, Role};
use shared_utils::clock::{Clock, Timestamp};
use shared_utils::dynamo::{
    Attempt, Item, ItemBucket, Key, RetryPolicy, Store, StoreError, Transaction, Update, from_item, n, retry_on_conflict, s, to_attribute, to_item,
    update,
};
use shared_utils::ids::{SessionId, UserId};
use shared_utils::rate_limit::Rate;

use crate::Error;
use crate::presence::PresenceMoment;

/// Maximum number of open sockets per person.
pub const MAX_PER_USER: usize = 10;
/// API Gateway ends a connection after two hours. Ten minutes later its item is obsolete, even without `$disconnect`.
const LIFE_SECONDS: i64 = 2 * 3600 + 600;
/// How long a connection may be renewed after the notice that its token expired, in seconds.
const RENEWAL_SECONDS: i64 = 60;
/// Prefix of the attributes of a user's item that hold connections.
const ATTRIBUTE: &str = "connection:";

/// One open socket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Connection {
    /// Its id in API Gateway.
    pub connection_id: String,
    /// Its user.
    pub user_id: UserId,
    /// Its session.
    pub session_id: SessionId,
    /// The user's role when the token was issued.
    pub role: Role,
    /// The user's authorization version when the token was issued.
    pub version: u64,
    /// When its token expires.
    pub token_expires_at: Timestamp,
    /// When it was opened, by the gateway's clock. Of two connections of one tab, the later one stays.
    pub connected_at: Timestamp,
    /// When the item expires in any case.
    pub expires_at: Timestamp,
    /// The browser tab, if the client names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tab_id: Option<String>,
    /// When the client was notified that the token expired.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub told_expired_at: Option<Timestamp>,
    /// When a function closed it or found it gone. Its own item stays for `$disconnect`, which has only the id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// When it last sent a frame. In the connection's own item only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_active_at: Option<Timestamp>,
    /// Unrecognized frames in a row. Counted in the connection's own item only.
    #[serde(default)]
    pub strikes: u64,
    /// The theoretical arrival time of its action rate, in milliseconds since the epoch. In the connection's own item only.
    #[serde(default)]
    pub actions_until: i64,
    /// The same for its send rate.
    #[serde(default)]
    pub sends_until: i64,
}

impl Connection {
    /// Whether frames may be sent to it: it is open as far as known, and its token is valid, leeway included.
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.is_open(now) && !self.is_token_over(now)
    }

    /// Whether it is open as far as known.
    pub fn is_open(&self, now: Timestamp) -> bool {
        self.expires_at > now && self.ended_at.is_none()
    }

    /// Whether its token has expired, leeway included.
    pub fn is_token_over(&self, now: Timestamp) -> bool {
        self.token_expires_at.plus_seconds(LEEWAY_SECONDS.cast_signed()) <= now
    }

    /// Whether the renewal time after the expiry notice is over, so that it must be closed.
    pub fn is_past_renewal(&self, now: Timestamp) -> bool {
        self.told_expired_at.is_some_and(|told| told.plus_seconds(RENEWAL_SECONDS) <= now)
    }

    /// The caller behind the connection.
    pub fn caller(&self) -> Caller {
        Caller {
            user: self.user_id,
            session: self.session_id,
            role: self.role,
            version: self.version,
            // A person whose account waits for approval gets no connection.
            pending: false,
            expires_at: self.token_expires_at,
        }
    }

    /// When the item of a connection opened at `connected_at` becomes obsolete.
    pub fn expiry(connected_at: Timestamp) -> Timestamp {
        connected_at.plus_seconds(LIFE_SECONDS)
    }

    fn attribute(connection_id: &str) -> String {
        format!("{ATTRIBUTE}{connection_id}")
    }
}

pub(crate) fn connection_key(connection_id: &str) -> Key {
    Key::new(format!("CONNECTION#{connection_id}"), "CONNECTION")
}

pub(crate) fn user_key(user: UserId) -> Key {
    Key::new(format!("USER#{user}"), "CONNECTIONS")
}

/// The result of adding a connection.
#[derive(Debug, Clone)]
pub struct Arrival {
    /// All connections of its user, including the new one, oldest first.
    pub all: Vec<Connection>,
    /// When its user came online, if no other connection of theirs was live.
    pub came_at: Option<Timestamp>,
}

/// A connection that was removed from its user's list.
#[derive(Debug, Clone)]
pub struct Departure {
    /// The connection.
    pub connection: Connection,
    /// When it ended. Later than every earlier arrival and departure of its user.
    pub at: Timestamp,
    /// The user's other open connections.
    pub others: Vec<Connection>,
    /// Whether its user is offline now: none of the others is live.
    pub is_last: bool,
}

/// The connections in a user's item, oldest first.
pub(crate) fn connections_in(item: Item) -> Result<Vec<Connection>, StoreError> {
    let mut found = item
        .into_iter()
        .filter(|(name, _)| name.starts_with(ATTRIBUTE))
        .filter_map(|(_, value)| match value {
            AttributeValue::M(fields) => Some(from_item(fields)),
            _ => None,
        })
        .collect::<Result<Vec<Connection>, _>>()?;
    found.sort_by(|a, b| (a.connected_at, &a.connection_id).cmp(&(b.connected_at, &b.connection_id)));
    Ok(found)
}

/// The two items of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Write {
    Own,
    Listed,
}

/// Reads and writes the connections table.
#[derive(Clone, Debug)]
pub struct Connections {
    pub(crate) store: Store,
    pub(crate) table: String,
    pub(crate) clock: Clock,
}

impl Connections {
    /// The connections in this table.
    pub fn new(store: Store, table: String, clock: Clock) -> Self {
        Self { store, table, clock }
    }

    /// Adds a connection. One round trip, two for a user who has just opened another. [`Error::RateLimited`] when the user opens too many; then
    /// no list has the connection.
    pub async fn add(&self, connection: &Connection, rate: Rate) -> Result<Arrival, Error> {
        let mut item = to_item(connection_key(&connection.connection_id), "connection", connection)?;
        item.insert("ttl".to_owned(), n(connection.expires_at.seconds()));
        let (listed, put) = futures_util::future::join(self.list(connection, rate), self.store.put_item(&self.table, item)).await;
        let added = listed.and_then(|listed| Ok(put.map(|()| listed)?));
        if added.is_err() {
            // The gateway refuses the connection, so no `$disconnect` will remove it.
            let _ = self.remove_item(connection).await;
        }
        let ((item, at), now) = (added?, self.clock.now());
        let all = connections_in(item)?;
        let is_alone = !all.iter().any(|other| other.connection_id != connection.connection_id && other.is_live(now));
        Ok(Arrival { all, came_at: is_alone.then_some(at) })
    }

    /// Adds a connection to its user's list, counted against their rate. Returns the list and the time.
    async fn list(&self, connection: &Connection, rate: Rate) -> Result<(Item, Timestamp), Error> {
        let now = self.clock.now();
        let first = (ItemBucket::new("connectsUntil", rate, now), PresenceMoment::new(now));
        retry_on_conflict(RetryPolicy::Shared, first, |(mut bucket, mut moment)| async move {
            let expression = Update::new("SET #connection = :connection, #type = :type, userId = :user, #ttl = :ttl")
                .name("#connection", Connection::attribute(&connection.connection_id))
                .name("#type", "type")
                .name("#ttl", "ttl")
                .value(":connection", to_attribute(connection)?)
                .value(":type", s("connections"))
                .value(":user", s(connection.user_id))
                .value(":ttl", n(connection.expires_at.seconds()));
            let expression = moment.stamp(bucket.count(expression)?);
            match self.store.update_item(&self.table, user_key(connection.user_id), expression).await? {
                Ok(item) => Ok(Attempt::Done((item, moment.at()))),
                Err(found) => {
                    bucket.observe(found.as_ref());
                    found.as_ref().map(|item| moment.observe(item));
                    Ok(Attempt::Refused((bucket, moment)))
                }
            }
        })
        .await
    }

    /// Updates a connection's session, rights and expiry from a new token, in both items atomically. `false` when it is gone.
    pub async fn renew(&self, connection: &Connection) -> Result<bool, Error> {
        let own = Update::new("SET sessionId = :session, #role = :role, version = :version, tokenExpiresAt = :expires REMOVE toldExpiredAt")
            .when("attribute_exists(pk)")
            .name("#role", "role")
            .value(":session", s(connection.session_id))
            .value(":role", to_attribute(&connection.role)?)
            .value(":version", n(connection.version))
            .value(":expires", s(connection.token_expires_at));
        let listed = Update::new("SET #connection = :connection")
            .when("attribute_exists(#connection)")
            .name("#connection", Connection::attribute(&connection.connection_id))
            .value(":connection", to_attribute(connection)?);
        let own = update(&self.table, connection_key(&connection.connection_id), own);
        let listed = update(&self.table, user_key(connection.user_id), listed);
        let mut renewal = Transaction::new();
        renewal.add(Write::Own, own);
        renewal.add(Write::Listed, listed);
        Ok(self.store.transact(&renewal).await?.is_committed())
    }

    /// Records in both items that a connection was notified of its token's expiry, unless it was renewed meanwhile.
    pub async fn told_expired(&self, connection: &Connection) -> Result<(), StoreError> {
        let (now, expired) = (s(self.clock.now()), s(connection.token_expires_at));
        let own = Update::new("SET toldExpiredAt = if_not_exists(toldExpiredAt, :now)")
            .when("tokenExpiresAt = :expired")
            .value(":now", now.clone())
            .value(":expired", expired.clone());
        let listed = Update::new("SET #connection.toldExpiredAt = if_not_exists(#connection.toldExpiredAt, :now)")
            .when("#connection.tokenExpiresAt = :expired")
            .name("#connection", Connection::attribute(&connection.connection_id))
            .value(":now", now)
            .value(":expired", expired);
        let own = self.store.update_item(&self.table, connection_key(&connection.connection_id), own);
        let listed = self.store.update_item(&self.table, user_key(connection.user_id), listed);
        futures_util::future::try_join(own, listed).await.map(|_| ())
    }

    /// A connection by its id. `None` when its item has expired or it was ended.
    pub async fn find(&self, connection_id: &str) -> Result<Option<Connection>, StoreError> {
        let found: Option<Connection> = self.store.get(&self.table, &connection_key(connection_id)).await?;
        Ok(found.filter(|connection| connection.is_open(self.clock.now())))
    }

    /// All open connections of these people. One call per hundred people.
    pub async fn of_users(&self, users: &[UserId]) -> Result<Vec<Connection>, StoreError> {
        if users.is_empty() {
            return Ok(Vec::new());
        }
        let now = self.clock.now();
        let wanted: Vec<_> = users.iter().map(|user| (self.table.as_str(), user_key(*user))).collect();
        let items: HashMap<_, _> = self.store.get_many(&wanted).await?;
        let mut all = Vec::new();
        for item in items.into_values() {
            all.extend(connections_in(item)?.into_iter().filter(|connection| connection.is_open(now)));
        }
        Ok(all)
    }

    /// Removes a connection by its id, which is all that `$disconnect` has. One round trip. Its user's item may still list it.
    pub async fn remove(&self, connection_id: &str) -> Result<Option<Connection>, StoreError> {
        self.store.delete_item(&self.table, connection_key(connection_id)).await?.map(from_item).transpose()
    }

    /// Removes an ended connection from its user's list. `None` when the list does not have it: another function has handled it.
    pub async fn disconnect(&self, connection: &Connection) -> Result<Option<Departure>, StoreError> {
        let attribute = Connection::attribute(&connection.connection_id);
        let attribute = attribute.as_str();
        retry_on_conflict(RetryPolicy::Shared, PresenceMoment::new(self.clock.now()), |mut moment| async move {
            let expression = Update::new("SET userId = :user REMOVE #connection")
                .when("attribute_exists(#connection)")
                .name("#connection", attribute)
                .value(":user", s(connection.user_id));
            match self.store.update_item(&self.table, user_key(connection.user_id), moment.stamp(expression)).await? {
                Ok(item) => {
                    let now = self.clock.now();
                    let others: Vec<_> = connections_in(item)?.into_iter().filter(|other| other.is_open(now)).collect();
                    let is_last = !others.iter().any(|other| other.is_live(now));
                    Ok(Attempt::Done(Some(Departure { connection: connection.clone(), at: moment.at(), others, is_last })))
                }
                Err(Some(item)) if item.contains_key(attribute) && moment.observe(&item) => Ok(Attempt::Refused(moment)),
                Err(_) => Ok(Attempt::Done(None)),
            }
        })
        .await
    }

    /// Removes a dead connection from its user's list.
    pub async fn remove_from_list(&self, user: UserId, connection_id: &str) -> Result<(), StoreError> {
        let expression = Update::new("REMOVE #connection").when("attribute_exists(pk)").name("#connection", Connection::attribute(connection_id));
        // A failed condition means that there is no list, so there is nothing to remove.
        let _ = self.store.update_item(&self.table, user_key(user), expression).await?;
        Ok(())
    }

    /// Marks a connection that is about to be closed as ended. It then gets no frames, and its frames are not processed. `$disconnect` follows and
    /// removes the item.
    pub async fn mark_ended(&self, connection: &Connection) -> Result<(), StoreError> {
        let listed = Update::new("SET #connection.endedAt = :now")
            .when("attribute_exists(#connection)")
            .name("#connection", Connection::attribute(&connection.connection_id))
            .value(":now", s(self.clock.now()));
        let listed = self.store.update_item(&self.table, user_key(connection.user_id), listed);
        futures_util::future::try_join(self.mark_own_ended(connection), listed).await.map(|_| ())
    }

    /// Ends a connection that is already gone, and removes it from its list. `None` when another function has.
    pub async fn mark_gone(&self, connection: &Connection) -> Result<Option<Departure>, StoreError> {
        let left = self.disconnect(connection);
        futures_util::future::try_join(self.mark_own_ended(connection), left).await.map(|((), departure)| departure)
    }

    async fn mark_own_ended(&self, connection: &Connection) -> Result<(), StoreError> {
        let expression = Update::new("SET endedAt = :now").when("attribute_exists(pk)").value(":now", s(self.clock.now()));
        let _ = self.store.update_item(&self.table, connection_key(&connection.connection_id), expression).await?;
        Ok(())
    }

    /// Removes a connection that was never open.
    async fn remove_item(&self, connection: &Connection) -> Result<(), StoreError> {
        let taken = self.store.delete_item(&self.table, connection_key(&connection.connection_id));
        futures_util::future::try_join(taken, self.remove_from_list(connection.user_id, &connection.connection_id)).await?;
        Ok(())
    }
}
