//! Projects: create, read, list, change, delete.

use access::session::Session;
use std::collections::BTreeMap;

use access::teams::{Member, Team, header_key};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use shared_utils::clock::Timestamp;
use shared_utils::dynamo::{
    Attempt, Condition, Item, RetryPolicy, StoreError, TransactWrite, Transaction, Update, Verdict, from_item, from_json, n, put, put_if,
    retry_on_conflict, s, to_attribute, to_item, to_json, update,
};
use shared_utils::http::Error;
use shared_utils::ids::{ProjectId, UserId};
use shared_utils::text::excerpt;

use super::{Answer, Answered, ProjectStore, UsedKey, Write, details_key};
use crate::project::{Changes, PROJECT_FIELDS, is_summary};

/// How long a deleted project's header stays, so that its owner's repeated DELETE finds it, in seconds.
const TOMBSTONE_SECONDS: i64 = 7 * 86_400;
/// The length of a description in lists, in code points, at most.
const EXCERPT: usize = 280;

/// The server's part of a header item.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Header {
    project_id: ProjectId,
    version: u64,
    team: BTreeMap<UserId, Member>,
    /// Counts the changes of who is in the team and as what, from 1.
    #[serde(default)]
    team_version: u64,
    /// Counts the titles, from 1.
    #[serde(default)]
    title_version: u64,
    created_by: UserId,
    created_at: Timestamp,
    updated_at: Timestamp,
    /// The minute that its members' lists have it under.
    activity_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    deleted_at: Option<Timestamp>,
    description_excerpt: String,
    /// Whether the excerpt is the whole description.
    #[serde(default)]
    excerpt_is_whole: bool,
    /// The version in which the details item was last written: it says the same, or the two were read apart.
    details_version: u64,
}

/// A project.
#[derive(Debug, Clone)]
pub(crate) struct Project {
    pub(crate) project_id: ProjectId,
    pub(crate) version: u64,
    pub(crate) team: BTreeMap<UserId, Member>,
    pub(super) team_version: u64,
    title_version: u64,
    pub(crate) created_by: UserId,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
    pub(super) activity_at: Timestamp,
    pub(crate) deleted_at: Option<Timestamp>,
    excerpt: String,
    excerpt_is_whole: bool,
    details_version: u64,
    /// The client's fields that have a value.
    pub(crate) fields: Map<String, Value>,
}

/// What a project is made from.
pub(crate) struct NewProject {
    pub(crate) fields: Changes,
    pub(crate) team: BTreeMap<UserId, Member>,
}

/// What became of making a project.
pub(crate) enum CreateOutcome {
    /// It is there.
    Created,
    /// The key was used before for the same body: the answer then.
    Replayed(Answered),
}

impl Project {
    pub(super) fn from_items(header: Item, details: Option<Item>) -> Result<Self, StoreError> {
        let mut fields = Map::new();
        for (name, _, summary) in PROJECT_FIELDS {
            let item = if *summary { Some(&header) } else { details.as_ref() };
            if let Some(value) = item.and_then(|item| item.get(*name)) {
                fields.insert((*name).to_owned(), to_json(value));
            }
        }
        let header: Header = from_item(header)?;
        Ok(Self {
            project_id: header.project_id,
            version: header.version,
            team: header.team,
            team_version: header.team_version,
            title_version: header.title_version,
            created_by: header.created_by,
            created_at: header.created_at,
            updated_at: header.updated_at,
            activity_at: header.activity_at,
            deleted_at: header.deleted_at,
            excerpt: header.description_excerpt,
            excerpt_is_whole: header.excerpt_is_whole,
            details_version: header.details_version,
            fields,
        })
    }

    /// One without any fields yet: [`Self::changed`] makes it the first version.
    pub(super) fn new(id: ProjectId, owner: UserId, team: BTreeMap<UserId, Member>, created_at: Timestamp, updated_at: Timestamp) -> Self {
        Self {
            project_id: id,
            version: 0,
            team,
            team_version: 1,
            title_version: 0,
            created_by: owner,
            created_at,
            updated_at,
            activity_at: updated_at.minute(),
            deleted_at: None,
            excerpt: String::new(),
            excerpt_is_whole: true,
            details_version: 1,
            fields: Map::new(),
        }
    }

    fn header(&self) -> Header {
        Header {
            project_id: self.project_id,
            version: self.version,
            team: self.team.clone(),
            team_version: self.team_version,
            title_version: self.title_version,
            created_by: self.created_by,
            created_at: self.created_at,
            updated_at: self.updated_at,
            activity_at: self.activity_at,
            deleted_at: self.deleted_at,
            description_excerpt: self.excerpt.clone(),
            excerpt_is_whole: self.excerpt_is_whole,
            details_version: self.details_version,
        }
    }

    fn team_json(&self) -> Value {
        let entries = self.team.iter().map(|(user, member)| json!({"userId": user, "role": member.role, "title": member.title}));
        Value::Array(entries.collect())
    }

    /// The whole project, as the API gives it: every field, null where it has no value.
    pub(crate) fn to_json(&self) -> Value {
        let mut object = Map::new();
        for (name, _, _) in PROJECT_FIELDS {
            object.insert((*name).to_owned(), self.fields.get(*name).cloned().unwrap_or(Value::Null));
        }
        object.insert("projectId".to_owned(), json!(self.project_id));
        object.insert("team".to_owned(), self.team_json());
        object.insert("version".to_owned(), json!(self.version));
        object.insert("createdBy".to_owned(), json!(self.created_by));
        object.insert("createdAt".to_owned(), json!(self.created_at));
        object.insert("updatedAt".to_owned(), json!(self.updated_at));
        Value::Object(object)
    }

    /// What lists show: a part of the project, which says so. Of the description it has an excerpt, and the text itself where that is no
    /// longer.
    pub(crate) fn summary_json(&self) -> Value {
        let excerpt = Some(&self.excerpt).filter(|excerpt| !excerpt.is_empty());
        let mut object = Map::new();
        for (name, _, _) in PROJECT_FIELDS.iter().filter(|(_, _, summary)| *summary) {
            object.insert((*name).to_owned(), self.fields.get(*name).cloned().unwrap_or(Value::Null));
        }
        object.extend([
            ("projectId".to_owned(), json!(self.project_id)),
            ("partial".to_owned(), json!(true)),
            ("description".to_owned(), json!(excerpt.filter(|_| self.excerpt_is_whole))),
            ("descriptionExcerpt".to_owned(), json!(excerpt)),
            ("team".to_owned(), self.team_json()),
            ("version".to_owned(), json!(self.version)),
            ("createdAt".to_owned(), json!(self.created_at)),
            ("updatedAt".to_owned(), json!(self.updated_at)),
        ]);
        Value::Object(object)
    }

    /// The part of it that decides who may do what.
    pub(crate) fn as_team(&self) -> Team {
        Team {
            project_id: self.project_id,
            title: self.title().to_owned(),
            team: self.team.clone(),
            team_version: self.team_version,
            title_version: self.title_version,
            created_by: self.created_by,
            created_at: self.created_at,
            deleted_at: self.deleted_at,
        }
    }

    pub(crate) fn title(&self) -> &str {
        self.fields.get("title").and_then(Value::as_str).unwrap_or_default()
    }

    /// This project with the changes made.
    pub(crate) fn changed(&self, changes: &Changes, now: Timestamp) -> Self {
        let mut next = self.clone();
        for (name, value) in changes {
            if value.is_null() {
                next.fields.remove(name)
            } else {
                next.fields.insert(name.clone(), value.clone())
            };
        }
        if let Some(description) = changes.get("description") {
            let text = description.as_str().unwrap_or_default();
            excerpt(text, EXCERPT).clone_into(&mut next.excerpt);
            next.excerpt_is_whole = next.excerpt.len() == text.len();
        }
        if next.title() != self.title() {
            next.title_version += 1;
        }
        next.version += 1;
        next.updated_at = now;
        if changes.keys().any(|name| !is_summary(name)) {
            next.details_version = next.version;
        }
        next
    }

    /// The size of what people wrote as it is stored, in bytes, about.
    pub(crate) fn size(&self) -> usize {
        let team = self.team_json().to_string().len();
        team + self.fields.iter().map(|(name, value)| name.len() + value.to_string().len()).sum::<usize>()
    }
}

impl ProjectStore {
    /// A project, deleted or not. One round trip.
    pub(crate) async fn project(&self, id: ProjectId) -> Result<Option<Project>, StoreError> {
        retry_on_conflict(RetryPolicy::Single, (), |()| async {
            let (header, details) = (header_key(id), details_key(id));
            let mut found = self.store.get_many(&[(&self.table, header.clone()), (&self.table, details.clone())]).await?;
            let header = found.remove(&(self.table.clone(), header));
            let details = found.remove(&(self.table.clone(), details));
            let details_version = details.as_ref().and_then(|item| item.get("version")?.as_n().ok()?.parse::<u64>().ok());
            let Some(project) = header.map(|header| Project::from_items(header, details)).transpose()? else { return Ok(Attempt::Done(None)) };
            // Two items of one call may come from before and after a transaction. A purged project has no details at all.
            let is_whole = details_version == Some(project.details_version) || project.deleted_at.is_some();
            Ok(if is_whole { Attempt::Done(Some(project)) } else { Attempt::Stale(()) })
        })
        .await
    }

    /// A project of this person's that is not written yet.
    pub(crate) fn new_project(&self, session: &Session, new: NewProject) -> Project {
        let now = self.clock.now();
        Project::new(ProjectId::generate(now), session.user, new.team, now, now).changed(&new.fields, now)
    }

    /// Writes a new project with its memberships, its budget and the first revision, and the answer where the request has a key: all or
    /// none. One round trip.
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

    /// Writes the next state of a project, unless it changed since `before` was read (then `false`). One round trip.
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
            header.set("descriptionExcerpt", s(&next.excerpt));
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

    /// Makes a project unreachable in one write. `false` when it changed since it was read.
    pub(crate) async fn delete(&self, _session: &Session, project: &Project) -> Result<bool, Error> {
        let now = self.clock.now();
        let expression = Update::new("SET deletedAt = :now, #ttl = :ttl")
            .when(is_current(project))
            .name("#ttl", "ttl")
            .value(":now", s(now))
            .value(":ttl", n(now.seconds() + TOMBSTONE_SECONDS));
        Ok(self.store.update_item(&self.table, header_key(project.project_id), expression).await?.is_ok())
    }

    /// The write that gives a header its next team and version, unless it changed since `before`.
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

/// The condition on a header that the project has not changed since it was read.
fn is_current(project: &Project) -> Condition {
    Condition::new("version = :versionBefore AND attribute_not_exists(deletedAt)").value(":versionBefore", n(project.version))
}

/// The header and details items of a new project.
pub(super) fn items(project: &Project) -> Result<(Item, Item), StoreError> {
    let mut header = to_item(header_key(project.project_id), "project", &project.header())?;
    let mut details = details_key(project.project_id).into_item();
    details.insert("type".to_owned(), s("projectDetails"));
    details.insert("version".to_owned(), n(project.details_version));
    for (name, value) in &project.fields {
        let item = if is_summary(name) { &mut header } else { &mut details };
        item.insert(name.clone(), from_json(value));
    }
    Ok((header, details))
}

/// `SET` and `REMOVE` clauses in the making.
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
