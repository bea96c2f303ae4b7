//! What is left of a deleted project goes in pages. Everything is found by its key, the header goes last and by itself (TTL), so
//! work that was cut short is simply done again.

use shared_utils::dynamo::{Key, PartitionQuery};
use shared_utils::http::Error;
use shared_utils::ids::ProjectId;

use super::{ProjectStore, budget_partition, lines_partition, project_partition};

impl ProjectStore {
    /// Deletes everything of a project that was deleted, but its header.
    pub(crate) async fn purge(&self, project: ProjectId) -> Result<(), Error> {
        if let Some(read) = self.budget(project).await? {
            let shown = read.revisions.values().map(|revision| revision.generation);
            for generation in shown.chain(read.budget.unfinished.keys().copied()) {
                self.purge_partition(lines_partition(generation)).await?;
            }
        }
        self.purge_partition(budget_partition(project)).await?;
        self.purge_partition(project_partition(project)).await
    }

    async fn purge_partition(&self, partition: String) -> Result<(), Error> {
        let query =
            PartitionQuery { table: &self.table, index: None, partition: ("pk", partition), range: None, descending: false, limit: Some(500) };
        let mut start = None;
        loop {
            let page = self.store.query_page(&query, start).await?;
            let keys = page.items.iter().filter_map(Key::of).filter(|key| key.sk != "HEADER").collect();
            self.store.delete_many(&self.table, keys).await?;
            match page.last {
                Some(last) => start = Some(last),
                None => return Ok(()),
            }
        }
    }
}
