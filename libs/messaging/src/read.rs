//! Lists of conversations and pages of messages.

use std::collections::{BTreeMap, BTreeSet};

use shared_utils::aws_limits::{MAX_ANSWER, bytes_in_answer};
use shared_utils::dynamo::{PartitionQuery, StoreError, from_item};
use shared_utils::ids::{ConversationId, UserId};

use crate::conversation::Conversation;
use crate::message::Message;
use crate::{Error, Messaging, keys};

/// A page ends when its messages exceed this many bytes.
const MAX_PAGE: usize = MAX_ANSWER / 2;
/// Number of messages returned with a conversation that is new to a client.
const NEWEST: usize = 20;
/// Maximum number of listed project conversations, those with the latest activity. Nobody has more.
const MAX_PROJECTS: usize = 500;

/// The conversations that a person may take part in, not yet checked.
#[derive(Debug, Clone, Default)]
pub(crate) struct Listed {
    /// Direct and group conversations.
    pub(crate) named: BTreeSet<ConversationId>,
    /// Project conversations, and ids of unknown kind.
    pub(crate) uncertain: BTreeSet<ConversationId>,
}

/// A range of messages in a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Window {
    /// Newest first, all below this `seq`.
    Before(u64),
    /// Oldest first, all above this `seq`.
    After(u64),
}

impl Messaging {
    /// All conversations of a person, latest activity first. Two round trips. `BatchGetItem` calls of 100 keys run concurrently.
    pub async fn conversations(&self, user: UserId) -> Result<Vec<Conversation>, Error> {
        let listed = self.listed(user).await?;
        let mut conversations: Vec<_> = self.conversations_of(user, listed).await?.into_values().collect();
        conversations.sort_by_key(|conversation| std::cmp::Reverse(conversation.head.sort_key()));
        Ok(conversations)
    }

    /// The conversations that a person may take part in. One round trip.
    pub(crate) async fn listed(&self, user: UserId) -> Result<Listed, StoreError> {
        let query = self.listed_query(user);
        let (listed, projects) = futures_util::future::try_join(self.store.query_all(&query), self.teams.projects_of(user, MAX_PROJECTS)).await?;
        let named = listed.iter().filter_map(|item| item.get("conversationId")?.as_s().ok()?.parse().ok()).collect();
        Ok(Listed { named, uncertain: projects.into_iter().map(ConversationId::of_project).collect() })
    }

    /// Those of these conversations that a person takes part in. One round trip. `BatchGetItem` calls of 100 keys run concurrently.
    pub(crate) async fn conversations_of(&self, user: UserId, listed: Listed) -> Result<BTreeMap<ConversationId, Conversation>, StoreError> {
        let mut wanted: Vec<_> = listed.named.iter().map(|id| (self.table.as_str(), keys::head(*id))).collect();
        // The project header matters only if this may be a project conversation.
        wanted.extend(listed.uncertain.difference(&listed.named).flat_map(|id| self.conversation_keys(*id)));
        let mut found = self.store.get_many(&wanted).await?;
        let mut conversations = BTreeMap::new();
        for id in listed.named.union(&listed.uncertain) {
            if let Some(conversation) = self.conversation_from(&mut found, *id)?.filter(|conversation| conversation.includes(user)) {
                conversations.insert(*id, conversation);
            }
        }
        Ok(conversations)
    }

    /// Everyone who shares a conversation or a project with this person. Two round trips.
    pub async fn contacts(&self, user: UserId) -> Result<BTreeSet<UserId>, StoreError> {
        let listed = self.listed(user).await?;
        let projects = listed.uncertain.iter().map(|id| id.as_project()).collect::<Vec<_>>();
        let named = Listed { named: listed.named, uncertain: BTreeSet::new() };
        let (conversations, teams) = futures_util::future::try_join(self.conversations_of(user, named), self.teams.find_many(&projects)).await?;
        let mut people: BTreeSet<UserId> = conversations.values().flat_map(Conversation::participants).collect();
        people.extend(teams.into_iter().filter(|team| team.team.contains_key(&user)).flat_map(|team| team.team.into_keys()));
        people.remove(&user);
        Ok(people)
    }

    /// The newest messages of a conversation, at most [`NEWEST`], oldest first, and whether older ones exist.
    pub(crate) async fn newest(&self, conversation: ConversationId) -> Result<(Vec<Message>, bool), StoreError> {
        let mut messages = self.messages(conversation, Window::Before(u64::MAX), NEWEST).await?;
        messages.reverse();
        let has_more = messages.first().is_some_and(|first| first.seq > 1);
        Ok((messages, has_more))
    }

    /// One page of at most `limit` messages. A page may hold fewer.
    pub async fn messages(&self, conversation: ConversationId, window: Window, limit: usize) -> Result<Vec<Message>, StoreError> {
        let (from, to, descending) = match window {
            Window::Before(seq) => (1, seq.saturating_sub(1), true),
            Window::After(seq) => (seq.saturating_add(1), u64::MAX, false),
        };
        if from > to {
            return Ok(Vec::new());
        }
        let range = Some(("sk", keys::message_sort(from), keys::message_sort(to)));
        let query = PartitionQuery { range, descending, limit: Some(limit), ..PartitionQuery::all(&self.table, keys::partition(conversation)) };
        let (mut messages, mut size) = (Vec::<Message>::new(), 0);
        for item in self.store.query_page(&query, None).await?.items {
            let message = from_item(item)?;
            size += serde_json::to_string(&message).map_or(0, |json| bytes_in_answer(&json));
            messages.push(message);
            if size > MAX_PAGE {
                break;
            }
        }
        Ok(messages)
    }
}

impl crate::conversation::Head {
    /// The sort key in lists. Later activity is greater, and no two keys are equal.
    pub fn sort_key(&self) -> (i64, ConversationId) {
        (self.last_activity_at.millis(), self.conversation_id)
    }
}
