//! The fields that `lineLocked` and `lineUnlocked` share: `{projectId, lineId, revision}`.

use access::session::Session;
use access::teams::{Team, TeamRole, require_role};
use realtime::LineKey;
use shared_utils::fields::{FieldLog, Fields};
use shared_utils::http::Error;
use shared_utils::ids::ProjectId;

use super::frame::{Named, SubjectKey};

/// The longest `lineId`, in characters. Any text is accepted, not only ids of existing lines.
const MAX_LINE_ID: usize = 64;

/// The budget line that a frame names.
pub(super) struct NamedLine {
    project: Named<ProjectId>,
    /// Line id and revision number.
    line: Result<(String, u64), Error>,
}

impl NamedLine {
    pub(super) fn read<L: FieldLog>(fields: &mut Fields<L>) -> Self {
        fields.ignore(&["conversationId"]);
        let project_id = fields.string("projectId", 0..=256);
        let project = fields.require("projectId", project_id).map_or(Named::Missing, |id| id.parse().map_or(Named::Malformed, Named::Id));
        let line_id = fields.string("lineId", 1..=MAX_LINE_ID);
        let line_id = fields.require("lineId", line_id).unwrap_or_default();
        let revision = fields.integer("revision", 1..=u64::from(u32::MAX));
        let revision = fields.require("revision", revision).unwrap_or_default();
        Self { project, line: fields.end().map(|()| (line_id, revision)).map_err(Error::from) }
    }

    pub(super) fn subject(&self) -> SubjectKey {
        SubjectKey::Team(self.project)
    }

    /// Returns the line and the team of its budget. Requires that the session may edit the budget.
    pub(super) fn require(self, session: &Session, team: Option<Team>) -> Result<(LineKey, Team), Error> {
        let team = self.project.require(team)?;
        if let Some(team) = &team {
            require_role(&team.team, session, TeamRole::Editor)?;
        }
        let (line_id, revision) = self.line?;
        let team = team.ok_or(Error::NotFound)?;
        Ok((LineKey { project_id: team.project_id, revision, line_id }, team))
    }
}
