//! The connections table: each connection twice, by its own id (whose is it?) and within its user's item (where is this person
//! online?). All connections of a hundred people are one `BatchGetItem`.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use serde::{Deserialize, Serialize};
use shared_utils::auth::{LEEWAY_SECONDS, Role};
use shared_utils::clock::{Clock, Timestamp};
use shared_utils::dynamo::{Expression, Item, Key, Store, StoreError, from_item, n, s, to_attribute, to_item};
use shared_utils::ids::{SessionId, UserId};

/// How many sockets a person may have open.
pub const MAX_PER_USER: usize = 10;
/// API Gateway ends a connection after two hours; ten minutes more and nobody needs its item, whatever `$disconnect` did.
const LIFE_SECONDS: i64 = 2 * 3600 + 600;
/// What the attributes of a user's item that hold connections begin with.
const ATTRIBUTE: &str = "connection:";

/// One open socket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Connection {
    /// API Gateway's id of it.
    pub connection_id: String,
    /// Whose it is.
    pub user_id: UserId,
    /// The login behind it.
    pub session_id: SessionId,
    /// The user's role when the token was made.
    pub role: Role,
    /// The user's authorization version when the token was made.
    pub version: u64,
    /// When the token behind it ends.
    pub token_expires_at: Timestamp,
    /// When it was opened.
    pub connected_at: Timestamp,
    /// When the item is dead, whatever happened.
    pub expires_at: Timestamp,
    /// The browser tab, where the client says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tab_id: Option<String>,
    /// Frames in a row that made no sense. Counted in the connection's own item only.
    #[serde(default)]
    pub strikes: u64,
}

impl Connection {
    /// Whether frames may still go to it: its item is alive and its token's time, leeway included, is not over.
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.expires_at > now && !self.is_token_over(now)
    }

    /// Whether its token's time is over, leeway included.
    pub fn is_token_over(&self, now: Timestamp) -> bool {
        self.token_expires_at.plus_seconds(LEEWAY_SECONDS.cast_signed()) <= now
    }

    /// The moment after which nobody needs the item of a connection that opens now.
    pub fn expiry(connected_at: Timestamp) -> Timestamp {
        connected_at.plus_seconds(LIFE_SECONDS)
    }

    fn attribute(connection_id: &str) -> String {
        format!("{ATTRIBUTE}{connection_id}")
    }
}

fn connection_key(connection_id: &str) -> Key {
    Key::new(format!("CONNECTION#{connection_id}"), "CONNECTION")
}

fn user_key(user: UserId) -> Key {
    Key::new(format!("USER#{user}"), "CONNECTIONS")
}

/// The connections in a user's item, oldest first.
fn connections_in(item: Item) -> Result<Vec<Connection>, StoreError> {
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

/// The table's reads and writes.
#[derive(Clone, Debug)]
pub struct Connections {
    store: Store,
    table: String,
    clock: Clock,
}

impl Connections {
    /// The connections in this table.
    pub fn new(store: Store, table: String, clock: Clock) -> Self {
        Self { store, table, clock }
    }

    /// Adds a connection; all that its user has now, oldest first. One round trip.
    pub async fn add(&self, connection: &Connection) -> Result<Vec<Connection>, StoreError> {
        let ttl = n(connection.expires_at.seconds());
        let mut item = to_item(connection_key(&connection.connection_id), "connection", connection)?;
        item.insert("ttl".to_owned(), ttl.clone());
        let expression = Expression::new("SET #connection = :connection, #type = :type, userId = :user, #ttl = :ttl")
            .name("#connection", Connection::attribute(&connection.connection_id))
            .name("#type", "type")
            .name("#ttl", "ttl")
            .value(":connection", to_attribute(connection)?)
            .value(":type", s("connections"))
            .value(":user", s(connection.user_id))
            .value(":ttl", ttl);
        let listed = self.store.update_item(&self.table, user_key(connection.user_id), expression);
        let (listed, ()) = futures_util::future::try_join(listed, self.store.put_item(&self.table, item)).await?;
        connections_in(listed.map_err(|_| StoreError::corrupt("connections"))?)
    }

    /// A connection by its id, unless its item is dead.
    pub async fn find(&self, connection_id: &str) -> Result<Option<Connection>, StoreError> {
        let found: Option<Connection> = self.store.get(&self.table, &connection_key(connection_id)).await?;
        Ok(found.filter(|connection| connection.expires_at > self.clock.now()))
    }

    /// All connections of these people whose items are alive. One call per hundred people.
    pub async fn of_users(&self, users: &[UserId]) -> Result<Vec<Connection>, StoreError> {
        if users.is_empty() {
            return Ok(Vec::new());
        }
        let now = self.clock.now();
        let wanted: Vec<_> = users.iter().map(|user| (self.table.as_str(), user_key(*user))).collect();
        let items: HashMap<_, _> = self.store.get_many(&wanted).await?;
        let mut all = Vec::new();
        for item in items.into_values() {
            all.extend(connections_in(item)?.into_iter().filter(|connection| connection.expires_at > now));
        }
        Ok(all)
    }

    /// Counts a frame that made no sense; how many there were in a row.
    pub async fn strike(&self, connection_id: &str) -> Result<u64, StoreError> {
        let expression = Expression::new("ADD strikes :one").when("attribute_exists(pk)").value(":one", n(1));
        let counted = self.store.update_item(&self.table, connection_key(connection_id), expression).await?;
        Ok(match counted {
            Ok(item) => from_item::<Connection>(item)?.strikes,
            Err(_) => 0,
        })
    }

    /// Forgets the strikes: a frame made sense again.
    pub async fn clear_strikes(&self, connection_id: &str) -> Result<(), StoreError> {
        let expression = Expression::new("SET strikes = :none").when("attribute_exists(pk)").value(":none", n(0));
        let _ = self.store.update_item(&self.table, connection_key(connection_id), expression).await?;
        Ok(())
    }

    /// Takes a connection out by its id alone, as `$disconnect` knows it. One round trip; its user's item still lists it.
    pub async fn take(&self, connection_id: &str) -> Result<Option<Connection>, StoreError> {
        self.store.delete_item(&self.table, connection_key(connection_id)).await?.map(from_item).transpose()
    }

    /// Takes a connection off its user's list.
    pub async fn unlist(&self, user: UserId, connection_id: &str) -> Result<(), StoreError> {
        let expression = Expression::new("REMOVE #connection").when("attribute_exists(pk)").name("#connection", Connection::attribute(connection_id));
        // A condition that does not hold means that there is no list: as good as taken off.
        let _ = self.store.update_item(&self.table, user_key(user), expression).await?;
        Ok(())
    }

    /// Removes a connection wholly.
    pub async fn remove(&self, connection: &Connection) -> Result<(), StoreError> {
        let taken = self.store.delete_item(&self.table, connection_key(&connection.connection_id));
        futures_util::future::try_join(taken, self.unlist(connection.user_id, &connection.connection_id)).await?;
        Ok(())
    }
}
