//! What is left of a deleted project goes in pages. Everything is found by its key, the header goes last and by itself (TTL), so
//! work that was cut short is simply done again.

use shared_utils::dynamo::StoreError;
use shared_utils::ids::ProjectId;

use super::{ProjectStore, budget_partition, lines_partition, project_partition};

impl ProjectStore {
    /// Deletes everything of a project that was deleted, but its header.
    pub(crate) async fn purge(&self, project: ProjectId) -> Result<(), StoreError> {
        if let Some(read) = self.budget(project).await? {
            let shown = read.revisions.values().map(|revision| revision.generation);
            for generation in shown.chain(read.budget.pending_generations.keys().copied()) {
                self.purge_partition(lines_partition(generation)).await?;
            }
        }
        self.purge_partition(budget_partition(project)).await?;
        self.purge_partition(project_partition(project)).await
    }

    async fn purge_partition(&self, partition: String) -> Result<(), StoreError> {
        self.store.delete_partition(&self.table, &partition, |key| key.sk == "HEADER").await
    }
}
