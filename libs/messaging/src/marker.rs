//! Read markers. They only move forward.

use access::session::Session;
use shared_utils::clock::Timestamp;
use shared_utils::dynamo::{Attempt, RetryPolicy, StoreError, Update, from_item, n, retry_on_conflict, s, to_attribute};
use shared_utils::ids::UserId;

use crate::conversation::{Conversation, Marker};
use crate::{Error, Messaging, keys};

/// Minimum time between two broadcasts of one reader's marker in one conversation to the others, in milliseconds.
const MIN_INTERVAL: i64 = 5_000;
/// The number of others up to which [`MIN_INTERVAL`] applies.
const MAX_PROMPT: usize = 10;
/// For a larger conversation, the interval is this long for each of the others, in milliseconds: a reader who marks every message causes no more
/// posts there than in a small one.
const INTERVAL_EACH: i64 = 15_000;

/// Minimum time between two broadcasts of one reader's marker to this number of other participants, in milliseconds. What is not told is stored,
/// and told with the reader's next marker or message.
pub fn marker_interval(others: usize) -> i64 {
    if others <= MAX_PROMPT { MIN_INTERVAL } else { i64::try_from(others).unwrap_or(i64::MAX).saturating_mul(INTERVAL_EACH) }
}

/// What a marker's move was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Marked {
    /// The marker was already there or further: nothing was written.
    Unchanged,
    /// The marker was moved, and others were told of this reader a moment ago.
    Moved,
    /// The marker was moved, and others are to be told.
    ToTell,
}

impl Messaging {
    /// Moves this person's read marker to `seq`, in a conversation that was just read. A `seq` that does not exist yet is a field error at `/seq`.
    pub async fn mark_read(&self, session: &Session, conversation: &mut Conversation, seq: u64) -> Result<Marked, Error> {
        let (user, now) = (session.user, self.clock.now());
        let first = (conversation, true);
        retry_on_conflict(RetryPolicy::Shared, first, |(conversation, is_first)| async move {
            conversation.require_participant(user)?;
            if seq > conversation.head.last_seq {
                return Err(Error::field("seq", "out_of_range", "There is no such message yet."));
            }
            if seq <= conversation.read_seq(user) {
                // After a refused write, a marker at `seq` may come from this same write, whose response was lost.
                let marker = conversation.marker(user).filter(|marker| !is_first && marker.read_seq == seq);
                return Ok(Attempt::Done(match marker {
                    Some(marker) if marker.told_at == Some(now.millis()) => Marked::ToTell,
                    Some(_) => Marked::Moved,
                    None => Marked::Unchanged,
                }));
            }
            let is_told = is_due(conversation, user, now);
            let key = keys::head(conversation.head.conversation_id);
            match self.store.update_item(&self.table, key, marker_update(conversation, user, seq, is_told.then_some(now))?).await? {
                Ok(item) => {
                    conversation.head = from_item(item)?;
                    return Ok(Attempt::Done(if is_told { Marked::ToTell } else { Marked::Moved }));
                }
                Err(Some(item)) => conversation.head = from_item(item)?,
                Err(None) => return Err(Error::NotFound),
            }
            Ok(Attempt::Refused((conversation, false)))
        })
        .await
    }
}

/// Whether others are told of a marker that this person moves now.
fn is_due(conversation: &Conversation, user: UserId, now: Timestamp) -> bool {
    let others = conversation.participants().len().saturating_sub(1);
    let told_at = conversation.marker(user).and_then(|marker| marker.told_at);
    told_at.is_none_or(|told_at| now.millis().saturating_sub(told_at) >= marker_interval(others))
}

/// Moves an existing marker, and sets when others are told.
fn marker_update(conversation: &Conversation, user: UserId, seq: u64, told: Option<Timestamp>) -> Result<Update, StoreError> {
    let Some(marker) = conversation.marker(user) else { return new_marker(conversation, user, seq, told) };
    let mut condition = "participants.#user.readSeq < :seq".to_owned();
    let mut expression = Update::new("SET participants.#user.readSeq = :seq").name("#user", user).value(":seq", n(seq));
    if let Some(joined_at) = marker.joined_at {
        condition.push_str(" AND participants.#user.joinedAt = :joinedAt");
        expression = expression.value(":joinedAt", s(joined_at));
    }
    if let Some(told) = told {
        expression = expression.also_set("participants.#user.toldAt = :told").value(":told", n(told.millis()));
        // Of two devices that move the marker at once, one tells the others.
        condition.push_str(match marker.told_at {
            Some(_) => " AND participants.#user.toldAt = :before",
            None => " AND attribute_not_exists(participants.#user.toldAt)",
        });
        if let Some(before) = marker.told_at {
            expression = expression.value(":before", n(before));
        }
    }
    Ok(expression.when(condition))
}

/// In a project conversation, creates a missing marker or replaces one from an earlier membership.
fn new_marker(conversation: &Conversation, user: UserId, seq: u64, told: Option<Timestamp>) -> Result<Update, StoreError> {
    let marker = Marker { told_at: told.map(Timestamp::millis), ..conversation.marker_at(user, seq) };
    Ok(Update::new("SET participants.#user = :marker")
        .when("attribute_not_exists(participants.#user) OR participants.#user.joinedAt <> :joinedAt")
        .name("#user", user)
        .value(":marker", to_attribute(&marker)?)
        .value(":joinedAt", marker.joined_at.map_or_else(|| to_attribute(&()), |at| Ok(s(at)))?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_readers_markers_are_told_more_rarely_in_large_conversations() {
        assert_eq!([0, 1, 10, 11, 24].map(marker_interval), [5_000, 5_000, 5_000, 165_000, 360_000]);
    }
}
