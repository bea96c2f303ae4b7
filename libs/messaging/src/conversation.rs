//! Conversations: the head item, who takes part, and what one of them sees of it.

use std::collections::BTreeMap;

use access::teams::{Member, Team};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use shared_utils::audit;
use shared_utils::clock::Timestamp;
use shared_utils::dynamo::{Item, Key, StoreError, from_item};
use shared_utils::fields::{TextSchema, one_of};
use shared_utils::ids::{ConversationId, MessageId, ProjectId, UserId};

use crate::{Error, Messaging, keys};

/// How many markers one send starts: an expression has 4 KB.
const MAX_JOINED: usize = 100;

/// What kind of conversation it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, strum::EnumString, strum::VariantNames, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum ConversationKind {
    /// Two people; one per pair.
    Direct,
    /// 2–50 people under a title.
    Group,
    /// The team of a project; one per project.
    Project,
}

impl TextSchema for ConversationKind {
    fn text_schema() -> Value {
        one_of(<Self as strum::VariantNames>::VARIANTS)
    }
}

/// Up to where a participant has read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Marker {
    /// The last `seq` that counts as read.
    pub read_seq: u64,
    /// The theoretical arrival time of this person's rate of sends, in milliseconds since the epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sends_until: Option<i64>,
    /// Since when its person is in the team, for a project's conversation: who leaves and comes back begins again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub joined_at: Option<Timestamp>,
    /// By which change its person was added to a group, 0 for those who were there from the beginning.
    #[serde(default)]
    pub joined_change: u64,
}

/// The last message, as lists show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LastMessage {
    /// Which one.
    pub message_id: MessageId,
    /// Its place.
    pub seq: u64,
    /// Who sent it.
    pub sender_id: UserId,
    /// The first 140 characters of its text, empty once deleted.
    pub snippet: String,
    /// How many attachments it has.
    pub attachments: usize,
    /// When it was sent.
    pub timestamp: Timestamp,
    /// Whether only a tombstone is left.
    pub deleted: bool,
}

/// A conversation's head item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Head {
    /// Which conversation.
    pub conversation_id: ConversationId,
    /// Its kind. Stored under this name because `type` is the item's own.
    pub conversation_type: ConversationKind,
    /// The title of a group.
    pub title: Option<String>,
    /// The project of a project conversation.
    pub project_id: Option<ProjectId>,
    /// Who opened it.
    pub created_by: UserId,
    /// When.
    pub created_at: Timestamp,
    /// Read markers. For direct and group conversations these are the participants; for a project conversation the team takes
    /// part, and only those are here who have read or sent something.
    pub participants: BTreeMap<UserId, Marker>,
    /// The number of messages.
    pub last_seq: u64,
    /// The number of changes: sends, edits, deletions, reactions, a group's title and people.
    pub change_seq: u64,
    /// Which of them was the last to a group's title or people, 0 before the first.
    #[serde(default)]
    pub updated_change: u64,
    /// The last message, if there is one.
    pub last_message: Option<LastMessage>,
    /// When it was opened or something was last sent: lists are in this order.
    pub last_activity_at: Timestamp,
}

/// A participant, as the API gives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Participant {
    /// Who.
    pub user_id: UserId,
    /// Up to where they have read.
    pub read_seq: u64,
}

/// A conversation as one participant sees it: the API's shape.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConversationView {
    /// Which one.
    pub conversation_id: ConversationId,
    /// Its kind.
    pub r#type: ConversationKind,
    /// A group's title, a project's title.
    pub title: Option<String>,
    /// The project of a project conversation.
    pub project_id: Option<ProjectId>,
    /// Everyone who takes part.
    pub participants: Vec<Participant>,
    /// Who opened it.
    pub created_by: UserId,
    /// When.
    pub created_at: Timestamp,
    /// The last message.
    pub last_message: Option<LastMessage>,
    /// The number of messages.
    pub last_seq: u64,
    /// Up to where the viewer has read.
    pub read_seq: u64,
    /// How many the viewer has not read.
    pub unread: u64,
    /// Of two views the one with the higher version has the later title and people.
    pub version: u64,
}

/// A conversation with everything that decides who takes part in it.
#[derive(Debug, Clone)]
pub struct Conversation {
    /// The head item. A project's conversation has one from its first message on; until then this is what it begins with.
    pub head: Head,
    /// Whether the head item is there.
    pub(crate) is_stored: bool,
    /// The project's team, for a project conversation.
    pub team: Option<Team>,
}

impl Conversation {
    /// Everyone who takes part now.
    pub fn participants(&self) -> Vec<UserId> {
        match &self.team {
            Some(team) => team.team.keys().copied().collect(),
            None => self.head.participants.keys().copied().collect(),
        }
    }

    /// Rises with every change of the title and people of a group or project.
    pub(crate) fn version(&self) -> u64 {
        self.project_version().unwrap_or(self.head.updated_change)
    }

    /// For a project's conversation, what rises with every change of the project's title and team: its change log has none of them.
    pub(crate) fn project_version(&self) -> Option<u64> {
        self.team.as_ref().map(|team| team.team_version + team.title_version)
    }

    /// The conversation of a project in which nothing was said yet.
    pub fn of_project(team: Team) -> Self {
        let head = Head {
            conversation_id: ConversationId::of_project(team.project_id),
            conversation_type: ConversationKind::Project,
            title: None,
            project_id: Some(team.project_id),
            created_by: team.created_by,
            created_at: team.created_at,
            participants: BTreeMap::new(),
            last_seq: 0,
            change_seq: 0,
            updated_change: 0,
            last_message: None,
            last_activity_at: team.created_at,
        };
        Self { head, is_stored: false, team: Some(team) }
    }

    /// A conversation whose head was read.
    pub(crate) fn stored(head: Head, team: Option<Team>) -> Self {
        Self { head, is_stored: true, team }
    }

    /// Whether this person takes part now. An administrator outside a team does not.
    pub fn includes(&self, user: UserId) -> bool {
        match &self.team {
            Some(team) => team.team.contains_key(&user),
            None => self.head.participants.contains_key(&user),
        }
    }

    /// The conversation, for someone who takes part; [`Error::NotFound`] for anyone else.
    pub fn for_participant(self, user: UserId) -> Result<Self, Error> {
        self.require_participant(user).map(|()| self)
    }

    /// Lets someone through who takes part; [`Error::NotFound`] for anyone else.
    pub fn require_participant(&self, user: UserId) -> Result<(), Error> {
        if self.includes(user) {
            return Ok(());
        }
        audit!("access_denied", userId = %user, conversationId = %self.head.conversation_id, reason = "no_participant");
        Err(Error::NotFound)
    }

    fn member(&self, user: UserId) -> Option<&Member> {
        self.team.as_ref()?.team.get(&user)
    }

    /// A person's read marker. One that a team member left behind before they went and came back is none.
    pub(crate) fn marker(&self, user: UserId) -> Option<&Marker> {
        let marker = self.head.participants.get(&user)?;
        let is_old = self.member(user).is_some_and(|member| marker.joined_at.is_some_and(|joined_at| joined_at != member.joined_at));
        (!is_old).then_some(marker)
    }

    /// A marker of this person, up to `read_seq`.
    pub(crate) fn marker_at(&self, user: UserId, read_seq: u64) -> Marker {
        let known = self.marker(user).copied().unwrap_or_default();
        Marker { read_seq, joined_at: self.member(user).map(|member| member.joined_at), ..known }
    }

    /// Tells a person's present membership from earlier ones: who left and came back has missed changes that no position shows. When the
    /// person joined the team, in milliseconds since the epoch; in a group, by which change they were added.
    pub(crate) fn membership_epoch(&self, user: UserId) -> u64 {
        match self.member(user) {
            Some(member) => member.joined_at.millis().cast_unsigned(),
            None => self.head.participants.get(&user).map_or(0, |marker| marker.joined_change),
        }
    }

    /// Up to where this person has read. A team member who came later and has read nothing yet starts at the end.
    pub fn read_seq(&self, user: UserId) -> u64 {
        if let Some(marker) = self.marker(user) {
            return marker.read_seq;
        }
        let joined_later = self.member(user).is_some_and(|member| member.joined_at > self.head.created_at);
        if joined_later { self.head.last_seq } else { 0 }
    }

    /// Team members without a marker who joined after the conversation was opened: their reading starts at the end. At most as many
    /// as an expression holds; the next send goes on.
    pub(crate) fn joined(&self, but: UserId) -> Vec<UserId> {
        let Some(team) = &self.team else { return Vec::new() };
        let is_new = |(user, member): &(&UserId, &Member)| **user != but && member.joined_at > self.head.created_at && self.marker(**user).is_none();
        team.team.iter().filter(is_new).map(|(user, _)| *user).take(MAX_JOINED).collect()
    }

    /// What this person sees of it.
    pub fn view(&self, user: UserId) -> ConversationView {
        let head = &self.head;
        let read_seq = self.read_seq(user);
        ConversationView {
            conversation_id: head.conversation_id,
            r#type: head.conversation_type,
            title: self.team.as_ref().map(|team| team.title.clone()).or_else(|| head.title.clone()),
            project_id: head.project_id,
            participants: self.participants().into_iter().map(|user_id| Participant { user_id, read_seq: self.read_seq(user_id) }).collect(),
            created_by: head.created_by,
            created_at: head.created_at,
            last_message: head.last_message.clone(),
            last_seq: head.last_seq,
            read_seq,
            unread: head.last_seq.saturating_sub(read_seq),
            version: self.version(),
        }
    }
}

impl Messaging {
    /// The keys of a conversation's head and of the project header that would decide who takes part: read together, because only
    /// the head says whether the project matters, and a second round trip costs more than a key that may not exist.
    pub(crate) fn conversation_keys(&self, conversation: ConversationId) -> [(&str, Key); 2] {
        [(&self.table, keys::head(conversation)), (&self.projects_table, access::teams::header_key(conversation.as_project()))]
    }

    /// Takes a conversation out of what was read by [`Self::conversation_keys`]. `None` when it does not exist, or its project is gone.
    pub(crate) fn conversation_from(
        &self,
        found: &mut std::collections::HashMap<(String, Key), Item>,
        conversation: ConversationId,
    ) -> Result<Option<Conversation>, StoreError> {
        let [head, project] = self.conversation_keys(conversation).map(|(table, key)| found.remove(&(table.to_owned(), key)));
        let head: Option<Head> = head.map(from_item).transpose()?;
        if let Some(head) = head.as_ref().filter(|head| head.conversation_type != ConversationKind::Project) {
            return Ok(Some(Conversation::stored(head.clone(), None)));
        }
        let team: Option<Team> = project.map(from_item).transpose()?;
        let team = team.filter(|team| team.deleted_at.is_none());
        if team.is_none() && head.is_some() {
            self.orphaned.note(conversation);
        }
        Ok(team.map(|team| match head {
            Some(head) => Conversation::stored(head, Some(team)),
            None => Conversation::of_project(team),
        }))
    }

    /// The conversation of a project whose team is known. One round trip.
    pub async fn project_conversation(&self, team: Team) -> Result<Conversation, StoreError> {
        let head: Option<Head> = self.store.get(&self.table, &keys::head(ConversationId::of_project(team.project_id))).await?;
        Ok(match head {
            Some(head) => Conversation::stored(head, Some(team)),
            None => Conversation::of_project(team),
        })
    }

    /// A conversation that this person takes part in; [`Error::NotFound`] for anyone else. One round trip.
    pub async fn conversation(&self, user: UserId, conversation: ConversationId) -> Result<Conversation, Error> {
        self.find_conversation(conversation).await?.ok_or(Error::NotFound)?.for_participant(user)
    }

    /// A conversation, without a check of who takes part: the caller makes it.
    pub async fn find_conversation(&self, conversation: ConversationId) -> Result<Option<Conversation>, StoreError> {
        let mut found = self.store.get_many(&self.conversation_keys(conversation)).await?;
        self.conversation_from(&mut found, conversation)
    }
}
