//! Team changes. The header and the list rows change in one transaction, so no reader sees one without the other.

use access::session::Session;
use access::teams::{MAX_TEAM, Member, TeamRole};
use shared_utils::dynamo::{Transaction, delete};
use shared_utils::http::Error;
use shared_utils::ids::UserId;

use super::{MAX_BYTES, Project, ProjectStore, Write, member_key};

/// A change of one person's membership.
pub(crate) enum TeamChange {
    /// Adds the person or changes their role or title.
    Set(Member),
    /// Removes the person.
    Remove,
}

impl ProjectStore {
    /// The project after the change. Errors: the last owner would be removed or lose the role, or the team or the project becomes too large.
    pub(crate) fn with_team(&self, before: &Project, user: UserId, change: &TeamChange) -> Result<Project, Error> {
        let mut next = before.clone();
        match change {
            TeamChange::Set(member) => next.team.insert(user, member.clone()),
            TeamChange::Remove => next.team.remove(&user),
        };
        if !next.team.values().any(|member| member.role == TeamRole::Owner) {
            return Err(Error::LastOwner);
        }
        if next.team.len() > MAX_TEAM {
            return Err(Error::Conflict(format!("A team has at most {MAX_TEAM} people.").into()));
        }
        if next.size() > MAX_BYTES {
            return Err(Error::field("title", "too_large", "With this entry the project is larger than 390 KB."));
        }
        next.version += 1;
        let role = |project: &Project| project.team.get(&user).map(|member| member.role);
        if role(before) != role(&next) {
            next.team_version += 1;
        }
        next.updated_at = self.clock.now();
        Ok(next)
    }

    /// Writes the next state. Returns `false` if the project changed since `before` was read. One round trip.
    pub(crate) async fn change_team(&self, _session: &Session, before: &Project, next: &Project, user: UserId) -> Result<bool, Error> {
        let minute = next.updated_at.minute();
        let mut change = Transaction::new();
        change.add(Write::Header, self.team_write(before, next)?);
        if next.team.contains_key(&user) {
            change.add(Write::ListRow, self.member_put(next.project_id, user, minute));
        } else if before.team.contains_key(&user) {
            change.add(Write::ListRow, delete(&self.table, member_key(next.project_id, user)));
        }
        // The person's own list row is written above. The rows of the other members move.
        let mut others = before.clone();
        others.team.remove(&user);
        change.add_all(Write::ListRow, self.activity_writes(&others, minute));
        self.transact_and_move(change).await
    }
}
