//! Projects: create, read, list, change, delete.

use std::collections::BTreeMap;

use access::session::Session;
use access::teams::{Member, header_key};
use serde_json::Value;
use shared_utils::dynamo::{
    Attempt, Condition, Item, RetryPolicy, StoreError, TransactWrite, Transaction, Update, Verdict, from_json, n, put, put_if, retry_on_conflict, s,
    to_attribute, to_item, update,
};
use shared_utils::http::Error;
use shared_utils::ids::{ProjectId, UserId};

use super::{Answer, Answered, ProjectStore, UsedKey, Write, details_key};
use crate::project::{Changes, Project, is_summary};

/// How long the header of a deleted project is kept, in seconds. A repeated DELETE by its owner finds it.
const TOMBSTONE_SECONDS: i64 = 7 * 86_400;
/// The input for a new project.
pub(crate) struct NewProject {
    pub(crate) fields: Changes,
    pub(crate) team: BTreeMap<UserId, Member>,
}

/// The result of a create.
pub(crate) enum CreateOutcome {
    /// The project was created.
    Created,
    /// The key was used before with the same body. Contains the stored response.
    Replayed(Answered),
}

impl ProjectStore {
    /// Reads a project, deleted or not. One round trip.
    pub(crate) async fn project(&self, id: ProjectId) -> Result<Option<Project>, StoreError> {
        retry_on_conflict(RetryPolicy::Single, (), |()| async {
            let (header, details) = (header_key(id), details_key(id));
            let mut found = self.store.get_many(&[(&self.table, header.clone()), (&self.table, details.clone())]).await?;
            let header = found.remove(&(self.table.clone(), header));
            let details = found.remove(&(self.table.clone(), details));
            let details_version = details.as_ref().and_then(|item| item.get("version")?.as_n().ok()?.parse::<u64>().ok());
            let Some(project) = header.map(|header| Project::from_items(header, details)).transpose()? else { return Ok(Attempt::Done(None)) };
            // A batch read is not a snapshot: one item may be older than the other. A purged project has no details item.
            let is_whole = details_version == Some(project.details_version) || project.deleted_at.is_some();
            Ok(if is_whole { Attempt::Done(Some(project)) } else { Attempt::Stale(()) })
        })
        .await
    }

    /// A new project of this person, not yet written.
    pub(crate) fn new_project(&self, session: &Session, new: NewProject) -> Project {
        let now = self.clock.now();
        Project::new(ProjectId::generate(now), session.user, new.team, now, now).changed(&new.fields, now)
    }

    /// Writes a new project, its memberships, its budget and the first revision, and the stored response if the request has a key, in one
    /// transaction. One round trip.
    pub(crate) async fn create(
        &self,
        _session: &Session,
        project: &Project,
        ball_park: Option<i64>,
        used: Option<(&UsedKey, &Answer)>,
    ) -> Result<CreateOutcome, Error> {
        let (id, now) = (project.project_id, project.created_at);
        let mut creation = Transaction::new();
        if let Some((used, answer)) = used {
            let record = self.record(used, id, answer, now)?;
            self.store.put_many(&self.table, record.rest).await?;
            creation.add(Write::IdempotencyKey, record.write);
        }
        let (header, details) = items(project)?;
        creation.add(Write::Header, put_if(&self.table, header, Condition::absent()));
        creation.add(Write::Details, put(&self.table, details));
        creation.add_all(Write::ListRow, project.team.keys().map(|user| self.member_put(id, *user, project.activity_at)));
        self.add_first_revision(&mut creation, id, ball_park, now)?;
        let outcome = self.store.transact(&creation).await?;
        if let (Some((used, _)), Verdict::Found(record)) = (used, outcome.refused(Write::IdempotencyKey))
            && let Some(answered) = self.replayed(used, record.clone()).await?
        {
            return Ok(CreateOutcome::Replayed(answered));
        }
        outcome.require_committed()?;
        Ok(CreateOutcome::Created)
    }

    /// Writes the next state of a project. Returns `false` if it changed since `before` was read. One round trip.
    pub(crate) async fn change(&self, _session: &Session, before: &Project, next: &Project, changes: &Changes) -> Result<bool, Error> {
        let minute = next.updated_at.minute();
        let (header_changes, details_changes): (Vec<_>, Vec<_>) = changes.iter().partition(|(name, _)| is_summary(name));
        let mut header = Assignments::default();
        header.set("version", n(next.version));
        header.set("updatedAt", s(next.updated_at));
        header.set("activityAt", s(minute));
        header.set("detailsVersion", n(next.details_version));
        header.set("titleVersion", n(next.title_version));
        if changes.contains_key("description") {
            header.set("descriptionExcerpt", s(&next.description_excerpt));
            header.set("excerptIsWhole", to_attribute(&next.excerpt_is_whole)?);
        }
        header.apply(header_changes);
        let mut change = Transaction::new();
        change.add(Write::Header, update(&self.table, header_key(next.project_id), header.into_update().when(is_current(before))));
        if !details_changes.is_empty() {
            let mut details = Assignments::default();
            details.set("type", s("projectDetails"));
            details.set("version", n(next.details_version));
            details.apply(details_changes);
            change.add(Write::Details, update(&self.table, details_key(next.project_id), details.into_update()));
        }
        change.add_all(Write::ListRow, self.activity_writes(before, minute));
        self.transact_and_move(change).await
    }

    /// Makes a project unreachable in one write. Returns `false` if it changed since it was read.
    pub(crate) async fn delete(&self, _session: &Session, project: &Project) -> Result<bool, Error> {
        let now = self.clock.now();
        let expression = Update::new("SET deletedAt = :now, #ttl = :ttl")
            .when(is_current(project))
            .name("#ttl", "ttl")
            .value(":now", s(now))
            .value(":ttl", n(now.seconds() + TOMBSTONE_SECONDS));
        Ok(self.store.update_item(&self.table, header_key(project.project_id), expression).await?.is_ok())
    }

    /// The update of a header with the next team and version, on the condition that the project is unchanged since `before`.
    pub(super) fn team_write(&self, before: &Project, next: &Project) -> Result<TransactWrite, StoreError> {
        let mut header = Assignments::default();
        header.set("version", n(next.version));
        header.set("updatedAt", s(next.updated_at));
        header.set("activityAt", s(next.updated_at.minute()));
        header.set("team", to_attribute(&next.team)?);
        header.set("teamVersion", n(next.team_version));
        Ok(update(&self.table, header_key(next.project_id), header.into_update().when(is_current(before))))
    }
}

/// The condition that a project is unchanged since it was read and not deleted.
fn is_current(project: &Project) -> Condition {
    Condition::new("version = :versionBefore AND attribute_not_exists(deletedAt)").value(":versionBefore", n(project.version))
}

/// The header and details items of a new project.
pub(super) fn items(project: &Project) -> Result<(Item, Item), StoreError> {
    let mut header = to_item(header_key(project.project_id), "project", &project.header)?;
    let mut details = details_key(project.project_id).into_item();
    details.insert("type".to_owned(), s("projectDetails"));
    details.insert("version".to_owned(), n(project.details_version));
    for (name, value) in &project.fields {
        let item = if is_summary(name) { &mut header } else { &mut details };
        item.insert(name.clone(), from_json(value));
    }
    Ok((header, details))
}

/// Builder for `SET` and `REMOVE` clauses.
#[derive(Default)]
struct Assignments {
    sets: Vec<(String, aws_sdk_dynamodb::types::AttributeValue)>,
    removes: Vec<String>,
}

impl Assignments {
    fn set(&mut self, name: &str, value: aws_sdk_dynamodb::types::AttributeValue) {
        self.sets.push((name.to_owned(), value));
    }

    fn apply(&mut self, changes: Vec<(&String, &Value)>) {
        for (name, value) in changes {
            if value.is_null() { self.removes.push(name.clone()) } else { self.set(name, from_json(value)) }
        }
    }

    fn into_update(self) -> Update {
        let list = |count: usize, entry: fn(usize) -> String| (0..count).map(entry).collect::<Vec<_>>().join(", ");
        let mut text = format!("SET {}", list(self.sets.len(), |index| format!("#s{index} = :s{index}")));
        if !self.removes.is_empty() {
            text = format!("{text} REMOVE {}", list(self.removes.len(), |index| format!("#r{index}")));
        }
        let mut expression = Update::new(text);
        for (index, (name, value)) in self.sets.into_iter().enumerate() {
            expression = expression.name(&format!("#s{index}"), name).value(&format!(":s{index}"), value);
        }
        for (index, name) in self.removes.into_iter().enumerate() {
            expression = expression.name(&format!("#r{index}"), name);
        }
        expression
    }
}
