//! Read markers: they only ever move forward.

use access::session::Session;
use shared_utils::dynamo::{Attempt, RetryPolicy, StoreError, Update, from_item, n, retry_on_conflict, s, to_attribute};
use shared_utils::ids::UserId;

use crate::conversation::Conversation;
use crate::{Error, Messaging, keys};

impl Messaging {
    /// Notes that this person has read a conversation, which was read a moment ago, up to `seq`. `false` when they had before: then nothing
    /// is written. A `seq` that does not exist yet is a fault at `/seq`.
    pub async fn mark_read(&self, session: &Session, conversation: &mut Conversation, seq: u64) -> Result<bool, Error> {
        let user = session.user;
        let first = (conversation, true);
        retry_on_conflict(RetryPolicy::Shared, first, |(conversation, is_first)| async move {
            conversation.require_participant(user)?;
            if seq > conversation.head.last_seq {
                return Err(Error::field("seq", "out_of_range", "There is no such message yet."));
            }
            if seq <= conversation.read_seq(user) {
                // Refused and there all the same: it may be this very write, whose answer was lost on the way.
                return Ok(Attempt::Done(!is_first && seq == conversation.read_seq(user)));
            }
            let key = keys::head(conversation.head.conversation_id);
            match self.store.update_item(&self.table, key, marker_update(conversation, user, seq)?).await? {
                Ok(item) => {
                    conversation.head = from_item(item)?;
                    return Ok(Attempt::Done(true));
                }
                Err(Some(item)) => conversation.head = from_item(item)?,
                Err(None) => return Err(Error::NotFound),
            }
            Ok(Attempt::Refused((conversation, false)))
        })
        .await
    }
}

/// Moves the marker that is there. Without one, in a project's conversation, it is made: also over one from before the person left.
fn marker_update(conversation: &Conversation, user: UserId, seq: u64) -> Result<Update, StoreError> {
    let next = conversation.marker_at(user, seq);
    let expression = match conversation.marker(user) {
        Some(marker) => {
            let expression = Update::new("SET participants.#user.readSeq = :seq").value(":seq", n(seq));
            match marker.joined_at {
                Some(joined_at) => {
                    let same_stay = "participants.#user.readSeq < :seq AND participants.#user.joinedAt = :joinedAt";
                    expression.when(same_stay).value(":joinedAt", s(joined_at))
                }
                None => expression.when("participants.#user.readSeq < :seq"),
            }
        }
        None => Update::new("SET participants.#user = :marker")
            .when("attribute_not_exists(participants.#user) OR participants.#user.joinedAt <> :joinedAt")
            .value(":marker", to_attribute(&next)?)
            .value(":joinedAt", next.joined_at.map_or_else(|| to_attribute(&()), |at| Ok(s(at)))?),
    };
    Ok(expression.name("#user", user))
}
