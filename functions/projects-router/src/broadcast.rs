//! WebSocket frames about projects, sent after the write and after the response. Each frame goes only to people who may see its content.

use std::collections::BTreeMap;

use access::teams::{Member, TeamRole};
use serde_json::{Value, json};
use shared_utils::ids::{ProjectId, UserId};

use crate::App;
use crate::store::Project;

/// Every member of a team.
fn everyone(team: &BTreeMap<UserId, Member>) -> Vec<UserId> {
    team.keys().copied().collect()
}

/// A `teamChanged` frame: this person now has this role, or left the team (`None`).
fn team_changed(project: &Project, user: UserId, role: Option<TeamRole>, by: UserId) -> Value {
    json!({"action": "teamChanged", "projectId": project.project_id, "version": project.version, "userId": user, "role": role, "by": by})
}

impl App {
    /// Sends `projectUpdated` with the changed fields. If the title changed, sends `conversationUpdated` too.
    pub(crate) fn broadcast_project(&self, before: &Project, project: &Project, fields: &Value, by: UserId) {
        let frame = json!({"action": "projectUpdated", "projectId": project.project_id, "version": project.version, "fields": fields, "userId": by});
        self.broadcaster.broadcast_later(everyone(&project.team), frame);
        if before.title() != project.title() {
            self.broadcaster.broadcast_conversation_later(project.as_team());
        }
    }

    /// Sends `projectRemoved` to the team.
    pub(crate) fn broadcast_removal(&self, project: &Project) {
        self.broadcaster.broadcast_later(everyone(&project.team), json!({"action": "projectRemoved", "projectId": project.project_id}));
    }

    /// Sends `teamChanged` for a new project: each member gets their own role, the project and its conversation.
    pub(crate) fn broadcast_new_project(&self, project: &Project, by: UserId) {
        let frames = project.team.iter().map(|(user, member)| {
            let mut frame = team_changed(project, *user, Some(member.role), by);
            frame["project"] = project.summary_json();
            (*user, frame)
        });
        self.broadcaster.broadcast_with_conversation_later(project.as_team(), frames.collect());
        self.broadcaster.introduce_later(everyone(&project.team), Vec::new());
    }

    /// Sends `teamChanged` with the new role (null if removed) to the team and to the person. Members also get the project's conversation as they see
    /// it. A new member also gets the project.
    pub(crate) fn broadcast_team(&self, before: &Project, project: &Project, user: UserId, by: UserId) {
        let role = project.team.get(&user).map(|member| member.role);
        let is_new = !before.team.contains_key(&user);
        let frame = team_changed(project, user, role, by);
        let mut frames: Vec<(UserId, Value)> = everyone(&project.team).into_iter().map(|person| (person, frame.clone())).collect();
        if role.is_none() {
            frames.push((user, frame));
        }
        for (_, frame) in frames.iter_mut().filter(|(person, _)| is_new && *person == user) {
            frame["project"] = project.summary_json();
        }
        self.broadcaster.broadcast_with_conversation_later(project.as_team(), frames);
        if is_new {
            self.broadcaster.introduce_later(vec![user], everyone(&project.team));
        }
    }

    /// Sends `budgetUpdated` with the written revision and its totals.
    pub(crate) fn broadcast_budget(
        &self,
        team: &BTreeMap<UserId, Member>,
        project: ProjectId,
        (revision, version): (u64, u64),
        totals: &Value,
        by: UserId,
    ) {
        let frame =
            json!({"action": "budgetUpdated", "projectId": project, "revision": revision, "version": version, "totals": totals, "userId": by});
        self.broadcaster.broadcast_budget_later(team, frame);
    }

    /// Sends `clientRevisionUpdated`: the client now sees another revision, or none.
    pub(crate) fn broadcast_client_revision(
        &self,
        team: &BTreeMap<UserId, Member>,
        project: ProjectId,
        (revision, version): (Option<u64>, u64),
        by: UserId,
    ) {
        let frame = json!({"action": "clientRevisionUpdated", "projectId": project, "clientRevision": revision, "version": version, "userId": by});
        self.broadcaster.broadcast_budget_later(team, frame);
    }
}
