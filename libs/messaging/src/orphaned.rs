//! Conversations whose project is gone. They are unreachable from the moment in which it is; what is left of them goes when they are met.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use shared_utils::dynamo::StoreError;
use shared_utils::ids::ConversationId;

use crate::{Messaging, keys};

/// As many as one process remembers; the others are met again.
const MAX_NOTED: usize = 100;

/// Those that were met.
#[derive(Debug, Clone, Default)]
pub(crate) struct OrphanedConversations(Arc<Mutex<BTreeSet<ConversationId>>>);

impl OrphanedConversations {
    pub(crate) fn note(&self, conversation: ConversationId) {
        let mut noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if noted.len() < MAX_NOTED {
            noted.insert(conversation);
        }
    }
}

impl Messaging {
    /// The conversations that were met since this was last asked and whose project is gone.
    pub fn take_orphaned(&self) -> BTreeSet<ConversationId> {
        std::mem::take(&mut *self.orphaned.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Deletes everything of a conversation whose project is gone, in pages, its head last: work that was cut short is done again by
    /// the next request that finds the head.
    pub async fn purge(&self, conversation: ConversationId) {
        if let Err(error) = self.delete_all(conversation).await {
            tracing::warn!(cause = error.for_log(), "what is left of a deleted project's conversation could not be purged");
        }
    }

    async fn delete_all(&self, conversation: ConversationId) -> Result<(), StoreError> {
        let head = keys::head(conversation);
        self.store.delete_partition(&self.table, &head.pk, |key| *key == head).await?;
        self.store.delete_many(&self.table, vec![head]).await
    }
}
