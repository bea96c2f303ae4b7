//! Who works on a project, and as what. The project's header item carries its team, so one read or one condition on it decides.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use shared_utils::audit;
use shared_utils::auth::{Caller, Role};
use shared_utils::clock::Timestamp;
use shared_utils::dynamo::{Condition, Key, PartitionQuery, Store, StoreError, TransactWrite, check, from_item, n};
use shared_utils::fields::{TextSchema, one_of};
use shared_utils::ids::{ProjectId, UserId};

use crate::Error;

/// The index that lists a person's projects by activity: partition `memberId`, sort `activity`.
pub const BY_MEMBER: &str = "byMember";

/// The most people in a team.
pub const MAX_TEAM: usize = 100;
/// The most people besides the owner when a project is made: its transaction has at most 100 items.
pub const MAX_NEW_TEAM: usize = 90;

/// What a person may do in a project. Ordered: each role may do all that the ones before it may.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, strum::EnumString, strum::VariantNames, schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum TeamRole {
    /// Sees the project, talks in its conversation.
    Viewer,
    /// Also edits the project and sees and edits its budget.
    Editor,
    /// Also decides who is in the team, and deletes the project.
    Owner,
}

impl TextSchema for TeamRole {
    fn text_schema() -> Value {
        one_of(<Self as strum::VariantNames>::VARIANTS)
    }
}

/// A person's place in a team.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Member {
    /// What they may do.
    pub role: TeamRole,
    /// What they are called in this project.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Since when.
    pub joined_at: Timestamp,
}

/// The part of a project's header that decides who may do what.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Team {
    /// The project.
    pub project_id: ProjectId,
    /// Its title.
    pub title: String,
    /// Everyone in it.
    pub team: BTreeMap<UserId, Member>,
    /// Counts the changes of who is in it and as what, from 1; 0 where none was counted yet.
    #[serde(default)]
    pub team_version: u64,
    /// Counts the changes of the title.
    #[serde(default)]
    pub title_version: u64,
    /// Who made the project.
    pub created_by: UserId,
    /// When.
    pub created_at: Timestamp,
    /// When it was deleted; it is unreachable from then on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted_at: Option<Timestamp>,
}

impl Team {
    /// Lets someone through who is in the team themself; [`Error::NotInTeam`] for anyone else, administrators included.
    pub fn for_member(&self, user: UserId) -> Result<(), Error> {
        if self.team.contains_key(&user) {
            return Ok(());
        }
        audit!("access_denied", userId = %user, projectId = %self.project_id, reason = "not_in_team");
        Err(Error::NotInTeam)
    }
}

/// What someone acts as in a team: an administrator as owner in every project, anyone else as what they are in it. The one rule, for
/// requests, for sockets and for whom a frame goes to.
pub fn acts_as(team: &BTreeMap<UserId, Member>, user: UserId, role: Role) -> Option<TeamRole> {
    if role == Role::Admin { Some(TeamRole::Owner) } else { team.get(&user).map(|member| member.role) }
}

/// Lets a caller through who acts at least as this: [`Error::NotInTeam`] for outsiders, [`Error::RoleTooSmall`] for lesser roles.
pub fn require_role(team: &BTreeMap<UserId, Member>, caller: &Caller, least: TeamRole) -> Result<(), Error> {
    match acts_as(team, caller.user, caller.role) {
        None => {
            audit!("access_denied", userId = %caller.user, reason = "not_in_team");
            Err(Error::NotInTeam)
        }
        Some(role) if role < least => Err(Error::RoleTooSmall),
        Some(_) => Ok(()),
    }
}

/// The key of a project's header.
pub fn header_key(project: ProjectId) -> Key {
    Key::new(format!("PROJECT#{project}"), "HEADER")
}

/// Reads teams.
#[derive(Clone, Debug)]
pub struct Teams {
    store: Store,
    table: String,
}

impl Teams {
    /// The teams in this projects table.
    pub fn new(store: Store, table: String) -> Self {
        Self { store, table }
    }

    /// The teams of these projects, without the deleted ones. One call per hundred.
    pub async fn find_many(&self, projects: &[ProjectId]) -> Result<Vec<Team>, StoreError> {
        if projects.is_empty() {
            return Ok(Vec::new());
        }
        let wanted: Vec<_> = projects.iter().map(|project| (self.table.as_str(), header_key(*project))).collect();
        let items = self.store.get_many(&wanted).await?;
        let teams = items.into_values().map(from_item::<Team>).collect::<Result<Vec<_>, _>>()?;
        Ok(teams.into_iter().filter(|team| team.deleted_at.is_none()).collect())
    }

    /// The `limit` projects of a person with the latest activity. Read from an index, so a change of a moment ago may be missing.
    pub async fn projects_of(&self, user: UserId, limit: usize) -> Result<Vec<ProjectId>, StoreError> {
        let query = PartitionQuery {
            table: &self.table,
            index: Some(BY_MEMBER),
            partition: ("memberId", user.to_string()),
            range: None,
            descending: true,
            limit: Some(limit),
        };
        let items = self.store.query_page(&query, None).await?.items;
        items
            .iter()
            .map(|item| {
                let id = item.get("projectId").and_then(|value| value.as_s().ok()).and_then(|id| id.parse().ok());
                id.ok_or_else(|| StoreError::corrupt("team member"))
            })
            .collect()
    }

    /// A condition for a transaction: the team is the one that was read, and the project was not deleted. Who may, and who is told, was
    /// decided from it.
    pub fn unchanged_check(&self, team: &Team) -> TransactWrite {
        check(&self.table, header_key(team.project_id), is_unchanged(team.team_version))
    }
}

/// The condition on a project's header that its team is the one that was read, and that it was not deleted.
pub fn is_unchanged(team_version: u64) -> Condition {
    let reachable = "attribute_exists(pk) AND attribute_not_exists(deletedAt)";
    if team_version == 0 {
        return Condition::new(format!("{reachable} AND attribute_not_exists(teamVersion)"));
    }
    Condition::new(format!("{reachable} AND teamVersion = :teamVersion")).value(":teamVersion", n(team_version))
}
