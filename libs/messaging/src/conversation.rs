//! Conversations: the head item, the participants, and the view of one participant.

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

/// Maximum number of markers that one send creates. An expression is limited to 4 KB.
const MAX_JOINED: usize = 100;

/// The kind of a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, strum::EnumString, strum::VariantNames, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
#[schemars(rename = "ConversationType")]
pub enum ConversationKind {
    /// Two people. Each pair has one.
    Direct,
    /// 2–50 people with a title.
    Group,
    /// The team of a project. Each project has one.
    Project,
}

impl TextSchema for ConversationKind {
    fn text_schema() -> Value {
        one_of(<Self as strum::VariantNames>::VARIANTS)
    }
}

/// A participant's read marker.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Marker {
    /// The last `seq` that counts as read.
    pub read_seq: u64,
    /// The theoretical arrival time of this person's send rate, in milliseconds since the epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sends_until: Option<i64>,
    /// When the others were last told of the marker, in milliseconds since the epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub told_at: Option<i64>,
    /// For a project conversation: when the person joined the team. A person who leaves and returns gets a new marker.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub joined_at: Option<Timestamp>,
    /// The `changeSeq` that added the person to a group. 0 for the original participants.
    #[serde(default)]
    pub joined_change: u64,
}

/// Summary of the last message, for lists.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LastMessage {
    /// Message id.
    pub message_id: MessageId,
    /// Its `seq`.
    pub seq: u64,
    /// Sender.
    pub sender_id: UserId,
    /// The first 140 characters of the text. Empty after deletion.
    pub snippet: String,
    /// Number of attachments.
    pub attachments: usize,
    /// When it was sent.
    pub timestamp: Timestamp,
    /// Whether the message is a tombstone.
    pub deleted: bool,
}

/// A conversation's head item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Head {
    /// Conversation id.
    pub conversation_id: ConversationId,
    /// Its kind. The stored name differs because `type` is the item type.
    pub conversation_type: ConversationKind,
    /// The title of a group.
    pub title: Option<String>,
    /// The project of a project conversation.
    pub project_id: Option<ProjectId>,
    /// Who created it.
    pub created_by: UserId,
    /// When it was created.
    pub created_at: Timestamp,
    /// Read markers. In a direct or group conversation, the keys are the participants. In a project conversation, the team takes part, and only
    /// members who have read, sent or joined late have a marker.
    pub participants: BTreeMap<UserId, Marker>,
    /// The number of messages.
    pub last_seq: u64,
    /// The number of changes: sends, edits, deletions, reactions, updates of a group's title or participants.
    pub change_seq: u64,
    /// The `changeSeq` of the last update of a group's title or participants. 0 before the first.
    #[serde(default)]
    pub updated_change: u64,
    /// The last message, if any.
    pub last_message: Option<LastMessage>,
    /// Time of the last send, or of creation. Lists are sorted by it.
    pub last_activity_at: Timestamp,
}

/// A participant, as the API returns it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Participant {
    /// User id.
    pub user_id: UserId,
    /// The last `seq` that the participant has read.
    pub read_seq: u64,
}

/// A conversation as one participant sees it, in the API's shape.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Conversation")]
pub struct ConversationView {
    /// Conversation id.
    pub conversation_id: ConversationId,
    /// Its kind.
    pub r#type: ConversationKind,
    /// Title of the group or project.
    pub title: Option<String>,
    /// The project of a project conversation.
    pub project_id: Option<ProjectId>,
    /// All participants.
    pub participants: Vec<Participant>,
    /// Who created it.
    pub created_by: UserId,
    /// When it was created.
    pub created_at: Timestamp,
    /// The last message.
    pub last_message: Option<LastMessage>,
    /// The number of messages.
    pub last_seq: u64,
    /// The last `seq` that the viewer has read.
    pub read_seq: u64,
    /// Number of messages that the viewer has not read.
    pub unread: u64,
    /// Version of title and participants. The view with the higher version is newer.
    pub version: u64,
}

/// A conversation with the data that decides who takes part in it.
#[derive(Debug, Clone)]
pub struct Conversation {
    /// The head item. In a project conversation the first message creates it; until then this field holds the initial values.
    pub head: Head,
    /// Whether the table has the head item.
    pub(crate) is_stored: bool,
    /// The project's team, for a project conversation.
    pub team: Option<Team>,
}

impl Conversation {
    /// All current participants.
    pub fn participants(&self) -> Vec<UserId> {
        match &self.team {
            Some(team) => team.team.keys().copied().collect(),
            None => self.head.participants.keys().copied().collect(),
        }
    }

    /// Increases with every change to the title or participants of a group or project.
    pub(crate) fn version(&self) -> u64 {
        self.project_version().unwrap_or(self.head.updated_change)
    }

    /// Increases with every change to a project's title or team. The change log has no entries for these. `None` for other kinds.
    pub(crate) fn project_version(&self) -> Option<u64> {
        self.team.as_ref().map(|team| team.team_version + team.title_version)
    }

    /// The conversation of a project before its first message.
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

    /// A conversation whose head is in the table.
    pub(crate) fn stored(head: Head, team: Option<Team>) -> Self {
        Self { head, is_stored: true, team }
    }

    /// Whether this person is a participant now. An administrator outside a team is not.
    pub fn includes(&self, user: UserId) -> bool {
        match &self.team {
            Some(team) => team.team.contains_key(&user),
            None => self.head.participants.contains_key(&user),
        }
    }

    /// Returns the conversation to a participant; [`Error::NotFound`] for anyone else.
    pub fn for_participant(self, user: UserId) -> Result<Self, Error> {
        self.require_participant(user).map(|()| self)
    }

    /// Checks that a person is a participant; [`Error::NotFound`] for anyone else.
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

    /// A person's read marker. `None` for a marker from an earlier membership of the team.
    pub(crate) fn marker(&self, user: UserId) -> Option<&Marker> {
        let marker = self.head.participants.get(&user)?;
        let is_old = self.member(user).is_some_and(|member| marker.joined_at.is_some_and(|joined_at| joined_at != member.joined_at));
        (!is_old).then_some(marker)
    }

    /// This person's marker, moved to `read_seq`.
    pub(crate) fn marker_at(&self, user: UserId, read_seq: u64) -> Marker {
        let known = self.marker(user).copied().unwrap_or_default();
        Marker { read_seq, joined_at: self.member(user).map(|member| member.joined_at), ..known }
    }

    /// Distinguishes a person's current membership from earlier ones, because changes missed in between have no position. For a team: the time
    /// of joining, in milliseconds since the epoch. For a group: the `changeSeq` that added the person.
    pub(crate) fn membership_epoch(&self, user: UserId) -> u64 {
        match self.member(user) {
            Some(member) => member.joined_at.millis().cast_unsigned(),
            None => self.head.participants.get(&user).map_or(0, |marker| marker.joined_change),
        }
    }

    /// The last `seq` that this person has read. A late team member without a marker starts at the last message.
    pub fn read_seq(&self, user: UserId) -> u64 {
        if let Some(marker) = self.marker(user) {
            return marker.read_seq;
        }
        let joined_later = self.member(user).is_some_and(|member| member.joined_at > self.head.created_at);
        if joined_later { self.head.last_seq } else { 0 }
    }

    /// Team members without a marker who joined after the conversation was opened. Their markers start at the last message. Returns at most
    /// `MAX_JOINED`; the next send handles the rest.
    pub(crate) fn joined(&self, but: UserId) -> Vec<UserId> {
        let Some(team) = &self.team else { return Vec::new() };
        let is_new = |(user, member): &(&UserId, &Member)| **user != but && member.joined_at > self.head.created_at && self.marker(**user).is_none();
        team.team.iter().filter(is_new).map(|(user, _)| *user).take(MAX_JOINED).collect()
    }

    /// The API's view of the conversation for this person.
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
    /// The keys of a conversation's head and of its possible project header. Only the head shows whether the header matters. Both are read
    /// together, because a second round trip costs more than a key that may not exist.
    pub(crate) fn conversation_keys(&self, conversation: ConversationId) -> [(&str, Key); 2] {
        [(&self.table, keys::head(conversation)), (&self.projects_table, access::teams::header_key(conversation.as_project()))]
    }

    /// Extracts a conversation from the items of [`Self::conversation_keys`]. `None` when it does not exist, or its project is gone.
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

    /// The conversation of a project whose team is already read. One round trip.
    pub async fn project_conversation(&self, team: Team) -> Result<Conversation, StoreError> {
        let head: Option<Head> = self.store.get(&self.table, &keys::head(ConversationId::of_project(team.project_id))).await?;
        Ok(match head {
            Some(head) => Conversation::stored(head, Some(team)),
            None => Conversation::of_project(team),
        })
    }

    /// A conversation of this participant; [`Error::NotFound`] for anyone else. One round trip.
    pub async fn conversation(&self, user: UserId, conversation: ConversationId) -> Result<Conversation, Error> {
        self.find_conversation(conversation).await?.ok_or(Error::NotFound)?.for_participant(user)
    }

    /// A conversation, without a participant check. The caller must check.
    pub async fn find_conversation(&self, conversation: ConversationId) -> Result<Option<Conversation>, StoreError> {
        let mut found = self.store.get_many(&self.conversation_keys(conversation)).await?;
        self.conversation_from(&mut found, conversation)
    }
}
