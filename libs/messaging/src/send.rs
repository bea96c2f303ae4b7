//! Sending. One transaction writes message `n + 1`, the conversation's new count, the change-log entry, the sender's read marker and the
//! `optimisticId` record. Its conditions include that the sender still takes part.
//!
//! An acknowledged message keeps its `seq` forever. When a `seq` is visible, all earlier ones are visible.

use std::collections::BTreeMap;

use access::session::Session;
use serde::{Deserialize, Serialize};
use shared_utils::dynamo::{
    Attempt, Condition, Outcome as TransactionOutcome, StoreError, TransactWrite, Transaction, Update, Verdict, from_item, n, put, put_if,
    retry_in_crowd, s, to_attribute, to_item, update,
};
use shared_utils::ids::{MessageId, UserId};
use shared_utils::rate_limit::Rate;

use crate::attachments::{Attachment, taken_meanwhile};
use crate::change_log::{ChangeType, StoredMessage};
use crate::conversation::{Conversation, Head, Marker};
use crate::message::{Message, NewMessage};
use crate::{Error, Messaging, keys};

/// The writes of a send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Write {
    Head,
    Message,
    Change,
    OptimisticId,
    /// A check of the project's team, which decided authorization and recipients.
    Team,
    /// The files that become the message's own.
    Files,
}

/// The record of a message sent under an `optimisticId`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Sent {
    seq: u64,
    digest: String,
}

/// The result of a send.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The message in its current state.
    pub message: Message,
    /// Its conversation.
    pub conversation: Conversation,
    /// Whether this `optimisticId` was already sent. Then nothing was written.
    pub replayed: bool,
}

/// Why a send was refused.
enum SendConflict {
    /// The conversation no longer exists.
    Gone,
    /// Another message was sent first, or the team changed. Holds the current conversation.
    Raced(Box<Conversation>),
    /// The `optimisticId` was already used.
    Sent(Sent),
    /// A file belongs to another message by now, or is gone.
    FileTaken,
}

impl Messaging {
    /// Sends to a conversation that was just read, within `rate`. [`Error::NotFound`] when the sender does not take part, a field error for each
    /// mentioned person who does not, [`Error::IdempotencyMismatch`] when the `optimisticId` was used for a different message,
    /// [`Error::RateLimited`] when the sender exceeds the rate in this conversation.
    pub async fn send(&self, session: &Session, conversation: Conversation, new: NewMessage, rate: Rate) -> Result<Outcome, Error> {
        let sender = session.user;
        if !conversation.includes(sender) {
            return Err(Error::NotFound);
        }
        let (id, new) = (conversation.head.conversation_id, &new);
        retry_in_crowd(conversation, |known| async move {
            let conversation = match known {
                Some(conversation) => conversation,
                None => self.conversation(sender, id).await?,
            };
            self.try_send(sender, conversation, new, rate).await
        })
        .await
    }

    /// One try. A refusal returns the current conversation; a conflict returns nothing.
    async fn try_send(
        &self,
        sender: UserId,
        mut conversation: Conversation,
        new: &NewMessage,
        rate: Rate,
    ) -> Result<Attempt<Option<Conversation>, Outcome>, Error> {
        if let Err(strangers) = new.check_mentions(&conversation) {
            return self.sent_before(sender, conversation, new, strangers).await;
        }
        let attachments = match self.resolved(sender, conversation.head.conversation_id, &new.attachments).await {
            Ok(attachments) => attachments,
            Err(Error::Invalid(errors)) => return self.sent_before(sender, conversation, new, Error::Invalid(errors)).await,
            Err(error) => return Err(error),
        };
        let message = self.next_message(sender, &conversation.head, new, attachments);
        let arrival_time = conversation.marker(sender).and_then(|marker| marker.sends_until);
        // The rate is counted in the transaction that sends the message, so two concurrent sends cannot both take the last permit.
        let sends_until = match rate.take(arrival_time.unwrap_or(0), message.timestamp) {
            Ok(_) if rate.is_off() => arrival_time,
            Ok(until) => Some(until),
            Err(too_fast) => return self.sent_before(sender, conversation, new, too_fast.into()).await,
        };
        let marker = Marker { sends_until, ..conversation.marker_at(sender, message.seq) };
        let outcome = self.commit(&self.transaction(&conversation, &message, new, marker)?).await?;
        match outcome {
            TransactionOutcome::Committed => {
                let head = &mut conversation.head;
                head.last_seq = message.seq;
                head.change_seq += 1;
                head.last_message = Some(message.as_last());
                head.last_activity_at = message.timestamp;
                head.participants.insert(sender, marker);
                conversation.is_stored = true;
                Ok(Attempt::Done(Outcome { message, conversation, replayed: false }))
            }
            TransactionOutcome::Contended => Ok(Attempt::Stale(None)),
            TransactionOutcome::Refused(_) => match conflict_of(outcome, &conversation, sender)? {
                SendConflict::Raced(now) => Ok(Attempt::Refused(Some(*now))),
                SendConflict::Gone => Err(Error::NotFound),
                SendConflict::Sent(sent) => self.sent_again(conversation, new, &sent).await.map(Attempt::Done),
                SendConflict::FileTaken => Err(taken_meanwhile(&message)),
            },
        }
    }

    /// The message that was already sent, else this refusal. A message may be requested again despite the rate, and after someone whom it
    /// mentions has left.
    async fn sent_before(
        &self,
        sender: UserId,
        conversation: Conversation,
        new: &NewMessage,
        refusal: Error,
    ) -> Result<Attempt<Option<Conversation>, Outcome>, Error> {
        match self.sent(sender, &conversation.head, new).await? {
            Some(sent) => self.sent_again(conversation, new, &sent).await.map(Attempt::Done),
            None => Err(refusal),
        }
    }

    /// The record of an earlier send with the same `optimisticId`.
    async fn sent(&self, sender: UserId, head: &Head, new: &NewMessage) -> Result<Option<Sent>, StoreError> {
        match &new.optimistic_id {
            Some(id) => self.store.get(&self.table, &keys::sent(head.conversation_id, sender, id)).await,
            None => Ok(None),
        }
    }

    /// The message that was sent before, in its current state.
    async fn sent_again(&self, conversation: Conversation, new: &NewMessage, sent: &Sent) -> Result<Outcome, Error> {
        if sent.digest != new.digest() {
            return Err(Error::IdempotencyMismatch);
        }
        let key = keys::message(conversation.head.conversation_id, sent.seq);
        let message: Option<Message> = self.store.get(&self.table, &key).await?;
        let message = message.ok_or_else(|| StoreError::corrupt("message of an optimisticId"))?;
        Ok(Outcome { message, conversation, replayed: true })
    }

    /// The message at the next `seq`.
    fn next_message(&self, sender: UserId, head: &Head, new: &NewMessage, attachments: Vec<Attachment>) -> Message {
        // The clocks of functions differ, but `timestamp` never decreases in a conversation.
        let now = self.clock.now().max(head.last_activity_at);
        let seq = head.last_seq + 1;
        Message {
            message_id: MessageId::generate(now, head.conversation_id, seq),
            conversation_id: head.conversation_id,
            seq,
            sender_id: sender,
            text: new.text.clone(),
            attachments,
            mentions: new.mentioned(),
            reactions: BTreeMap::new(),
            optimistic_id: new.optimistic_id.clone(),
            timestamp: now,
            version: 1,
            edited_at: None,
            deleted: false,
        }
    }

    fn transaction(
        &self,
        conversation: &Conversation,
        message: &Message,
        new: &NewMessage,
        marker: Marker,
    ) -> Result<Transaction<Write>, StoreError> {
        let head = &conversation.head;
        let stored = StoredMessage::new(message.clone(), head.change_seq + 1);
        let mut transaction = Transaction::new();
        transaction.add(Write::Head, self.head_write(conversation, message, stored.change_seq, marker)?);
        transaction.add(Write::Message, put_if(&self.table, stored.item()?, Condition::absent()));
        transaction.add(Write::Change, put(&self.table, stored.change_item(ChangeType::Created)?));
        if let Some(optimistic_id) = &new.optimistic_id {
            let sent = Sent { seq: message.seq, digest: new.digest() };
            let sent = to_item(keys::sent(head.conversation_id, message.sender_id, optimistic_id), "sent", &sent)?;
            transaction.add(Write::OptimisticId, put_if(&self.table, sent, Condition::absent()));
        }
        transaction.add_all(Write::Files, self.attach_writes(message));
        transaction.add_all(Write::Team, conversation.team.as_ref().map(|team| self.teams.unchanged_check(team)));
        Ok(transaction)
    }

    /// The write of the head: one more message, and the markers of the sender and of those who joined since the last send. The first message of
    /// a project's conversation creates the head.
    fn head_write(&self, conversation: &Conversation, message: &Message, change_seq: u64, marker: Marker) -> Result<TransactWrite, StoreError> {
        let (head, sender) = (&conversation.head, message.sender_id);
        let joined: Vec<_> = conversation.joined(sender).into_iter().map(|user| (user, conversation.marker_at(user, head.last_seq))).collect();
        if !conversation.is_stored {
            let mut participants: BTreeMap<UserId, Marker> = joined.into_iter().collect();
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
            return Ok(put_if(&self.table, item, Condition::absent()));
        }
        let takes_part = if conversation.team.is_some() { "" } else { " AND attribute_exists(participants.#sender)" };
        let mut text =
            "SET lastSeq = :seq, changeSeq = :change, lastMessage = :last, lastActivityAt = :now, participants.#sender = :marker".to_owned();
        for index in 0..joined.len() {
            text = format!("{text}, participants.#n{index} = :n{index}");
        }
        let mut head_update = Update::new(text)
            .when(format!("lastSeq = :before AND changeSeq = :changeBefore{takes_part}"))
            .name("#sender", sender)
            .value(":seq", n(message.seq))
            .value(":change", n(change_seq))
            .value(":last", to_attribute(&message.as_last())?)
            .value(":now", s(message.timestamp))
            .value(":marker", to_attribute(&marker)?)
            .value(":before", n(head.last_seq))
            .value(":changeBefore", n(head.change_seq));
        for (index, (user, marker)) in joined.iter().enumerate() {
            head_update = head_update.name(&format!("#n{index}"), user).value(&format!(":n{index}"), to_attribute(marker)?);
        }
        Ok(update(&self.table, keys::head(head.conversation_id), head_update))
    }

    #[cfg(not(feature = "broken-build"))]
    async fn commit(&self, transaction: &Transaction<Write>) -> Result<TransactionOutcome<Write>, StoreError> {
        self.store.transact_once(transaction).await
    }

    /// Runs the writes one by one. The loss checker must detect this.
    #[cfg(feature = "broken-build")]
    async fn commit(&self, transaction: &Transaction<Write>) -> Result<TransactionOutcome<Write>, StoreError> {
        let mut open = transaction.clone();
        while !open.is_empty() {
            let others = open.split_off(1);
            match self.store.transact_once(&open).await? {
                TransactionOutcome::Committed => open = others,
                outcome => return Ok(outcome),
            }
        }
        Ok(TransactionOutcome::Committed)
    }
}

/// Reads why a send was refused. A lost membership and a repeated `optimisticId` take priority over a lost race.
fn conflict_of(outcome: TransactionOutcome<Write>, conversation: &Conversation, sender: UserId) -> Result<SendConflict, Error> {
    let mut now = conversation.clone();
    let (head, team) = (outcome.refused(Write::Head), outcome.refused(Write::Team));
    match head {
        Verdict::Held => {}
        Verdict::Absent => return Ok(SendConflict::Gone),
        Verdict::Found(item) => (now.head, now.is_stored) = (from_item(item.clone())?, true),
    }
    match team {
        Verdict::Held => {}
        Verdict::Absent => return Ok(SendConflict::Gone),
        Verdict::Found(header) => now.team = Some(from_item(header.clone())?),
    }
    if now.team.as_ref().is_some_and(|team| team.deleted_at.is_some()) {
        return Ok(SendConflict::Gone);
    }
    now.require_participant(sender)?;
    if let Verdict::Found(item) = outcome.refused(Write::OptimisticId) {
        return Ok(SendConflict::Sent(from_item(item.clone())?));
    }
    if outcome.refused(Write::Files).is_refused() {
        return Ok(SendConflict::FileTaken);
    }
    if !head.is_refused() && !team.is_refused() {
        outcome.require_committed()?;
    }
    Ok(SendConflict::Raced(Box::new(now)))
}
