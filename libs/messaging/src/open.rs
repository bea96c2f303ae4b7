//! Opens conversations. An existing direct or project conversation is returned, also when several people open it concurrently.

use std::collections::BTreeMap;

use access::session::Session;
use serde::{Deserialize, Serialize};
use shared_utils::clock::Timestamp;
use shared_utils::dynamo::{Condition, Item, StoreError, Transaction, Verdict, put, put_if, s, to_item};
use shared_utils::fields::{FieldError, FieldErrors, FieldPath};
use shared_utils::idempotency::{IdempotencyKey, IdempotencyRecord};
use shared_utils::ids::{ConversationId, ProjectId, UserId};

use crate::Error;

use crate::conversation::{Conversation, ConversationKind, Head, Marker};
use crate::{MAX_CONVERSATIONS, Messaging, keys};

/// The conversation to open. People are in the order of the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NewConversation {
    /// A conversation with one other person.
    Direct(UserId),
    /// A conversation with these people and a title.
    Group {
        /// 1–120 characters.
        title: String,
        /// The other participants, without duplicates.
        others: Vec<UserId>,
    },
    /// The conversation of this project.
    Project(ProjectId),
}

/// The stored result of an idempotency key.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Opened {
    conversation_id: ConversationId,
}

/// The result of opening a conversation.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The conversation.
    pub conversation: Conversation,
    /// Whether it was created, now or by the replayed request.
    pub created: bool,
    /// Whether this repeats an earlier request with the same idempotency key.
    pub replayed: bool,
    /// The session that created it now. `None` if it existed before.
    pub opener: Option<Session>,
}

/// The writes of a new conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Write {
    Head,
    /// The item that maps a pair of people to its conversation.
    Pair,
    IdempotencyKey,
    /// The items that list the conversation for each participant.
    Listed,
}

impl Outcome {
    fn found(conversation: Conversation) -> Self {
        Self { conversation, created: false, replayed: false, opener: None }
    }
}

impl Messaging {
    /// Opens a conversation, or returns the existing one. An unknown or inactive person gives a field error at `participants/n`, where `n` is
    /// the index in `named`. `session` is awaited concurrently with the first read, and before any write.
    pub async fn open(
        &self,
        user: UserId,
        new: NewConversation,
        named: &[UserId],
        key: Option<IdempotencyKey>,
        session: impl Future<Output = Result<Session, access::Error>>,
    ) -> Result<Outcome, Error> {
        // An earlier use of the key decides the result, even if the data has changed since. This read runs concurrently with the others.
        let earlier = async {
            match &key {
                Some(key) => Ok(self.store.get_item(&self.table, &keys::idempotency(user, &key.key)).await?),
                None => Ok(None),
            }
        };
        let (earlier, outcome) = futures_util::future::join(earlier, self.open_new(user, new, named, key.clone(), session)).await;
        let earlier: Result<Option<Item>, Error> = earlier;
        if let (Some(item), Some(key)) = (earlier?, &key)
            && let Some(replayed) = self.replay(user, item, key).await?
        {
            return Ok(replayed);
        }
        outcome
    }

    /// The conversation that the key was used for, unless the record has expired.
    async fn replay(&self, user: UserId, record: Item, key: &IdempotencyKey) -> Result<Option<Outcome>, Error> {
        let Some(opened) = IdempotencyRecord::<Opened>::from_item(record)?.replay(key, self.clock.now())? else { return Ok(None) };
        let conversation = self.conversation(user, opened.conversation_id).await?;
        Ok(Some(Outcome { conversation, created: true, replayed: true, opener: None }))
    }

    async fn open_new(
        &self,
        user: UserId,
        new: NewConversation,
        named: &[UserId],
        key: Option<IdempotencyKey>,
        session: impl Future<Output = Result<Session, access::Error>>,
    ) -> Result<Outcome, Error> {
        match new {
            NewConversation::Project(project) => self.open_project(user, project, session).await,
            NewConversation::Direct(other) => {
                let session = async { session.await.map_err(Error::from) };
                let pair = keys::direct(user, other);
                let find_pair = async { Ok(self.store.get_item(&self.table, &pair).await?) };
                let within_limits = self.check_limits(user, named);
                let (session, (), within_limits, existing) =
                    futures_util::future::try_join4(session, self.check_people(named), within_limits, find_pair).await?;
                if let Some(item) = existing {
                    return self.existing(user, pointed_to(&item)?).await;
                }
                within_limits?;
                let head = self.new_head(user, ConversationKind::Direct, None, &[user, other]);
                let mut pointer = pair.into_item();
                pointer.insert("type".to_owned(), s("direct"));
                pointer.insert("conversationId".to_owned(), s(head.conversation_id));
                self.create(&session, head, Some(pointer), key).await
            }
            NewConversation::Group { title, others } => {
                let session = async { session.await.map_err(Error::from) };
                let (session, (), within_limits) =
                    futures_util::future::try_join3(session, self.check_people(named), self.check_limits(user, named)).await?;
                within_limits?;
                let mut everyone = others;
                everyone.push(user);
                let head = self.new_head(user, ConversationKind::Group, Some(title), &everyone);
                self.create(&session, head, None, key).await
            }
        }
    }

    /// Returns the conversation of a project. It exists as soon as the project does, so nothing is written.
    async fn open_project(
        &self,
        user: UserId,
        project: ProjectId,
        session: impl Future<Output = Result<Session, access::Error>>,
    ) -> Result<Outcome, Error> {
        let session = async { session.await.map_err(Error::from) };
        let (_, conversation) =
            futures_util::future::try_join(session, async { Ok(self.find_conversation(ConversationId::of_project(project)).await?) }).await?;
        Ok(Outcome::found(conversation.ok_or(Error::NotFound)?.for_participant(user)?))
    }

    /// Writes a new conversation in one transaction.
    async fn create(&self, session: &Session, head: Head, pointer: Option<Item>, key: Option<IdempotencyKey>) -> Result<Outcome, Error> {
        let user = session.user;
        let id = head.conversation_id;
        let mut creation = Transaction::new();
        creation.add(Write::Head, put_if(&self.table, to_item(keys::head(id), "conversation", &head)?, Condition::absent()));
        creation.add_all(Write::Pair, pointer.map(|pointer| put_if(&self.table, pointer, Condition::absent())));
        if let Some(key) = &key {
            let now = self.clock.now();
            let record = IdempotencyRecord::new(key, Opened { conversation_id: id }, now);
            creation.add(Write::IdempotencyKey, record.write(&self.table, keys::idempotency(user, &key.key), now)?);
        }
        creation.add_all(Write::Listed, head.participants.keys().map(|participant| put(&self.table, self.listed_item(*participant, id))));
        let outcome = self.store.transact(&creation).await?;
        if let (Verdict::Found(item), Some(key)) = (outcome.refused(Write::IdempotencyKey), &key)
            && let Some(replayed) = self.replay(user, item.clone(), key).await?
        {
            return Ok(replayed);
        }
        if let Verdict::Found(item) = outcome.refused(Write::Pair) {
            return self.existing(user, pointed_to(item)?).await;
        }
        outcome.require_committed()?;
        Ok(Outcome { conversation: Conversation::stored(head, None), created: true, replayed: false, opener: Some(*session) })
    }

    async fn existing(&self, user: UserId, id: ConversationId) -> Result<Outcome, Error> {
        Ok(Outcome::found(self.conversation(user, id).await?))
    }

    fn new_head(&self, user: UserId, kind: ConversationKind, title: Option<String>, people: &[UserId]) -> Head {
        let now: Timestamp = self.clock.now();
        Head {
            conversation_id: ConversationId::generate(now),
            conversation_type: kind,
            title,
            project_id: None,
            created_by: user,
            created_at: now,
            participants: people.iter().map(|person| (*person, Marker::default())).collect::<BTreeMap<_, _>>(),
            last_seq: 0,
            change_seq: 0,
            updated_change: 0,
            last_message: None,
            last_activity_at: now,
        }
    }

    /// Checks that everyone exists and is active. Each failure is a field error at the person's index.
    async fn check_people(&self, named: &[UserId]) -> Result<(), Error> {
        let people = self.people.find(named).await?;
        let faults: Vec<FieldError> = named
            .iter()
            .enumerate()
            .filter(|(_, person)| !people.get(person).is_some_and(access::people::Person::is_active))
            .map(|(index, _)| FieldError::new(FieldPath::from("participants").join(index), "invalid_value", "There is no such active person."))
            .collect();
        Ok(FieldErrors::check(faults)?)
    }
}

impl Messaging {
    /// Checks that nobody has reached [`MAX_CONVERSATIONS`]. The inner error is separate from a read error, because an existing conversation is
    /// returned despite the limit.
    async fn check_limits(&self, user: UserId, named: &[UserId]) -> Result<Result<(), Error>, Error> {
        let others = named.iter().enumerate().filter(|(_, person)| **person != user);
        let counts = others.map(|(index, person)| async move { Ok::<_, StoreError>((index, self.count_conversations(*person).await?)) });
        let (own, counts) = futures_util::future::try_join(self.count_conversations(user), futures_util::future::try_join_all(counts)).await?;
        if own >= MAX_CONVERSATIONS {
            return Ok(Err(Error::TooManyConversations));
        }
        let full = counts.into_iter().filter(|(_, count)| *count >= MAX_CONVERSATIONS);
        let faults: Vec<FieldError> = full
            .map(|(index, _)| {
                FieldError::new(FieldPath::from("participants").join(index), "too_many", "This person takes part in too many conversations.")
            })
            .collect();
        Ok(FieldErrors::check(faults).map_err(Error::from))
    }
}

/// Reads the conversation id from a direct pair's item.
fn pointed_to(item: &Item) -> Result<ConversationId, StoreError> {
    let id = item.get("conversationId").and_then(|value| value.as_s().ok()).and_then(|id| id.parse().ok());
    id.ok_or_else(|| StoreError::corrupt("direct pair"))
}
