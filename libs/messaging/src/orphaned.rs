//! Conversations whose project was deleted. They are unreachable at once. A read that finds one notes it for later deletion.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use files::FileOwner;
use shared_utils::dynamo::StoreError;
use shared_utils::ids::ConversationId;

use crate::{Messaging, keys};

/// Maximum number of ids that one process remembers. Later reads find the others again.
const MAX_NOTED: usize = 100;

/// The orphaned conversations that reads have found.
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
    /// Takes the orphaned conversations found since the last call.
    pub fn take_orphaned(&self) -> BTreeSet<ConversationId> {
        std::mem::take(&mut *self.orphaned.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Deletes all items of an orphaned conversation in pages, the head last. If the work is interrupted, the next request that finds the head
    /// starts it again.
    pub async fn purge(&self, conversation: ConversationId) {
        if let Err(error) = self.delete_all(conversation).await {
            tracing::warn!(cause = error.for_log(), "what is left of a deleted project's conversation could not be purged");
        }
    }

    async fn delete_all(&self, conversation: ConversationId) -> Result<(), StoreError> {
        self.files.delete_all(FileOwner::Conversation(conversation), self.clock.now()).await?;
        let head = keys::head(conversation);
        self.store.delete_partition(&self.table, &head.pk, |key| *key == head).await?;
        self.store.delete_many(&self.table, vec![head]).await
    }
}
