//! Read markers. They only move forward.

use access::session::Session;
use shared_utils::dynamo::{Attempt, RetryPolicy, StoreError, Update, from_item, n, retry_on_conflict, s, to_attribute};
use shared_utils::ids::UserId;

use crate::conversation::Conversation;
use crate::{Error, Messaging, keys};

impl Messaging {
    /// Moves this person's read marker to `seq`, in a conversation that was just read. `false`, without a write, when the marker is already
    /// at or past it. A `seq` that does not exist yet is a field error at `/seq`.
    pub async fn mark_read(&self, session: &Session, conversation: &mut Conversation, seq: u64) -> Result<bool, Error> {
        let user = session.user;
        let first = (conversation, true);
        retry_on_conflict(RetryPolicy::Shared, first, |(conversation, is_first)| async move {
            conversation.require_participant(user)?;
            if seq > conversation.head.last_seq {
                return Err(Error::field("seq", "out_of_range", "There is no such message yet."));
            }
            if seq <= conversation.read_seq(user) {
                // After a refused write, a marker at `seq` may come from this same write, whose response was lost.
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

/// Moves an existing marker. In a project conversation, creates a missing marker and replaces one from an earlier membership.
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
