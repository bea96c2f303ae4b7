//! What sockets are told about projects, after the write and after the answer: the app's own names, to the right people only.

use std::collections::BTreeMap;

use access::teams::{Member, TeamRole, at_least};
use serde_json::{Value, json};
use shared_utils::ids::{ProjectId, UserId};

use crate::App;
use crate::store::Project;

/// Everyone in a team.
fn everyone(team: &BTreeMap<UserId, Member>) -> Vec<UserId> {
    team.keys().copied().collect()
}

impl App {
    fn announce_later(&self, people: Vec<UserId>, frame: Value) {
        let announcer = self.announcer.clone();
        self.after.push(async move {
            // Who turns out to be gone is announced by the functions that know whom they share something with.
            let _ = announcer.announce(&people, &frame).await;
        });
    }

    /// `projectUpdated`: these fields changed.
    pub(crate) fn announce_project(&self, project: &Project, fields: &Value, by: UserId) {
        let frame = json!({"action": "projectUpdated", "projectId": project.project_id, "version": project.version, "fields": fields, "userId": by});
        self.announce_later(everyone(&project.team), frame);
    }

    /// `projectRemoved`: it is gone.
    pub(crate) fn announce_removal(&self, project: &Project) {
        self.announce_later(everyone(&project.team), json!({"action": "projectRemoved", "projectId": project.project_id}));
    }

    /// `teamChanged`: this person has this role now, or none; told to the team and to them.
    pub(crate) fn announce_team(&self, project: &Project, user: UserId, role: Option<TeamRole>, by: UserId) {
        let mut people = everyone(&project.team);
        if !people.contains(&user) {
            people.push(user);
        }
        let (id, version) = (project.project_id, project.version);
        self.announce_later(people, json!({"action": "teamChanged", "projectId": id, "version": version, "userId": user, "role": role, "by": by}));
    }

    /// `budgetUpdated`: the revision that was written, with its totals.
    pub(crate) fn announce_budget(
        &self,
        team: &BTreeMap<UserId, Member>,
        project: ProjectId,
        (revision, version): (u64, u64),
        totals: &Value,
        by: UserId,
    ) {
        let frame =
            json!({"action": "budgetUpdated", "projectId": project, "revision": revision, "version": version, "totals": totals, "userId": by});
        self.announce_later(at_least(team, TeamRole::Editor), frame);
    }

    /// `clientRevisionUpdated`: another revision is the client's now.
    pub(crate) fn announce_client_revision(&self, team: &BTreeMap<UserId, Member>, project: ProjectId, revision: Option<u64>, by: UserId) {
        let frame = json!({"action": "clientRevisionUpdated", "projectId": project, "clientRevision": revision, "userId": by});
        self.announce_later(at_least(team, TeamRole::Editor), frame);
    }
}
