//! Edits and deletions. Each raises the message's version and the conversation's change count in one transaction, and the list's
//! snippet follows.

use access::teams::TeamRole;
use shared_utils::dynamo::{Expression, RACE_TRIES, TransactError, backoff, from_item, n, put, s, to_attribute, to_item, update};
use shared_utils::http::{Error, Internal};
use shared_utils::ids::{MessageId, UserId};

use crate::conversation::{Conversation, Kind};
use crate::message::Message;
use crate::send::{Change, ChangeType};
use crate::{Messaging, keys};

/// A changed message and where it is.
#[derive(Debug, Clone)]
pub struct Changed {
    /// The message as it is now.
    pub message: Message,
    /// Its conversation.
    pub conversation: Conversation,
    /// Whether anything was written: a deletion that is repeated writes nothing.
    pub written: bool,
}

impl Messaging {
    /// A message and its conversation, for someone who takes part; [`Error::NotFound`] for anyone else. One round trip.
    pub async fn message(&self, user: UserId, id: MessageId) -> Result<(Message, Conversation), Error> {
        let conversation = id.conversation();
        let key = keys::message(conversation, id.seq());
        let [head, project] = self.conversation_keys(conversation);
        let mut found = self.store.get_many(&[head, project, (&self.table, key.clone())]).await?;
        let message: Option<Message> = found.remove(&(self.table.clone(), key)).map(from_item).transpose()?;
        let conversation = self.conversation_from(&mut found, conversation)?;
        match (message, conversation) {
            (Some(message), Some(conversation)) if message.message_id == id => Ok((message, conversation.for_participant(user)?)),
            _ => Err(Error::NotFound),
        }
    }

    /// Replaces a message's text. Its author alone may; a tombstone is [`Error::Deleted`]. `check` sees the message before it is
    /// written: preconditions are the caller's.
    pub async fn edit(&self, user: UserId, id: MessageId, text: &str, check: impl Fn(&Message) -> Result<(), Error>) -> Result<Changed, Error> {
        for attempt in 0..RACE_TRIES {
            let (message, conversation) = self.message(user, id).await?;
            if message.sender_id != user {
                return Err(Error::Forbidden);
            }
            check(&message)?;
            if message.deleted {
                return Err(Error::Deleted);
            }
            let now = self.clock.now();
            let edited = Message { text: Some(text.to_owned()), edited_at: Some(now), version: message.version + 1, ..message };
            if self.write_change(&conversation, &edited, ChangeType::Edited, user).await? {
                return Ok(Changed { message: edited, conversation, written: true });
            }
            backoff(attempt).await;
        }
        Err(Error::Unavailable(Internal::new("an edit kept meeting others")))
    }

    /// Leaves a tombstone of a message. Its author may, and an owner of the project it is in.
    pub async fn delete(&self, user: UserId, id: MessageId, check: impl Fn(&Message) -> Result<(), Error>) -> Result<Changed, Error> {
        for attempt in 0..RACE_TRIES {
            let (message, conversation) = self.message(user, id).await?;
            let owns = conversation.team.as_ref().and_then(|team| team.team.get(&user)).is_some_and(|member| member.role == TeamRole::Owner);
            if message.sender_id != user && !owns {
                return Err(Error::Forbidden);
            }
            if message.deleted {
                return Ok(Changed { message, conversation, written: false });
            }
            check(&message)?;
            let tombstone = message.into_tombstone();
            if self.write_change(&conversation, &tombstone, ChangeType::Deleted, user).await? {
                return Ok(Changed { message: tombstone, conversation, written: true });
            }
            backoff(attempt).await;
        }
        Err(Error::Unavailable(Internal::new("a deletion kept meeting others")))
    }

    /// Writes a message's next version. `false` when something changed since it was read: it must be read again.
    async fn write_change(&self, conversation: &Conversation, message: &Message, change_type: ChangeType, user: UserId) -> Result<bool, Error> {
        let head = &conversation.head;
        let id = head.conversation_id;
        let change = Change { change_seq: head.change_seq + 1, seq: message.seq, change_type, at: self.clock.now() };
        let takes_part = if head.conversation_type == Kind::Project { "" } else { " AND attribute_exists(participants.#user)" };
        let is_last = message.seq == head.last_seq;
        let mut head_update = Expression::new(if is_last { "SET changeSeq = :change, lastMessage = :last" } else { "SET changeSeq = :change" })
            .when(format!("changeSeq = :before{takes_part}"))
            .value(":change", n(change.change_seq))
            .value(":before", n(head.change_seq));
        if is_last {
            head_update = head_update.value(":last", to_attribute(&message.as_last())?);
        }
        if head.conversation_type != Kind::Project {
            head_update = head_update.name("#user", user);
        }
        let message_update = Expression::new(
            "SET #text = :text, attachments = :attachments, reactions = :reactions, deleted = :deleted, editedAt = :editedAt, version = :version",
        )
        .when("version = :versionBefore")
        .name("#text", "text")
        .value(":text", to_attribute(&message.text)?)
        .value(":attachments", to_attribute(&message.attachments)?)
        .value(":reactions", to_attribute(&message.reactions)?)
        .value(":deleted", to_attribute(&message.deleted)?)
        .value(":editedAt", message.edited_at.map_or_else(|| to_attribute(&()), |at| Ok(s(at)))?)
        .value(":version", n(message.version))
        .value(":versionBefore", n(message.version - 1));
        let mut writes = vec![
            update(&self.table, keys::head(id), head_update),
            update(&self.table, keys::message(id, message.seq), message_update),
            put(&self.table, to_item(keys::change(id, change.change_seq), "change", &change)?, None),
        ];
        if head.conversation_type == Kind::Project {
            // Who changes another's message does so as an owner, at the moment of the change.
            let project = id.as_project();
            let as_author = message.sender_id == user;
            writes.push(if as_author { self.teams.membership_check(project, user) } else { self.teams.ownership_check(project, user) });
        }
        match self.store.transact(writes).await {
            Ok(()) => Ok(true),
            Err(TransactError::Refused(_)) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}
