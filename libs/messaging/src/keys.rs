//! Keys of the messages table.
//!
//! | item | pk | sk |
//! | --- | --- | --- |
//! | head of a conversation, with its participants' read markers | `CONVERSATION#<id>` | `HEAD` |
//! | message | `CONVERSATION#<id>` | `MESSAGE#<seq>` |
//! | latest change of a message, with the message; latest group update | `CONVERSATION#<id>` | `CHANGE#<changeSeq>` |
//! | message sent under an `optimisticId` | `CONVERSATION#<id>` | `SENT#<userId>#<optimisticId>` |
//! | conversation of a person | `USER#<userId>` | `CONVERSATION#<id>` |
//! | the direct conversation of two people | `DIRECT#<userId>#<userId>` (sorted) | `CONVERSATION` |
//! | baseline of sync cursors | `SYNC#<userId>` | `BASELINE#<id>` |
//! | notification of one event, not read; read | `NOTIFICATIONS#<userId>` | `UNREAD#<notificationId>`; `READ#<notificationId>` |
//! | latest notification about a conversation, project or budget | `NOTIFICATIONS#<userId>` | `SUBJECT#<dedupeId>` |
//! | result of an idempotency key | `IDEMPOTENCY#<userId>` | `CONVERSATIONS#<key>` |

use shared_utils::dynamo::Key;
use shared_utils::ids::{BaselineId, ConversationId, NotificationId, UserId};

pub(crate) fn partition(conversation: ConversationId) -> String {
    format!("CONVERSATION#{conversation}")
}

pub(crate) fn head(conversation: ConversationId) -> Key {
    Key::new(partition(conversation), "HEAD")
}

/// Zero-padded, so that string order is numeric order.
pub(crate) fn message_sort(seq: u64) -> String {
    format!("MESSAGE#{seq:020}")
}

pub(crate) fn message(conversation: ConversationId, seq: u64) -> Key {
    Key::new(partition(conversation), message_sort(seq))
}

/// Zero-padded like messages.
pub(crate) fn change_sort(change_seq: u64) -> String {
    format!("CHANGE#{change_seq:020}")
}

pub(crate) fn change(conversation: ConversationId, change_seq: u64) -> Key {
    Key::new(partition(conversation), change_sort(change_seq))
}

pub(crate) fn baseline(user: UserId, baseline: BaselineId) -> Key {
    Key::new(format!("SYNC#{user}"), format!("BASELINE#{baseline}"))
}

pub(crate) fn sent(conversation: ConversationId, user: UserId, optimistic_id: &str) -> Key {
    Key::new(partition(conversation), format!("SENT#{user}#{optimistic_id}"))
}

pub(crate) fn user_partition(user: UserId) -> String {
    format!("USER#{user}")
}

pub(crate) fn listed(user: UserId, conversation: ConversationId) -> Key {
    Key::new(user_partition(user), format!("CONVERSATION#{conversation}"))
}

pub(crate) fn direct(a: UserId, b: UserId) -> Key {
    let (first, second) = if a < b { (a, b) } else { (b, a) };
    Key::new(format!("DIRECT#{first}#{second}"), "CONVERSATION")
}

pub(crate) fn idempotency(user: UserId, key: &str) -> Key {
    Key::new(format!("IDEMPOTENCY#{user}"), format!("CONVERSATIONS#{key}"))
}

/// The partition of a person's notifications. projects-router may write this partition alone.
pub(crate) fn notifications(user: UserId) -> String {
    format!("NOTIFICATIONS#{user}")
}

pub(crate) fn unread_sort(notification: NotificationId) -> String {
    format!("UNREAD#{notification}")
}

pub(crate) fn read_sort(notification: NotificationId) -> String {
    format!("READ#{notification}")
}

pub(crate) fn subject_sort(dedupe_id: &str) -> String {
    format!("SUBJECT#{dedupe_id}")
}

/// The range of the sort keys that begin with a prefix: `$` is the character after `#`.
pub(crate) fn sort_range(prefix: &str) -> (&'static str, String, String) {
    ("sk", format!("{prefix}#"), format!("{prefix}$"))
}
