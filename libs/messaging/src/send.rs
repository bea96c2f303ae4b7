//! Sending: one transaction that takes the conversation from `n` to `n + 1` messages, with the message at `n + 1`, the change log,
//! the sender's read marker, the record of the `optimisticId`, and the condition that the sender still takes part.
//!
//! A message that was acknowledged is at its `seq` for good, and a `seq` that exists is visible with all before it.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::TransactWriteItem;
use serde::{Deserialize, Serialize};
use shared_utils::dynamo::{Expression, Retry, StoreError, TransactError, from_item, n, put, s, to_attribute, to_item, update};
use shared_utils::http::Error;
use shared_utils::ids::{MessageId, UserId};
use shared_utils::pace::Rate;

use crate::changes::{ChangeType, Placed};
use crate::conversation::{Conversation, Head, Marker};
use crate::message::{Message, NewMessage};
use crate::{Messaging, keys};

/// What was sent under an `optimisticId`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Sent {
    seq: u64,
    digest: String,
}

/// What became of a send.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The message as it is now.
    pub message: Message,
    /// The conversation it is in.
    pub conversation: Conversation,
    /// Whether this very `optimisticId` was sent before: then nothing was written.
    pub replayed: bool,
}

/// Where a refused send stands.
enum Refusal {
    /// There is no such conversation any more.
    Gone,
    /// Someone else took the place, or the team is another: this is the conversation now.
    Raced(Box<Conversation>),
    /// The `optimisticId` was used before.
    Sent(Sent),
}

impl Messaging {
    /// Sends to a conversation that was read a moment ago, at most as often as `rate` says. [`Error::NotFound`] when the sender does
    /// not take part, [`Error::IdempotencyMismatch`] when the `optimisticId` was used for something else,
    /// [`Error::TooManyRequests`] when the sender is too fast in this conversation.
    pub async fn send(&self, sender: UserId, mut conversation: Conversation, new: NewMessage, rate: Rate) -> Result<Outcome, Error> {
        if !conversation.includes(sender) {
            return Err(Error::NotFound);
        }
        let mut retry = Retry::of_crowd();
        loop {
            let message = self.place(sender, &conversation.head, &new);
            let spoken_for = conversation.marker(sender).and_then(|marker| marker.sends_until);
            // The count moves in the transaction that the message is sent by: two at once cannot both take the last place.
            let sends_until = match rate.take(spoken_for.unwrap_or(0), message.timestamp) {
                Ok(_) if rate.is_off() => spoken_for,
                Ok(until) => Some(until),
                // What was sent already may be asked for again at any pace.
                Err(too_fast) => match self.sent(sender, &conversation.head, &new).await? {
                    Some(sent) => return self.sent_again(conversation, &new, &sent).await,
                    None => return Err(too_fast),
                },
            };
            let marker = Marker { sends_until, ..conversation.marker_at(sender, message.seq) };
            match self.try_send(&conversation, &message, &new, marker).await {
                Ok(()) => {
                    let head = &mut conversation.head;
                    head.last_seq = message.seq;
                    head.change_seq += 1;
                    head.last_message = Some(message.as_last());
                    head.last_activity_at = message.timestamp;
                    head.participants.insert(sender, marker);
                    conversation.is_stored = true;
                    return Ok(Outcome { message, conversation, replayed: false });
                }
                // Others were at the head: what was read of it is stale.
                Err(TransactError::Contended) => {
                    retry.wait().await?;
                    conversation = self.conversation(sender, conversation.head.conversation_id).await?;
                }
                Err(error) => match refusal(error, &new, &conversation, sender)? {
                    Refusal::Raced(now) => {
                        retry.again()?;
                        conversation = *now;
                    }
                    Refusal::Gone => return Err(Error::NotFound),
                    Refusal::Sent(sent) => return self.sent_again(conversation, &new, &sent).await,
                },
            }
        }
    }

    /// What was sent before under the same `optimisticId`.
    async fn sent(&self, sender: UserId, head: &Head, new: &NewMessage) -> Result<Option<Sent>, StoreError> {
        match &new.optimistic_id {
            Some(id) => self.store.get(&self.table, &keys::sent(head.conversation_id, sender, id)).await,
            None => Ok(None),
        }
    }

    /// The message that was sent before, as it is now.
    async fn sent_again(&self, conversation: Conversation, new: &NewMessage, sent: &Sent) -> Result<Outcome, Error> {
        if sent.digest != new.digest() {
            return Err(Error::IdempotencyMismatch);
        }
        let key = keys::message(conversation.head.conversation_id, sent.seq);
        let message: Option<Message> = self.store.get(&self.table, &key).await?;
        let message = message.ok_or_else(|| StoreError::corrupt("message of an optimisticId"))?;
        Ok(Outcome { message, conversation, replayed: true })
    }

    /// The message at the next place.
    fn place(&self, sender: UserId, head: &Head, new: &NewMessage) -> Message {
        // Functions' clocks differ: time goes on in a conversation as its places do.
        let now = self.clock.now().max(head.last_activity_at);
        let seq = head.last_seq + 1;
        Message {
            message_id: MessageId::generate(now, head.conversation_id, seq),
            conversation_id: head.conversation_id,
            seq,
            sender_id: sender,
            text: new.text.clone(),
            attachments: new.attachments.clone(),
            reactions: BTreeMap::new(),
            optimistic_id: new.optimistic_id.clone(),
            timestamp: now,
            version: 1,
            edited_at: None,
            deleted: false,
        }
    }

    /// The transaction. The order of its parts is what [`refusal`] reads.
    async fn try_send(&self, conversation: &Conversation, message: &Message, new: &NewMessage, marker: Marker) -> Result<(), TransactError> {
        let (head, team) = (&conversation.head, conversation.team.as_ref());
        let placed = Placed::new(message.clone(), head.change_seq + 1);
        let mut writes = vec![
            self.head_write(conversation, message, placed.change_seq, marker)?,
            put(&self.table, placed.item()?, Some("attribute_not_exists(pk)")),
            put(&self.table, placed.change_item(ChangeType::Created)?, None),
        ];
        let (conversation, sender) = (head.conversation_id, message.sender_id);
        if let Some(optimistic_id) = &new.optimistic_id {
            let sent = Sent { seq: message.seq, digest: new.digest() };
            writes.push(put(&self.table, to_item(keys::sent(conversation, sender, optimistic_id), "sent", &sent)?, Some("attribute_not_exists(pk)")));
        }
        // Who may send, and who is told, was decided from the team that was read.
        writes.extend(team.map(|team| self.teams.unchanged_check(team)));
        self.commit(writes).await
    }

    /// The head's part: one message more, and the markers of the sender and of those who joined since the last send. The first message of
    /// a project's conversation makes the head.
    fn head_write(&self, conversation: &Conversation, message: &Message, change_seq: u64, marker: Marker) -> Result<TransactWriteItem, StoreError> {
        let (head, sender) = (&conversation.head, message.sender_id);
        let newcomers: Vec<_> = conversation.newcomers(sender).into_iter().map(|user| (user, conversation.marker_at(user, head.last_seq))).collect();
        if !conversation.is_stored {
            let mut participants: BTreeMap<UserId, Marker> = newcomers.into_iter().collect();
            participants.insert(sender, marker);
            let first = Head {
                participants,
                last_seq: message.seq,
                change_seq,
                last_message: Some(message.as_last()),
                last_activity_at: message.timestamp,
                ..head.clone()
            };
            let item = to_item(keys::head(head.conversation_id), "conversation", &first)?;
            return Ok(put(&self.table, item, Some("attribute_not_exists(pk)")));
        }
        let takes_part = if conversation.team.is_some() { "" } else { " AND attribute_exists(participants.#sender)" };
        let mut text =
            "SET lastSeq = :seq, changeSeq = :change, lastMessage = :last, lastActivityAt = :now, participants.#sender = :marker".to_owned();
        for index in 0..newcomers.len() {
            text = format!("{text}, participants.#n{index} = :n{index}");
        }
        let mut head_update = Expression::new(text)
            .when(format!("lastSeq = :before AND changeSeq = :changeBefore{takes_part}"))
            .name("#sender", sender)
            .value(":seq", n(message.seq))
            .value(":change", n(change_seq))
            .value(":last", to_attribute(&message.as_last())?)
            .value(":now", s(message.timestamp))
            .value(":marker", to_attribute(&marker)?)
            .value(":before", n(head.last_seq))
            .value(":changeBefore", n(head.change_seq));
        for (index, (newcomer, marker)) in newcomers.iter().enumerate() {
            head_update = head_update.name(&format!("#n{index}"), newcomer).value(&format!(":n{index}"), to_attribute(marker)?);
        }
        Ok(update(&self.table, keys::head(head.conversation_id), head_update))
    }

    #[cfg(not(feature = "torn"))]
    async fn commit(&self, writes: Vec<TransactWriteItem>) -> Result<(), TransactError> {
        self.store.transact_once(writes).await
    }

    /// One after another: what the loss checker must notice.
    #[cfg(feature = "torn")]
    async fn commit(&self, writes: Vec<TransactWriteItem>) -> Result<(), TransactError> {
        for write in writes {
            self.store.transact_once(vec![write]).await?;
        }
        Ok(())
    }
}

/// Reads why a send was refused. A lost membership and a repeated `optimisticId` decide before a lost race.
fn refusal(error: TransactError, new: &NewMessage, conversation: &Conversation, sender: UserId) -> Result<Refusal, Error> {
    let team_check = if new.optimistic_id.is_some() { 4 } else { 3 };
    let (head, team) = (error.refused_at(0), error.refused_at(team_check));
    let mut now = conversation.clone();
    match head {
        None => {}
        Some(None) => return Ok(Refusal::Gone),
        Some(Some(item)) => (now.head, now.is_stored) = (from_item(item.clone())?, true),
    }
    match team {
        None => {}
        Some(None) => return Ok(Refusal::Gone),
        Some(Some(header)) => now.team = Some(from_item(header.clone())?),
    }
    if now.team.as_ref().is_some_and(|team| team.deleted_at.is_some()) {
        return Ok(Refusal::Gone);
    }
    now.require_participant(sender)?;
    if new.optimistic_id.is_some()
        && let Some(Some(item)) = error.refused_at(3)
    {
        return Ok(Refusal::Sent(from_item(item.clone())?));
    }
    if head.is_none() && team.is_none() { Err(error.into()) } else { Ok(Refusal::Raced(Box::new(now))) }
}
