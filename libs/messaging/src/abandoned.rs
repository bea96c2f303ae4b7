//! Conversations whose project is gone. They are unreachable from the moment in which it is; what is left of them goes when they are met.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use shared_utils::dynamo::{Key, PartitionQuery, StoreError};
use shared_utils::http::Error;
use shared_utils::ids::ConversationId;

use crate::{Messaging, keys};

/// As many as one process remembers; the others are met again.
const MAX_NOTED: usize = 100;
/// Items deleted between two looks.
const PAGE: usize = 500;

/// Those that were met.
#[derive(Debug, Clone, Default)]
pub(crate) struct Abandoned(Arc<Mutex<BTreeSet<ConversationId>>>);

impl Abandoned {
    pub(crate) fn note(&self, conversation: ConversationId) {
        let mut noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if noted.len() < MAX_NOTED {
            noted.insert(conversation);
        }
    }
}

impl Messaging {
    /// The conversations that were met since this was last asked and whose project is gone.
    pub fn take_abandoned(&self) -> BTreeSet<ConversationId> {
        std::mem::take(&mut *self.abandoned.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Deletes everything of a conversation whose project is gone, in pages, its head last: work that was cut short is done again by
    /// whoever meets the head.
    pub async fn purge(&self, conversation: ConversationId) {
        if let Err(error) = self.delete_all(conversation).await {
            tracing::warn!(cause = Error::from(error).cause(), "what is left of a deleted project's conversation could not be purged");
        }
    }

    async fn delete_all(&self, conversation: ConversationId) -> Result<(), StoreError> {
        let partition = ("pk", keys::partition(conversation));
        let query = PartitionQuery { table: &self.table, index: None, partition, range: None, descending: false, limit: Some(PAGE) };
        let mut start = None;
        loop {
            let page = self.store.query_page(&query, start).await?;
            let keys = page.items.iter().filter_map(Key::of).filter(|key| *key != keys::head(conversation)).collect();
            self.store.delete_many(&self.table, keys).await?;
            match page.last {
                Some(last) => start = Some(last),
                None => break,
            }
        }
        self.store.delete_many(&self.table, vec![keys::head(conversation)]).await
    }
}
