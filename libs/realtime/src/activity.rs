//! Last activity, action rates and unrecognized frames of a connection.

use shared_utils::clock::Timestamp;
use shared_utils::dynamo::{StoreError, Update, from_item, n, s};
use shared_utils::rate_limit::Rate;

use crate::connections::{Connection, Connections, connection_key};

/// The update that records activity and consumes one token per bucket (name, theoretical arrival time, interval). A bucket that was full at
/// `now` starts from `now`, on condition that it is still full. The others advance by one interval from their stored value.
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
    /// Records an action of a connection. Counts it against the action rate, and a send also against the send rate. Runs concurrently with the
    /// action.
    pub async fn spend(&self, connection: &Connection, actions: Rate, sends: Option<Rate>) -> Result<(), StoreError> {
        let buckets = [("actionsUntil", connection.actions_until, Some(actions)), ("sendsUntil", connection.sends_until, sends)];
        let spent = buckets.into_iter().filter_map(|(name, until, rate)| Some((name, until, rate.filter(|rate| !rate.is_off())?.interval())));
        let spent: Vec<_> = spent.collect();
        let (key, now) = (connection_key(&connection.connection_id), self.clock.now());
        // Of concurrent frames, only one may find the buckets full. The others add to the stored value.
        if let Err(Some(_)) = self.store.update_item(&self.table, key.clone(), consume(&spent, now, true)).await? {
            let _ = self.store.update_item(&self.table, key, consume(&spent, now, false)).await?;
        }
        Ok(())
    }

    /// These connections, least recently active first. One round trip.
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

    /// Counts an unrecognized frame. Returns how many there were in a row.
    pub async fn strike(&self, connection_id: &str) -> Result<u64, StoreError> {
        let expression = Update::new("ADD strikes :one").when("attribute_exists(pk)").value(":one", n(1));
        let counted = self.store.update_item(&self.table, connection_key(connection_id), expression).await?;
        Ok(match counted {
            Ok(item) => from_item::<Connection>(item)?.strikes,
            Err(_) => 0,
        })
    }

    /// Clears the strikes after a recognized frame.
    pub async fn clear_strikes(&self, connection_id: &str) -> Result<(), StoreError> {
        let expression = Update::new("SET strikes = :none").when("attribute_exists(pk)").value(":none", n(0));
        let _ = self.store.update_item(&self.table, connection_key(connection_id), expression).await?;
        Ok(())
    }
}
