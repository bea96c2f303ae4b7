//! The rate of typing broadcasts.

use shared_utils::dynamo::{Key, StoreError, Update, n, s};
use shared_utils::ids::{ConversationId, UserId};

use crate::connections::Connections;

/// Minimum time between typing broadcasts of one person in one conversation, in milliseconds.
const TYPING_MILLIS: i64 = 3_000;
/// Minimum time that the item is kept, in seconds.
const TYPING_KEPT_SECONDS: i64 = 60;

fn typing_key(user: UserId, conversation: ConversationId) -> Key {
    Key::new(format!("PACE#{user}"), format!("TYPING#{conversation}"))
}

impl Connections {
    /// Whether typing of this person in this conversation may be broadcast now, from any device. If so, records the time. One round trip.
    pub async fn should_broadcast_typing(&self, user: UserId, conversation: ConversationId) -> Result<bool, StoreError> {
        let now = self.clock.now();
        let expression = Update::new("SET typedAt = :now, #type = :type, #ttl = :ttl")
            .when("attribute_not_exists(pk) OR typedAt <= :before")
            .name("#type", "type")
            .name("#ttl", "ttl")
            .value(":now", n(now.millis()))
            .value(":before", n(now.millis() - TYPING_MILLIS))
            .value(":type", s("typing"))
            .value(":ttl", n(now.seconds() + TYPING_KEPT_SECONDS));
        Ok(self.store.update_item(&self.table, typing_key(user, conversation), expression).await?.is_ok())
    }
}
