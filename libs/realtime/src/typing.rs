//! How often someone's typing is passed on.

use shared_utils::dynamo::{Key, StoreError, Update, n, s};
use shared_utils::ids::{ConversationId, UserId};

use crate::connections::Connections;

/// How often one person's typing in one conversation is passed on, in milliseconds.
const TYPING_MILLIS: i64 = 3_000;
/// How long it is remembered at least, in seconds.
const TYPING_KEPT_SECONDS: i64 = 60;

fn typing_key(user: UserId, conversation: ConversationId) -> Key {
    Key::new(format!("PACE#{user}"), format!("TYPING#{conversation}"))
}

impl Connections {
    /// Whether it is time again to pass on that this person types in this conversation, whatever they type on; noted where it is. One
    /// round trip.
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
