//! What a participant may do besides reading and writing, and the condition that somebody still takes part.

use access::teams::{TeamRole, acts_as};
use shared_utils::auth::Caller;
use shared_utils::dynamo::{Condition, TransactWrite, check};
use shared_utils::ids::UserId;

use crate::conversation::Conversation;
use crate::{Messaging, keys};

impl Conversation {
    /// Whether this participant acts as owner of the conversation's project, and so may delete what others wrote.
    pub fn is_owned_by(&self, caller: &Caller) -> bool {
        self.team.as_ref().is_some_and(|team| acts_as(&team.team, caller.user, caller.role) == Some(TeamRole::Owner))
    }
}

impl Messaging {
    /// A condition for a transaction: this person still takes part. In a project's conversation, the team is the one that was read.
    pub fn participation_check(&self, conversation: &Conversation, user: UserId) -> TransactWrite {
        if let Some(team) = &conversation.team {
            return self.teams.unchanged_check(team);
        }
        let takes_part = Condition::new("attribute_exists(participants.#user)").name("#user", user);
        check(&self.table, keys::head(conversation.head.conversation_id), takes_part)
    }
}
