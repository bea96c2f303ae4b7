//! Project teams and roles. The project's header item holds its team, so one read or one condition on it authorizes.

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

/// Maximum number of people in a team.
pub const MAX_TEAM: usize = 100;
/// Maximum number of people besides the owner in a new project, because a transaction has at most 100 items.
pub const MAX_NEW_TEAM: usize = 90;

/// A person's rights in a project. Ordered: each role includes the rights of the roles before it.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, strum::EnumString, strum::VariantNames, schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum TeamRole {
    /// Sees the project and writes in its conversation.
    Viewer,
    /// Also edits the project and sees and edits its budget.
    Editor,
    /// Also changes the team and deletes the project.
    Owner,
}

impl TextSchema for TeamRole {
    fn text_schema() -> Value {
        one_of(<Self as strum::VariantNames>::VARIANTS)
    }
}

/// A person's membership in a team.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Member {
    /// Role in the project.
    pub role: TeamRole,
    /// Title in this project.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// When the person joined.
    pub joined_at: Timestamp,
}

/// The part of a project's header that decides access.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Team {
    /// The project.
    pub project_id: ProjectId,
    /// The project's title.
    pub title: String,
    /// All members.
    pub team: BTreeMap<UserId, Member>,
    /// Number of changes to members and roles. 0 if none was counted yet.
    #[serde(default)]
    pub team_version: u64,
    /// Number of changes to the title.
    #[serde(default)]
    pub title_version: u64,
    /// Who created the project.
    pub created_by: UserId,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was deleted; it is unreachable from then on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted_at: Option<Timestamp>,
}

impl Team {
    /// Checks that a person is in the team; [`Error::NotInTeam`] for anyone else, administrators included.
    pub fn for_member(&self, user: UserId) -> Result<(), Error> {
        if self.team.contains_key(&user) {
            return Ok(());
        }
        audit!("access_denied", userId = %user, projectId = %self.project_id, reason = "not_in_team");
        Err(Error::NotInTeam)
    }
}

/// The role that a person acts in. An administrator acts as owner in every project, anyone else in their own team role. Requests, sockets and
/// broadcasts all use this rule.
pub fn acts_as(team: &BTreeMap<UserId, Member>, user: UserId, role: Role) -> Option<TeamRole> {
    if role == Role::Admin { Some(TeamRole::Owner) } else { team.get(&user).map(|member| member.role) }
}

/// Checks that a caller acts at least in this role: [`Error::NotInTeam`] for outsiders, [`Error::RoleTooSmall`] for lower roles.
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

    /// The `limit` projects of a person with the latest activity. Reads an index, so a very recent change may be missing.
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

    /// A transaction condition: the team is the one that was read, and the project was not deleted. That team decided authorization and
    /// recipients.
    pub fn unchanged_check(&self, team: &Team) -> TransactWrite {
        check(&self.table, header_key(team.project_id), is_unchanged(team.team_version))
    }
}

/// The condition on a project's header that the team is the one that was read, and the project was not deleted.
pub fn is_unchanged(team_version: u64) -> Condition {
    let reachable = "attribute_exists(pk) AND attribute_not_exists(deletedAt)";
    if team_version == 0 {
        return Condition::new(format!("{reachable} AND attribute_not_exists(teamVersion)"));
    }
    Condition::new(format!("{reachable} AND teamVersion = :teamVersion")).value(":teamVersion", n(team_version))
}
