//! WebSocket frames about projects, sent after the write and after the response. Each frame goes only to people who may see its content.

use std::collections::BTreeMap;

use access::session::Session;
use access::teams::{Member, TeamRole};
use budgets::TotalsView;
use messaging::conversation::ConversationView;
use messaging::notification::Notification;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Serialize;
use serde_json::{Map, Value, json};
use shared_utils::ids::{ProjectId, UserId};

use crate::App;
use crate::project::{PROJECT_FIELDS, ProjectSummaryView, schema};
use crate::store::Project;

/// Every member of a team.
fn everyone(team: &BTreeMap<UserId, Member>) -> Vec<UserId> {
    team.keys().copied().collect()
}

/// A frame about a project.
#[derive(Serialize, JsonSchema)]
#[serde(tag = "action", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum ProjectFrame<'a> {
    /// Someone has another role in a team, or is not in it any more.
    TeamChanged {
        /// Which project.
        project_id: ProjectId,
        /// Of several frames about one project the highest version holds.
        version: u64,
        /// Whose role.
        user_id: UserId,
        /// The role; null for someone who is not in the team any more.
        role: Option<TeamRole>,
        /// Who changed it.
        by: UserId,
        /// For a new member: the project, as lists have it. Null where the frame was truncated.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[schemars(schema_with = "summary_schema")]
        project: Option<Value>,
        /// For members: the project's conversation, as the receiver sees it.
        #[serde(skip_serializing_if = "Option::is_none")]
        conversation: Option<ConversationView>,
    },
    /// Fields of a project changed. Changed fields of more than 2,000 bytes are left out.
    ProjectUpdated {
        /// Which project.
        project_id: ProjectId,
        /// Of several frames about one project the highest version holds.
        version: u64,
        /// The fields that changed, null where they were cleared. Null as a whole where the frame was truncated.
        #[schemars(schema_with = "fields_schema")]
        fields: &'a Value,
        /// Who changed them.
        user_id: UserId,
    },
    /// A project is gone.
    ProjectRemoved {
        /// Which project.
        project_id: ProjectId,
    },
    /// A revision of a budget was written.
    BudgetUpdated {
        /// The budget's project.
        project_id: ProjectId,
        /// The revision's number.
        revision: u64,
        /// The version of the budget.
        version: u64,
        /// The totals of the revision.
        totals: TotalsView,
        /// Who wrote it.
        user_id: UserId,
    },
    /// Another revision is the one that the client sees.
    ClientRevisionUpdated {
        /// The budget's project.
        project_id: ProjectId,
        /// The revision's number; null where there is none.
        client_revision: Option<u64>,
        /// The version of the budget.
        version: u64,
        /// Who chose it.
        user_id: UserId,
    },
}

fn summary_schema(generator: &mut SchemaGenerator) -> Schema {
    let summary = generator.subschema_for::<ProjectSummaryView>();
    json_schema!({"anyOf": [summary, {"type": "null"}]})
}

fn fields_schema(_: &mut SchemaGenerator) -> Schema {
    let fields: Map<String, Value> =
        PROJECT_FIELDS.iter().map(|(name, kind, _)| ((*name).to_owned(), json!({"anyOf": [schema(*kind), {"type": "null"}]}))).collect();
    json_schema!({"type": ["object", "null"], "properties": fields, "additionalProperties": false})
}

/// A `teamChanged` frame: this person now has this role, or left the team (`None`).
fn team_changed(project: &Project, user: UserId, role: Option<TeamRole>, by: UserId) -> Value {
    json!(ProjectFrame::TeamChanged {
        project_id: project.project_id,
        version: project.version,
        user_id: user,
        role,
        by,
        project: None,
        conversation: None
    })
}

impl App {
    /// Sends `projectUpdated` with the changed fields. If the title changed, sends `conversationUpdated` too.
    pub(crate) fn broadcast_project(&self, before: &Project, project: &Project, fields: &Value, by: UserId) {
        let (project_id, version) = (project.project_id, project.version);
        let frame = json!(ProjectFrame::ProjectUpdated { project_id, version, fields, user_id: by });
        self.broadcaster.broadcast_later(everyone(&project.team), frame);
        if before.title() != project.title() {
            self.broadcaster.broadcast_conversation_later(project.as_team());
        }
    }

    /// Sends `projectRemoved` to the team.
    pub(crate) fn broadcast_removal(&self, project: &Project) {
        self.broadcaster.broadcast_later(everyone(&project.team), json!(ProjectFrame::ProjectRemoved { project_id: project.project_id }));
    }

    /// Sends `teamChanged` for a new project: each member gets their own role, the project and its conversation. The others in the team get a
    /// notification.
    pub(crate) fn broadcast_new_project(&self, project: &Project, session: &Session) {
        let frames = project.team.iter().map(|(user, member)| {
            let mut frame = team_changed(project, *user, Some(member.role), session.user);
            frame["project"] = json!(project.summary());
            (*user, frame)
        });
        self.broadcaster.broadcast_with_conversation_later(project.as_team(), frames.collect());
        self.broadcaster.introduce_later(everyone(&project.team), Vec::new());
        self.broadcaster.notify_later(everyone(&project.team), Notification::project_added(session, project.project_id, project.created_at));
    }

    /// Sends `teamChanged` with the new role (null if removed) to the team and to the person. Members also get the project's conversation as they see
    /// it. A new member also gets the project, and a notification.
    pub(crate) fn broadcast_team(&self, before: &Project, project: &Project, user: UserId, session: &Session) {
        let role = project.team.get(&user).map(|member| member.role);
        let is_new = !before.team.contains_key(&user);
        let frame = team_changed(project, user, role, session.user);
        let mut frames: Vec<(UserId, Value)> = everyone(&project.team).into_iter().map(|person| (person, frame.clone())).collect();
        if role.is_none() {
            frames.push((user, frame));
        }
        for (_, frame) in frames.iter_mut().filter(|(person, _)| is_new && *person == user) {
            frame["project"] = json!(project.summary());
        }
        self.broadcaster.broadcast_with_conversation_later(project.as_team(), frames);
        if is_new {
            self.broadcaster.introduce_later(vec![user], everyone(&project.team));
            let joined_at = project.team.get(&user).map_or(self.context.clock.now(), |member| member.joined_at);
            self.broadcaster.notify_later(vec![user], Notification::project_added(session, project.project_id, joined_at));
        }
    }

    /// Sends `budgetUpdated` with the written revision and its totals.
    pub(crate) fn broadcast_budget(
        &self,
        team: &BTreeMap<UserId, Member>,
        project: ProjectId,
        (revision, version): (u64, u64),
        totals: TotalsView,
        by: UserId,
    ) {
        let frame = json!(ProjectFrame::BudgetUpdated { project_id: project, revision, version, totals, user_id: by });
        self.broadcaster.broadcast_budget_later(team, frame);
    }

    /// Sends `clientRevisionUpdated`: the client now sees another revision, or none. For another revision, the team members who may see the
    /// budget get a notification.
    pub(crate) fn broadcast_client_revision(
        &self,
        team: &BTreeMap<UserId, Member>,
        project: ProjectId,
        (before, revision, version): (Option<u64>, Option<u64>, u64),
        session: &Session,
    ) {
        let frame = json!(ProjectFrame::ClientRevisionUpdated { project_id: project, client_revision: revision, version, user_id: session.user });
        self.broadcaster.broadcast_budget_later(team, frame);
        if revision.is_some() && revision != before {
            let readers = team.iter().filter(|(_, member)| member.role >= TeamRole::Editor).map(|(user, _)| *user);
            self.broadcaster.notify_later(readers.collect(), Notification::budget_shared(session, project, self.context.clock.now()));
        }
    }
}
