//! Lists of conversations and pages of messages.

use shared_utils::dynamo::{PartitionQuery, StoreError, from_item};
use shared_utils::http::Error;
use shared_utils::ids::{ConversationId, UserId};

use crate::conversation::Conversation;
use crate::message::Message;
use crate::{Messaging, keys};

/// Conversations of so many projects are listed, those with the latest activity: nobody has more conversations.
const MAX_PROJECTS: usize = 500;

/// Which messages of a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Window {
    /// The newest first, all below this `seq`.
    Before(u64),
    /// The oldest first, all above this `seq`.
    After(u64),
}

impl Messaging {
    /// Every conversation of a person, the latest activity first. Two round trips up to 100 conversations, one more per further 100.
    pub async fn conversations(&self, user: UserId) -> Result<Vec<Conversation>, Error> {
        let query = PartitionQuery {
            table: &self.table,
            index: None,
            partition: ("pk", keys::user_partition(user)),
            range: None,
            descending: false,
            limit: None,
        };
        let (listed, projects) = futures_util::future::try_join(self.store.query_all(&query), self.teams.projects_of(user, MAX_PROJECTS)).await?;
        let listed = listed.iter().filter_map(|item| item.get("conversationId")?.as_s().ok()?.parse().ok());
        let mut ids: Vec<ConversationId> = listed.collect();
        let mut wanted: Vec<_> = ids.iter().map(|id| (self.table.as_str(), keys::head(*id))).collect();
        // Only where the person is in a team does the project's header matter.
        for id in projects.into_iter().map(ConversationId::of_project) {
            wanted.extend(self.conversation_keys(id));
            ids.push(id);
        }
        let mut found = self.store.get_many(&wanted).await?;
        let mut conversations = Vec::with_capacity(ids.len());
        for id in ids {
            conversations.extend(self.conversation_from(&mut found, id)?.filter(|conversation| conversation.includes(user)));
        }
        conversations.sort_by_key(|conversation| std::cmp::Reverse(conversation.head.place()));
        Ok(conversations)
    }

    /// One page of messages, as many as `limit`. A page may hold fewer.
    pub async fn messages(&self, conversation: ConversationId, window: Window, limit: usize) -> Result<Vec<Message>, StoreError> {
        let (from, to, descending) = match window {
            Window::Before(seq) => (1, seq.saturating_sub(1), true),
            Window::After(seq) => (seq.saturating_add(1), u64::MAX, false),
        };
        if from > to {
            return Ok(Vec::new());
        }
        let query = PartitionQuery {
            table: &self.table,
            index: None,
            partition: ("pk", keys::partition(conversation)),
            range: Some(("sk", keys::message_sort(from), keys::message_sort(to))),
            descending,
            limit: Some(limit),
        };
        self.store.query_page(&query, None).await?.items.into_iter().map(from_item).collect()
    }
}

impl crate::conversation::Head {
    /// Its place in lists: later activity is greater, and no two are alike.
    pub fn place(&self) -> (i64, ConversationId) {
        (self.last_activity_at.millis(), self.conversation_id)
    }
}
