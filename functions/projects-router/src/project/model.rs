//! A project and its JSON representations in the API.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::{Deref, DerefMut};

use access::teams::{Member, Team, TeamRole};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Map, Value, json};
use shared_utils::clock::Timestamp;
use shared_utils::dynamo::{Item, StoreError, from_item, to_json};
use shared_utils::ids::{ProjectId, UserId};
use shared_utils::text::excerpt;

use super::fields::{Changes, PROJECT_FIELDS, is_summary};
use super::values::schema;

/// The maximum length of a description excerpt in lists, in code points.
const EXCERPT: usize = 280;

/// The fields of a header item that only the server writes.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Header {
    pub(crate) project_id: ProjectId,
    pub(crate) version: u64,
    pub(crate) team: BTreeMap<UserId, Member>,
    /// Counts changes of members and roles, from 1.
    #[serde(default)]
    pub(crate) team_version: u64,
    /// Counts title changes, from 1.
    #[serde(default)]
    pub(crate) title_version: u64,
    pub(crate) created_by: UserId,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
    /// The minute of the latest activity. It orders the project in its members' lists.
    pub(crate) activity_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) deleted_at: Option<Timestamp>,
    pub(crate) description_excerpt: String,
    /// Whether the excerpt contains the whole description.
    #[serde(default)]
    pub(crate) excerpt_is_whole: bool,
    /// The project version of the last write to the details item. If the details item has another version, the two items were read inconsistently.
    pub(crate) details_version: u64,
}

/// Someone in a project's team.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TeamEntry<'a> {
    /// Who.
    pub(crate) user_id: UserId,
    /// What they may do.
    pub(crate) role: TeamRole,
    /// What they do in this project.
    pub(crate) title: Option<&'a str>,
}

/// The schema of a project: every field of [`PROJECT_FIELDS`] is there, null where it has no value.
pub struct ProjectView;

impl JsonSchema for ProjectView {
    fn schema_name() -> Cow<'static, str> {
        "Project".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let members = [("createdBy", generator.subschema_for::<UserId>())];
        project_schema(generator, "A project.", |_| true, members.into())
    }
}

/// The schema of a part of a project, as lists have it.
pub struct ProjectSummaryView;

impl JsonSchema for ProjectSummaryView {
    fn schema_name() -> Cow<'static, str> {
        "ProjectSummary".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let excerpt = json_schema!({"type": ["string", "null"], "maxLength": EXCERPT});
        let members = vec![
            ("partial", json_schema!({"const": true, "description": "Marks a part of a project. It cannot be sent back."})),
            ("description", excerpt.clone()),
            ("descriptionExcerpt", excerpt),
        ];
        project_schema(generator, "A part of a project, as lists have it.", |is_summary| is_summary, members)
    }
}

fn project_schema(generator: &mut SchemaGenerator, text: &str, is_shown: impl Fn(bool) -> bool, members: Vec<(&str, Schema)>) -> Schema {
    let mut properties: Map<String, Value> = PROJECT_FIELDS
        .iter()
        .filter(|(_, _, summary)| is_shown(*summary))
        .map(|(name, kind, _)| ((*name).to_owned(), json!({"anyOf": [schema(*kind), {"type": "null"}]})))
        .collect();
    let entry = generator.subschema_for::<TeamEntry>();
    let own = [
        ("projectId", generator.subschema_for::<ProjectId>()),
        ("team", json_schema!({"type": "array", "items": entry})),
        ("version", json_schema!({"type": "integer", "minimum": 1, "description": "Raised by every change of the project."})),
        ("createdAt", generator.subschema_for::<Timestamp>()),
        ("updatedAt", generator.subschema_for::<Timestamp>()),
    ];
    properties.extend(own.into_iter().chain(members).map(|(name, schema)| (name.to_owned(), schema.to_value())));
    let required: Vec<&String> = properties.keys().collect();
    json_schema!({"type": "object", "description": text, "required": required, "properties": properties})
}

/// A project. It dereferences to its header.
#[derive(Debug, Clone)]
pub(crate) struct Project {
    pub(crate) header: Header,
    /// The client fields that have a value.
    pub(crate) fields: Map<String, Value>,
}

impl Deref for Project {
    type Target = Header;

    fn deref(&self) -> &Header {
        &self.header
    }
}

impl DerefMut for Project {
    fn deref_mut(&mut self) -> &mut Header {
        &mut self.header
    }
}

impl Project {
    pub(crate) fn from_items(header: Item, details: Option<Item>) -> Result<Self, StoreError> {
        let mut fields = Map::new();
        for (name, _, summary) in PROJECT_FIELDS {
            let item = if *summary { Some(&header) } else { details.as_ref() };
            if let Some(value) = item.and_then(|item| item.get(*name)) {
                fields.insert((*name).to_owned(), to_json(value));
            }
        }
        Ok(Self { header: from_item(header)?, fields })
    }

    /// A project without fields, at version 0. [`Self::changed`] makes version 1.
    pub(crate) fn new(project_id: ProjectId, owner: UserId, team: BTreeMap<UserId, Member>, created_at: Timestamp, updated_at: Timestamp) -> Self {
        let header = Header {
            project_id,
            version: 0,
            team,
            team_version: 1,
            title_version: 0,
            created_by: owner,
            created_at,
            updated_at,
            activity_at: updated_at.minute(),
            deleted_at: None,
            description_excerpt: String::new(),
            excerpt_is_whole: true,
            details_version: 1,
        };
        Self { header, fields: Map::new() }
    }

    /// The whole project in the API format: every field, null if it has no value.
    pub(crate) const fn whole(&self) -> WholeProject<'_> {
        WholeProject(self)
    }

    /// The summary for lists, marked `partial`. It has an excerpt of the description, and the description itself only if the excerpt contains all of
    /// it.
    pub(crate) const fn summary(&self) -> ProjectSummary<'_> {
        ProjectSummary(self)
    }

    /// Writes what both formats have: these fields, and the members that only the server writes.
    fn serialize_common<M: SerializeMap>(&self, map: &mut M, is_shown: impl Fn(bool) -> bool) -> Result<(), M::Error> {
        for (name, _, _) in PROJECT_FIELDS.iter().filter(|(_, _, summary)| is_shown(*summary)) {
            map.serialize_entry(name, &self.fields.get(*name))?;
        }
        map.serialize_entry("projectId", &self.project_id)?;
        map.serialize_entry("team", &TeamList(&self.team))?;
        map.serialize_entry("version", &self.version)?;
        map.serialize_entry("createdAt", &self.created_at)?;
        map.serialize_entry("updatedAt", &self.updated_at)
    }

    /// The part of the project that access checks need.
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

    /// This project with the changes applied and the next version.
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
            excerpt(text, EXCERPT).clone_into(&mut next.description_excerpt);
            next.excerpt_is_whole = next.description_excerpt.len() == text.len();
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

    /// The approximate stored size of the client fields and the team, in bytes.
    pub(crate) fn size(&self) -> usize {
        let team = json!(TeamList(&self.team)).to_string().len();
        team + self.fields.iter().map(|(name, value)| name.len() + value.to_string().len()).sum::<usize>()
    }
}

/// See [`Project::whole`].
pub(crate) struct WholeProject<'a>(&'a Project);

impl Serialize for WholeProject<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        self.0.serialize_common(&mut map, |_| true)?;
        map.serialize_entry("createdBy", &self.0.created_by)?;
        map.end()
    }
}

/// See [`Project::summary`].
pub(crate) struct ProjectSummary<'a>(&'a Project);

impl Serialize for ProjectSummary<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let excerpt = Some(&self.0.description_excerpt).filter(|excerpt| !excerpt.is_empty());
        let mut map = serializer.serialize_map(None)?;
        self.0.serialize_common(&mut map, |is_summary| is_summary)?;
        map.serialize_entry("partial", &true)?;
        map.serialize_entry("description", &excerpt.filter(|_| self.0.excerpt_is_whole))?;
        map.serialize_entry("descriptionExcerpt", &excerpt)?;
        map.end()
    }
}

/// A team as a list of [`TeamEntry`].
struct TeamList<'a>(&'a BTreeMap<UserId, Member>);

impl Serialize for TeamList<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(|(user, member)| TeamEntry { user_id: *user, role: member.role, title: member.title.as_deref() }))
    }
}
