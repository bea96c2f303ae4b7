//! The position of a project in its members' lists: the index `byMember`, ordered by the minute of the latest change.

use access::session::Session;
use access::teams::{BY_MEMBER, header_key};
use serde_json::value::{RawValue, to_raw_value};
use shared_utils::aws_limits::{MAX_ANSWER, bytes_in_answer};
use shared_utils::clock::Timestamp;
use shared_utils::dynamo::{Condition, Item, Key, PartitionQuery, StoreError, TransactWrite, Transaction, Update, put, s, update};
use shared_utils::http::Error;
use shared_utils::ids::{ProjectId, UserId};

use super::{Project, ProjectStore, Write, activity, member_key};

/// The maximum number of items in one transaction.
const MAX_TRANSACTION: usize = 100;
/// A list page ends when its summaries exceed this size, in bytes.
const MAX_PAGE: usize = MAX_ANSWER / 2;

/// One page of a person's projects.
#[derive(Default)]
pub(crate) struct ListPage {
    /// In list order, including deleted projects, each with its summary.
    pub(crate) projects: Vec<(Project, Box<RawValue>)>,
    /// Projects of list rows that have no header any more.
    pub(crate) orphans: Vec<ProjectId>,
    /// The index sort key after which the next page starts.
    pub(crate) next: Option<String>,
}

impl ProjectStore {
    /// The write that adds a project to a person's list.
    pub(super) fn member_put(&self, project: ProjectId, user: UserId, minute: Timestamp) -> TransactWrite {
        let mut item = member_key(project, user).into_item();
        item.insert("type".to_owned(), s("teamMember"));
        item.insert("projectId".to_owned(), s(project));
        item.insert("memberId".to_owned(), s(user));
        item.insert("activity".to_owned(), s(activity(minute, project)));
        put(&self.table, item)
    }

    /// The writes that move a project in its members' lists. None if it already moved within this minute.
    pub(super) fn activity_writes(&self, project: &Project, minute: Timestamp) -> Vec<TransactWrite> {
        if project.activity_at == minute {
            return Vec::new();
        }
        let moved = |user: &UserId| {
            let expression =
                Update::new("SET activity = :activity").when(Condition::exists()).value(":activity", s(activity(minute, project.project_id)));
            update(&self.table, member_key(project.project_id, *user), expression)
        };
        project.team.keys().map(moved).collect()
    }

    /// Commits a transaction whose last writes move a project in lists. Moves beyond the item limit go into a second transaction. That one may fail:
    /// a wrong list order is not an error. Returns `false` if something changed since it was read.
    pub(super) async fn transact_and_move(&self, mut transaction: Transaction<Write>) -> Result<bool, Error> {
        let rest = transaction.split_off(MAX_TRANSACTION);
        let done = self.store.transact(&transaction).await?.is_committed();
        if done && !rest.is_empty() && !self.store.transact(&rest).await.is_ok_and(|outcome| outcome.is_committed()) {
            tracing::warn!("a project could not be moved in the lists of all its members");
        }
        Ok(done)
    }

    /// One page of a person's projects, latest change first, and the start of the next page. Two round trips.
    pub(crate) async fn list(&self, user: UserId, place: Option<&str>, limit: usize) -> Result<ListPage, Error> {
        let partition = ("memberId", user.to_string());
        let query = PartitionQuery { table: &self.table, index: Some(BY_MEMBER), partition, range: None, descending: true, limit: Some(limit) };
        let start = place.map(|place| start_key(user, place)).transpose()?;
        let page = self.store.query_page(&query, start).await?;
        let text = |item: &Item, name: &str| item.get(name).and_then(|value| value.as_s().ok()).cloned().unwrap_or_default();
        let id = |item: &Item| text(item, "projectId").parse().map_err(|_| StoreError::corrupt("team member"));
        let ids = page.items.iter().map(id).collect::<Result<Vec<ProjectId>, _>>()?;
        let keys: Vec<(&str, Key)> = ids.iter().map(|id| (self.table.as_str(), header_key(*id))).collect();
        let mut found = self.store.get_many(&keys).await?;
        let mut list = ListPage { next: page.last.map(|last| text(&last, "activity")), ..ListPage::default() };
        let mut size = 0;
        for (row, id) in page.items.iter().zip(ids) {
            match found.remove(&(self.table.clone(), header_key(id))) {
                Some(header) => {
                    let project = Project::from_items(header, None)?;
                    let summary = to_raw_value(&project.summary()).map_err(Error::internal)?;
                    size += bytes_in_answer(summary.get());
                    list.projects.push((project, summary));
                }
                None => list.orphans.push(id),
            }
            // A page of large projects ends early.
            if size > MAX_PAGE && list.projects.len() + list.orphans.len() < page.items.len() {
                list.next = Some(text(row, "activity"));
                break;
            }
        }
        Ok(list)
    }

    /// Moves a project in its members' lists after a write to its budget. The project itself is unchanged.
    pub(crate) async fn touch(&self, _session: &Session, project: &Project) -> Result<(), Error> {
        let minute = self.clock.now().minute();
        let moves = self.activity_writes(project, minute);
        if moves.is_empty() {
            return Ok(());
        }
        let expression =
            Update::new("SET activityAt = :minute").when("attribute_not_exists(deletedAt) AND attribute_exists(pk)").value(":minute", s(minute));
        let mut touch = Transaction::new();
        touch.add(Write::Header, update(&self.table, header_key(project.project_id), expression));
        touch.add_all(Write::ListRow, moves);
        // A member left or the project was deleted meanwhile. The list position is not worth an error.
        self.transact_and_move(touch).await.map(|_| ())
    }
}

/// The index key after which a page starts.
fn start_key(user: UserId, place: &str) -> Result<Item, Error> {
    let project: ProjectId = place.rsplit_once('#').and_then(|(_, id)| id.parse().ok()).ok_or(Error::InvalidCursor)?;
    let mut key = member_key(project, user).into_item();
    key.insert("memberId".to_owned(), s(user));
    key.insert("activity".to_owned(), s(place));
    Ok(key)
}
