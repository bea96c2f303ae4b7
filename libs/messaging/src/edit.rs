//! Edits, deletions and reactions. One transaction increments the message's version and the conversation's `changeSeq`, replaces the change-log
//! entry, and updates the snippet for lists.

use access::session::Session;
use shared_utils::dynamo::{Attempt, StoreError, Transaction, Update, Verdict, delete, from_item, n, put, retry_in_crowd, s, to_attribute, update};
use shared_utils::ids::{MessageId, UserId};

use crate::attachments::has_files;
use crate::change_log::{ChangeType, StoredMessage};
use crate::conversation::Conversation;
use crate::emoji::qualified;
use crate::message::{Message, Reaction};
use crate::{Error, Messaging, keys};

/// Maximum number of different reactions on one message.
const MAX_REACTIONS: usize = 20;

/// A message that was read, with the data that authorizes changes to it.
#[derive(Debug, Clone)]
pub struct Found {
    /// The message.
    pub(crate) stored: StoredMessage,
    /// Its conversation.
    pub(crate) conversation: Conversation,
}

impl Found {
    /// Returns the message to a participant; [`Error::NotFound`] for anyone else.
    pub fn for_participant(self, user: UserId) -> Result<Message, Error> {
        self.require_participant(user)?;
        Ok(self.stored.message)
    }

    /// Checks that a person is a participant; [`Error::NotFound`] for anyone else.
    pub fn require_participant(&self, user: UserId) -> Result<(), Error> {
        self.conversation.require_participant(user)
    }

    /// Checks that a person is the author; [`Error::NotAllowed`] for other participants.
    pub fn require_author(&self, user: UserId) -> Result<(), Error> {
        self.require_participant(user)?;
        if self.stored.message.sender_id == user { Ok(()) } else { Err(Error::NotAllowed) }
    }

    /// The message, without an access check.
    pub fn message(&self) -> &Message {
        &self.stored.message
    }
}

/// A changed message and its conversation.
#[derive(Debug, Clone)]
pub struct Changed {
    /// The message in its current state.
    pub message: Message,
    /// Its conversation.
    pub conversation: Conversation,
    /// Whether anything was written. `false` if the message already had this state.
    pub written: bool,
    /// Whether it was deleted together with files, whose objects must go.
    pub had_files: bool,
}

/// The effect of a change on a message.
enum Next {
    /// The message already has this state.
    Same,
    /// A new version of the message.
    Version(ChangeType, Box<Message>),
}

/// The writes of a change to a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Write {
    Head,
    Message,
    Change,
    /// The change-log entry of the message's previous change.
    ChangeBefore,
    /// A check of the project's team, which decided authorization and recipients.
    Team,
    /// The files of a message that is deleted.
    Files,
}

impl Messaging {
    /// A message and its conversation, without a participant check. `None` when either does not exist. One round trip.
    pub async fn find_message(&self, id: MessageId) -> Result<Option<Found>, StoreError> {
        let key = keys::message(id.conversation(), id.seq());
        let [head, project] = self.conversation_keys(id.conversation());
        let mut found = self.store.get_many(&[head, project, (&self.table, key.clone())]).await?;
        let stored = found.remove(&(self.table.clone(), key)).map(StoredMessage::from_item).transpose()?;
        let conversation = self.conversation_from(&mut found, id.conversation())?;
        Ok(match (stored, conversation) {
            (Some(stored), Some(conversation)) if stored.message.message_id == id => Some(Found { stored, conversation }),
            _ => None,
        })
    }

    /// Replaces a message's text, or removes it if there are attachments. Only the author may do this. A tombstone gives [`Error::Deleted`]. An
    /// equal text writes nothing. `check` gets the message before the write, to check the caller's preconditions.
    pub async fn edit<E: From<Error> + From<StoreError>>(
        &self,
        session: &Session,
        found: Option<Found>,
        text: Option<&str>,
        check: impl Fn(&Message) -> Result<(), E>,
    ) -> Result<Changed, E> {
        self.change(session, found, |found| {
            let message = &found.stored.message;
            if message.sender_id != session.user {
                return Err(Error::NotAllowed.into());
            }
            check(message)?;
            if message.deleted {
                return Err(Error::Deleted.into());
            }
            if text.is_none() && message.attachments.is_empty() {
                return Err(Error::field("text", "required", "A message without attachments has a text.").into());
            }
            if message.text.as_deref() == text {
                return Ok(Next::Same);
            }
            let edited = Message { text: text.map(str::to_owned), edited_at: Some(self.clock.now()), ..message.next_version() };
            Ok(Next::Version(ChangeType::Edited, Box::new(edited)))
        })
        .await
    }

    /// Replaces a message with a tombstone. Allowed for its author, and for a participant who acts as owner of its project.
    pub async fn delete<E: From<Error> + From<StoreError>>(
        &self,
        session: &Session,
        found: Option<Found>,
        check: impl Fn(&Message) -> Result<(), E>,
    ) -> Result<Changed, E> {
        self.change(session, found, |found| {
            let message = &found.stored.message;
            if message.sender_id != session.user && !found.conversation.is_owned_by(session) {
                return Err(Error::NotAllowed.into());
            }
            if message.deleted {
                return Ok(Next::Same);
            }
            check(message)?;
            Ok(Next::Version(ChangeType::Deleted, Box::new(message.tombstone())))
        })
        .await
    }

    /// Adds or removes a person's reaction, or toggles it without `on`. A tombstone gives [`Error::Deleted`].
    pub async fn react<E: From<Error> + From<StoreError>>(
        &self,
        session: &Session,
        found: Option<Found>,
        reaction: &Reaction,
        check: impl Fn(&Message) -> Result<(), E>,
    ) -> Result<Changed, E> {
        let user = session.user;
        self.change(session, found, |found| {
            let message = &found.stored.message;
            check(message)?;
            if message.deleted {
                return Err(Error::Deleted.into());
            }
            // Older items may hold an emoji that is not fully qualified. It counts as the same reaction.
            let spellings: Vec<&String> = message.reactions.keys().filter(|stored| qualified(stored) == Some(reaction.emoji())).collect();
            let has = spellings.iter().any(|stored| message.reactions[*stored].contains(&user));
            let wants = reaction.on.unwrap_or(!has);
            if wants == has {
                return Ok(Next::Same);
            }
            let mut next = message.next_version();
            for stored in spellings {
                let people = next.reactions.remove(stored).unwrap_or_default();
                next.reactions.entry(reaction.emoji().to_owned()).or_default().extend(people);
            }
            if wants {
                next.reactions.entry(reaction.emoji().to_owned()).or_default().insert(user);
                if next.reactions.len() > MAX_REACTIONS {
                    return Err(Error::field("emoji", "too_many", format!("A message has at most {MAX_REACTIONS} kinds of reaction.")).into());
                }
            } else if let Some(people) = next.reactions.get_mut(reaction.emoji()) {
                people.remove(&user);
                next.reactions.retain(|_, people| !people.is_empty());
            }
            Ok(Next::Version(ChangeType::Reacted, Box::new(next)))
        })
        .await
    }

    /// Writes the version that `next` makes of a message, for a participant. A refused condition returns the current item, so each retry costs
    /// one round trip.
    async fn change<E: From<Error> + From<StoreError>>(
        &self,
        session: &Session,
        found: Option<Found>,
        next: impl Fn(&Found) -> Result<Next, E>,
    ) -> Result<Changed, E> {
        let user = session.user;
        let found = found.ok_or(Error::NotFound)?;
        let (id, next) = (found.stored.message.message_id, &next);
        retry_in_crowd(found, |known| async move {
            let found = match known {
                Some(found) => found,
                None => self.find_message(id).await?.ok_or(Error::NotFound)?,
            };
            found.require_participant(user)?;
            match next(&found)? {
                Next::Same => {
                    Ok(Attempt::Done(Changed { message: found.stored.message, conversation: found.conversation, written: false, had_files: false }))
                }
                Next::Version(change_type, message) => Ok(self.try_change(found, *message, change_type, user).await?),
            }
        })
        .await
    }

    /// One try. A refusal that returns the head or the message continues from them. Any other refusal needs a new read.
    async fn try_change(
        &self,
        mut found: Found,
        message: Message,
        change_type: ChangeType,
        user: UserId,
    ) -> Result<Attempt<Option<Found>, Changed>, Error> {
        let change_seq = found.conversation.head.change_seq + 1;
        let mut change = self.change_transaction(&found, &message, change_type, user)?;
        if message.deleted {
            change.add_all(Write::Files, self.detach_writes(&found.stored.message).await?);
        }
        let outcome = self.store.transact_once(&change).await?;
        if outcome.is_committed() {
            let mut conversation = found.conversation;
            conversation.head.change_seq = change_seq;
            if message.seq == conversation.head.last_seq {
                conversation.head.last_message = Some(message.as_last());
            }
            let had_files = message.deleted && has_files(&found.stored.message);
            return Ok(Attempt::Done(Changed { message, conversation, written: true, had_files }));
        }
        let (head, stored) = (outcome.refused(Write::Head), outcome.refused(Write::Message));
        let is_brought = !outcome.refused(Write::Team).is_refused()
            && !outcome.refused(Write::Files).is_refused()
            && head != Verdict::Absent
            && stored != Verdict::Absent
            && (head.is_refused() || stored.is_refused());
        if !is_brought {
            return Ok(Attempt::Stale(None));
        }
        if let Some(item) = head.item() {
            found.conversation.head = from_item(item.clone())?;
        }
        if let Some(item) = stored.item() {
            found.stored = StoredMessage::from_item(item.clone())?;
        }
        Ok(Attempt::Refused(Some(found)))
    }

    fn change_transaction(&self, found: &Found, message: &Message, change_type: ChangeType, user: UserId) -> Result<Transaction<Write>, Error> {
        let head = &found.conversation.head;
        let id = head.conversation_id;
        let stored = found.stored.changed(message.clone(), head.change_seq + 1);
        let team = found.conversation.team.as_ref();
        let is_last = message.seq == head.last_seq;
        let mut head_update = Update::new(if is_last { "SET changeSeq = :change, lastMessage = :last" } else { "SET changeSeq = :change" })
            .when("changeSeq = :before")
            .value(":change", n(stored.change_seq))
            .value(":before", n(head.change_seq));
        if is_last {
            head_update = head_update.value(":last", to_attribute(&message.as_last())?);
        }
        if team.is_none() {
            head_update = head_update.when("attribute_exists(participants.#user)").name("#user", user);
        }
        let message_update = Update::new(
            "SET #text = :text, attachments = :attachments, mentions = :mentions, reactions = :reactions, deleted = :deleted, editedAt = :editedAt, \
             version = :version, changeSeq = :change, createdChange = :created",
        )
        .when("version = :versionBefore")
        .name("#text", "text")
        .value(":text", to_attribute(&message.text)?)
        .value(":attachments", to_attribute(&message.attachments)?)
        .value(":mentions", to_attribute(&message.mentions)?)
        .value(":reactions", to_attribute(&message.reactions)?)
        .value(":deleted", to_attribute(&message.deleted)?)
        .value(":editedAt", message.edited_at.map_or_else(|| to_attribute(&()), |at| Ok(s(at)))?)
        .value(":version", n(message.version))
        .value(":versionBefore", n(found.stored.message.version))
        .value(":change", n(stored.change_seq))
        .value(":created", n(stored.created_change));
        let mut transaction = Transaction::new();
        transaction.add(Write::Head, update(&self.table, keys::head(id), head_update));
        transaction.add(Write::Message, update(&self.table, keys::message(id, message.seq), message_update));
        transaction.add(Write::Change, put(&self.table, stored.change_item(change_type)?));
        transaction.add(Write::ChangeBefore, delete(&self.table, keys::change(id, found.stored.change_seq)));
        transaction.add_all(Write::Team, team.map(|team| self.teams.unchanged_check(team)));
        Ok(transaction)
    }
}
