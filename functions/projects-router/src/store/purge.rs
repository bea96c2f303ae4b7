//! Deletes the items of a deleted project, page by page. Every item is found by its key. The header stays until its TTL, so an interrupted purge can
//! simply run again.

use shared_utils::dynamo::StoreError;
use shared_utils::ids::ProjectId;

use super::{ProjectStore, budget_partition, lines_partition, project_partition};

impl ProjectStore {
    /// Deletes every item of a deleted project except its header.
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
