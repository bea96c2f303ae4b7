//! A group's participants and title. The creator manages both while they take part. After that every participant does.

use access::session::Session;
use shared_utils::dynamo::{
    Attempt, Item, PartitionQuery, RetryPolicy, StoreError, Transaction, Update, Verdict, delete, from_item, n, put, retry_on_conflict, s,
    to_attribute, update,
};
use shared_utils::ids::{ConversationId, UserId};

use crate::Error;

use crate::conversation::{Conversation, ConversationKind, Head, Marker};
use crate::{MAX_CONVERSATIONS, Messaging, change_log, keys};

/// Maximum number of people in a group.
pub const MAX_GROUP: usize = 50;

impl Conversation {
    /// Checks that a participant may manage title and participants: the creator, or every participant after the creator has left.
    /// [`Error::NotAGroup`] for other kinds: a pair is fixed, and a project's participants are its team.
    pub fn require_can_manage(&self, user: UserId) -> Result<(), Error> {
        if self.head.conversation_type != ConversationKind::Group {
            return Err(Error::NotAGroup);
        }
        let decides = self.head.created_by == user || !self.head.participants.contains_key(&self.head.created_by);
        if decides { Ok(()) } else { Err(Error::NotAllowed) }
    }
}

/// A change to a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GroupChange {
    /// Adds this person.
    Add(UserId),
    /// Removes this person.
    Remove(UserId),
    /// Sets this title.
    Title(String),
}

/// Whether a person can be added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Candidate {
    /// The person can be added.
    Free,
    /// No active person has this id.
    Unknown,
    /// The person has reached [`MAX_CONVERSATIONS`].
    Full,
}

impl GroupChange {
    /// Applies the committed change to the head in memory.
    fn apply(&self, head: &mut Head) {
        match self {
            Self::Add(user) => {
                let marker = Marker { read_seq: head.last_seq, joined_change: head.change_seq + 1, ..Marker::default() };
                head.participants.insert(*user, marker);
            }
            Self::Remove(user) => {
                head.participants.remove(user);
            }
            Self::Title(title) => head.title = Some(title.clone()),
        }
        head.change_seq += 1;
        head.updated_change = head.change_seq;
    }
}

/// Whether the change has an effect. [`Error::NotFound`] for someone who does not take part, [`Error::NotAllowed`] for a participant without the
/// right, [`Error::NotAGroup`] or [`Error::GroupFull`] where the conversation does not allow it.
fn may_change(by: UserId, conversation: &Conversation, change: &GroupChange) -> Result<bool, Error> {
    conversation.require_participant(by)?;
    let head = &conversation.head;
    if head.conversation_type != ConversationKind::Group {
        return Err(Error::NotAGroup);
    }
    if *change != GroupChange::Remove(by) {
        conversation.require_can_manage(by)?;
    }
    let is_so = match change {
        GroupChange::Add(user) => head.participants.contains_key(user),
        GroupChange::Remove(user) => !head.participants.contains_key(user),
        GroupChange::Title(title) => head.title.as_ref() == Some(title),
    };
    if !is_so && matches!(change, GroupChange::Add(_)) && head.participants.len() >= MAX_GROUP {
        return Err(Error::GroupFull);
    }
    Ok(!is_so)
}

/// The writes of a change to a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Write {
    Head,
    /// The item that lists the conversation for the person.
    Listed,
    Change,
    /// The change-log entry of the previous group update.
    ChangeBefore,
}

impl Messaging {
    /// Whether a person can be added to a conversation. One round trip.
    pub async fn candidate(&self, user: UserId) -> Result<Candidate, Error> {
        let named = [user];
        let people = async { Ok(self.people.find(&named).await?) };
        let count = async { Ok(self.count_conversations(user).await?) };
        let (people, count) = futures_util::future::try_join(people, count).await.map_err(|error: Error| error)?;
        Ok(match people.get(&user) {
            Some(person) if person.is_active() && count < MAX_CONVERSATIONS => Candidate::Free,
            Some(person) if person.is_active() => Candidate::Full,
            _ => Candidate::Unknown,
        })
    }

    /// The number of direct and group conversations that a person takes part in.
    pub(crate) async fn count_conversations(&self, user: UserId) -> Result<usize, StoreError> {
        self.store.count(&self.listed_query(user)).await
    }

    /// The query of a person's direct and group conversations.
    pub(crate) fn listed_query(&self, user: UserId) -> PartitionQuery<'_> {
        PartitionQuery::all(&self.table, keys::user_partition(user))
    }

    /// Changes a group that was just read. `false` if it already has this state. [`Error::NotAGroup`] for other conversations.
    pub async fn change_group(&self, session: &Session, conversation: &mut Conversation, change: &GroupChange) -> Result<bool, Error> {
        let by = session.user;
        retry_on_conflict(RetryPolicy::Shared, (conversation, true), |(conversation, is_current)| async move {
            if !is_current {
                *conversation = self.find_conversation(conversation.head.conversation_id).await?.ok_or(Error::NotFound)?;
            }
            if !may_change(by, conversation, change)? {
                return Ok(Attempt::Done(false));
            }
            let outcome = self.store.transact_once(&self.group_transaction(by, conversation, change)?).await?;
            match outcome.refused(Write::Head) {
                Verdict::Held if outcome.is_committed() => {
                    change.apply(&mut conversation.head);
                    Ok(Attempt::Done(true))
                }
                Verdict::Found(item) => {
                    conversation.head = from_item(item.clone())?;
                    Ok(Attempt::Refused((conversation, true)))
                }
                Verdict::Held | Verdict::Absent => Ok(Attempt::Stale((conversation, false))),
            }
        })
        .await
    }

    fn group_transaction(&self, by: UserId, conversation: &Conversation, change: &GroupChange) -> Result<Transaction<Write>, StoreError> {
        let head = &conversation.head;
        let (id, change_seq) = (head.conversation_id, head.change_seq + 1);
        let (assignments, removal) = match change {
            GroupChange::Add(_) => (", participants.#user = :marker", ""),
            GroupChange::Remove(_) => ("", " REMOVE participants.#user"),
            GroupChange::Title(_) => (", title = :title", ""),
        };
        let mut head_update = Update::new(format!("SET changeSeq = :change, updatedChange = :change{assignments}{removal}"))
            .when("changeSeq = :before AND attribute_exists(participants.#by)")
            .name("#by", by)
            .value(":change", n(change_seq))
            .value(":before", n(head.change_seq));
        let mut transaction = Transaction::new();
        match change {
            GroupChange::Add(user) => {
                let marker = Marker { read_seq: head.last_seq, joined_change: change_seq, ..Marker::default() };
                head_update = head_update.name("#user", user).value(":marker", to_attribute(&marker)?);
                transaction.add(Write::Listed, put(&self.table, self.listed_item(*user, id)));
            }
            GroupChange::Remove(user) => {
                head_update = head_update.name("#user", user);
                transaction.add(Write::Listed, delete(&self.table, keys::listed(*user, id)));
            }
            GroupChange::Title(title) => head_update = head_update.value(":title", s(title)),
        }
        transaction.add(Write::Head, update(&self.table, keys::head(id), head_update));
        transaction.add(Write::Change, put(&self.table, change_log::updated_item(id, change_seq)));
        if head.updated_change > 0 {
            transaction.add(Write::ChangeBefore, delete(&self.table, keys::change(id, head.updated_change)));
        }
        Ok(transaction)
    }

    /// The item that lists a conversation for a person.
    pub(crate) fn listed_item(&self, user: UserId, conversation: ConversationId) -> Item {
        let mut listed = keys::listed(user, conversation).into_item();
        listed.insert("type".to_owned(), s("participant"));
        listed.insert("conversationId".to_owned(), s(conversation));
        listed.insert("joinedAt".to_owned(), s(self.clock.now()));
        listed
    }
}
