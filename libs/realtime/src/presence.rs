//! Who is online, and since when.

use std::collections::BTreeMap;

use shared_utils::clock::Timestamp;
use shared_utils::dynamo::{Attempt, Condition, Item, RetryPolicy, StoreError, Update, n, retry_on_conflict, s};
use shared_utils::ids::UserId;

use crate::connections::{Connections, connections_in, user_key};

/// The time of a person's arrival or departure. Each is later than the previous one, even if the clocks of two functions differ, so a client
/// that keeps the latest `at` has the current state.
pub(crate) struct PresenceMoment(i64);

impl PresenceMoment {
    pub(crate) fn new(now: Timestamp) -> Self {
        Self(now.millis())
    }

    /// Adds the time to the update: one more assignment, and the condition that it is later than the previous one.
    pub(crate) fn stamp(&self, update: Update) -> Update {
        let is_later = Condition::new("attribute_not_exists(presenceAt) OR presenceAt < :presence").value(":presence", n(self.0));
        update.also_set("presenceAt = :presence").when(is_later)
    }

    /// Observes the item of a refused update. Returns whether its time was not earlier, so that a retry makes sense.
    pub(crate) fn observe(&mut self, item: &Item) -> bool {
        match presence_at(item) {
            Some(known) if known.millis() >= self.0 => {
                self.0 = known.millis() + 1;
                true
            }
            _ => false,
        }
    }

    pub(crate) fn at(&self) -> Timestamp {
        Timestamp::from_millis(self.0)
    }
}

/// When a person last came online or went offline.
fn presence_at(item: &Item) -> Option<Timestamp> {
    item.get("presenceAt").and_then(|value| value.as_n().ok()?.parse().ok()).map(Timestamp::from_millis)
}

impl Connections {
    /// Which of these people are online, and since when. One call per hundred people.
    pub async fn online(&self, people: &[UserId]) -> Result<BTreeMap<UserId, Timestamp>, StoreError> {
        let now = self.clock.now();
        let wanted: Vec<_> = people.iter().map(|user| (self.table.as_str(), user_key(*user))).collect();
        let mut online = BTreeMap::new();
        for item in self.store.get_many(&wanted).await?.into_values() {
            let at = presence_at(&item);
            if let Some(connection) = connections_in(item)?.into_iter().find(|connection| connection.is_live(now)) {
                online.insert(connection.user_id, at.unwrap_or(connection.connected_at));
            }
        }
        Ok(online)
    }

    /// Records that a person is online again after a late renewal. Returns the time. One round trip.
    pub async fn came_back(&self, user: UserId) -> Result<Timestamp, StoreError> {
        retry_on_conflict(RetryPolicy::Shared, PresenceMoment::new(self.clock.now()), |mut moment| async move {
            let expression = Update::new("SET userId = :user").value(":user", s(user));
            match self.store.update_item(&self.table, user_key(user), moment.stamp(expression)).await? {
                Err(Some(item)) if moment.observe(&item) => Ok(Attempt::Refused(moment)),
                Ok(_) | Err(_) => Ok(Attempt::Done(moment.at())),
            }
        })
        .await
    }
}
