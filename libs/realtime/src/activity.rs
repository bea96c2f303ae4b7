//! When a connection was active, how often it acts, and how many of its frames in a row made no sense.

use shared_utils::clock::Timestamp;
use shared_utils::dynamo::{StoreError, Update, from_item, n, s};
use shared_utils::rate_limit::Rate;

use crate::connections::{Connection, Connections, connection_key};

/// The update that notes when a connection was active, and consumes one token per bucket (name, theoretical arrival time, interval). A
/// bucket that was full at `now` begins there, on condition that it still is; the others move on by one interval, wherever they are.
fn consume(spent: &[(&str, i64, i64)], now: Timestamp, from_full: bool) -> Update {
    let is_full = |until: i64| from_full && until <= now.millis();
    let (mut assignments, mut conditions) = (vec!["lastActiveAt = :at".to_owned()], vec!["attribute_exists(pk)".to_owned()]);
    for (name, until, _) in spent {
        if is_full(*until) {
            assignments.push(format!("{name} = :{name}"));
            conditions.push(format!("{name} <= :now"));
        } else {
            assignments.push(format!("{name} = {name} + :{name}"));
        }
    }
    let mut expression = Update::new(format!("SET {}", assignments.join(", "))).when(conditions.join(" AND ")).value(":at", s(now));
    for (name, until, interval) in spent {
        let moved = if is_full(*until) { now.millis() + interval } else { *interval };
        expression = expression.value(&format!(":{name}"), n(moved));
    }
    if spent.iter().any(|(_, until, _)| is_full(*until)) { expression.value(":now", n(now.millis())) } else { expression }
}

impl Connections {
    /// Notes an action of a connection, and counts it, and a send where it is one, against the connection's rates. Written beside what
    /// the action does.
    pub async fn spend(&self, connection: &Connection, actions: Rate, sends: Option<Rate>) -> Result<(), StoreError> {
        let buckets = [("actionsUntil", connection.actions_until, Some(actions)), ("sendsUntil", connection.sends_until, sends)];
        let spent = buckets.into_iter().filter_map(|(name, until, rate)| Some((name, until, rate.filter(|rate| !rate.is_off())?.interval())));
        let spent: Vec<_> = spent.collect();
        let (key, now) = (connection_key(&connection.connection_id), self.clock.now());
        // Of frames at the same moment one may find the buckets full; the others come behind it.
        if let Err(Some(_)) = self.store.update_item(&self.table, key.clone(), consume(&spent, now, true)).await? {
            let _ = self.store.update_item(&self.table, key, consume(&spent, now, false)).await?;
        }
        Ok(())
    }

    /// These connections, the one that was active least recently first. One round trip.
    pub async fn by_activity(&self, connections: Vec<Connection>) -> Result<Vec<Connection>, StoreError> {
        let keys: Vec<_> = connections.iter().map(|connection| (self.table.as_str(), connection_key(&connection.connection_id))).collect();
        let mut own = self.store.get_many(&keys).await?;
        let mut active = Vec::with_capacity(connections.len());
        for (connection, (table, key)) in connections.into_iter().zip(keys) {
            let own: Option<Connection> = own.remove(&(table.to_owned(), key)).map(from_item).transpose()?;
            active.push((own.and_then(|own| own.last_active_at).unwrap_or(connection.connected_at), connection));
        }
        active.sort_by(|(a, one), (b, other)| (a, &one.connection_id).cmp(&(b, &other.connection_id)));
        Ok(active.into_iter().map(|(_, connection)| connection).collect())
    }

    /// Counts a frame that made no sense; how many there were in a row.
    pub async fn strike(&self, connection_id: &str) -> Result<u64, StoreError> {
        let expression = Update::new("ADD strikes :one").when("attribute_exists(pk)").value(":one", n(1));
        let counted = self.store.update_item(&self.table, connection_key(connection_id), expression).await?;
        Ok(match counted {
            Ok(item) => from_item::<Connection>(item)?.strikes,
            Err(_) => 0,
        })
    }

    /// Forgets the strikes: a frame made sense again.
    pub async fn clear_strikes(&self, connection_id: &str) -> Result<(), StoreError> {
        let expression = Update::new("SET strikes = :none").when("attribute_exists(pk)").value(":none", n(0));
        let _ = self.store.update_item(&self.table, connection_key(connection_id), expression).await?;
        Ok(())
    }
}
