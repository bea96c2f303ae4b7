//! Notifications: the item, the API's shape, and the events that make one.
//!
//! A notification holds ids only, no text: what it is about is read under the ids, with the reader's present rights.
//!
//! A mention and a file are events that happen once. Their item has the notification's id as its key, so pages are ranges of keys. An addition to
//! a conversation or project and a shared budget can happen again. Their item has the `dedupeId` as its key, so the latest one replaces the one
//! before, in the same single write. A person has at most one such item for each conversation, project and budget.

use access::session::Session;
use aws_sdk_dynamodb::types::AttributeValue;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use shared_utils::clock::Timestamp;
use shared_utils::dynamo::{Item, Key, StoreError, from_item, n, s, to_attribute};
use shared_utils::ids::{ConversationId, FileId, MessageId, NotificationId, ProjectId, UserId};

use crate::keys;
use crate::message::Message;

/// How long a notification is kept, in seconds.
const LIFE_SECONDS: i64 = 90 * 86_400;
/// The attribute of the notification's type: `type` is the item's.
const TYPE: &str = "notificationType";

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum NotificationType {
    /// A message mentions the reader.
    Mention,
    /// The reader was added to a conversation.
    ConversationAdded,
    /// The reader was added to a project.
    ProjectAdded,
    /// A file was added.
    File,
    /// The client's revision of a budget was set.
    BudgetShared,
}

impl NotificationType {
    /// Whether the event happens once, so that its `dedupeId` never comes again.
    const fn happens_once(self) -> bool {
        match self {
            Self::Mention | Self::File => true,
            Self::ConversationAdded | Self::ProjectAdded | Self::BudgetShared => false,
        }
    }
}

/// A notification of one person, in the shape of the API. What does not apply is null.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Notification {
    /// Notification id. A later notification has a greater id.
    pub notification_id: NotificationId,
    /// What happened.
    pub r#type: NotificationType,
    /// Names the event. Of a person's notifications no two have the same `dedupeId`: the later one replaces the earlier one.
    pub dedupe_id: String,
    /// The conversation of the event.
    pub conversation_id: Option<ConversationId>,
    /// The message of the event.
    pub message_id: Option<MessageId>,
    /// The `seq` of the message.
    pub seq: Option<u64>,
    /// The project of the event.
    pub project_id: Option<ProjectId>,
    /// The file of the event.
    pub file_id: Option<FileId>,
    /// Who did it.
    pub actor_id: UserId,
    /// When it happened.
    pub created_at: Timestamp,
    /// When the reader marked it as read. Null before.
    pub read_at: Option<Timestamp>,
}

/// A notification to write: an event of a person whose session was checked.
#[derive(Debug, Clone)]
pub struct NewNotification(Notification);

impl Notification {
    /// `message` mentions someone.
    pub fn mention(session: &Session, message: &Message, project_id: Option<ProjectId>) -> NewNotification {
        let new = Self::new(session, NotificationType::Mention, message.message_id.to_string(), message.timestamp);
        NewNotification(Self {
            conversation_id: Some(message.conversation_id),
            message_id: Some(message.message_id),
            seq: Some(message.seq),
            project_id,
            ..new
        })
    }

    /// Someone was added to a conversation.
    pub fn conversation_added(session: &Session, conversation_id: ConversationId, at: Timestamp) -> NewNotification {
        let new = Self::new(session, NotificationType::ConversationAdded, format!("conversation#{conversation_id}"), at);
        NewNotification(Self { conversation_id: Some(conversation_id), ..new })
    }

    /// Someone was added to a project.
    pub fn project_added(session: &Session, project_id: ProjectId, at: Timestamp) -> NewNotification {
        let new = Self::new(session, NotificationType::ProjectAdded, format!("project#{project_id}"), at);
        NewNotification(Self { project_id: Some(project_id), ..new })
    }

    /// A file was added to a project or a conversation. `at` is when it was completed, which happens once.
    pub fn file_added(
        session: &Session,
        (project_id, conversation_id): (Option<ProjectId>, Option<ConversationId>),
        file_id: FileId,
        at: Timestamp,
    ) -> NewNotification {
        let new = Self::new(session, NotificationType::File, format!("file#{file_id}"), at);
        NewNotification(Self { project_id, conversation_id, file_id: Some(file_id), ..new })
    }

    /// The client's revision of a project's budget was set.
    pub fn budget_shared(session: &Session, project_id: ProjectId, at: Timestamp) -> NewNotification {
        let new = Self::new(session, NotificationType::BudgetShared, format!("budget#{project_id}"), at);
        NewNotification(Self { project_id: Some(project_id), ..new })
    }

    fn new(session: &Session, r#type: NotificationType, dedupe_id: String, at: Timestamp) -> Self {
        Self {
            // The same event has the same id, so a write that is repeated makes no second notification.
            notification_id: NotificationId::derived(at, &dedupe_id),
            r#type,
            dedupe_id,
            conversation_id: None,
            message_id: None,
            seq: None,
            project_id: None,
            file_id: None,
            actor_id: session.user,
            created_at: at,
            read_at: None,
        }
    }

    /// Whether its time is over. The table deletes it days later.
    pub(crate) fn is_over(&self, now: Timestamp) -> bool {
        self.expires_at() <= now
    }

    const fn expires_at(&self) -> Timestamp {
        self.created_at.plus_seconds(LIFE_SECONDS)
    }

    /// Whether the item's key is the `dedupeId`.
    pub(crate) const fn is_of_subject(&self) -> bool {
        !self.r#type.happens_once()
    }

    /// The key of this person's item.
    pub(crate) fn key(&self, user: UserId) -> Key {
        let sort = match (self.is_of_subject(), self.read_at) {
            (true, _) => keys::subject_sort(&self.dedupe_id),
            (false, None) => keys::unread_sort(self.notification_id),
            (false, Some(_)) => keys::read_sort(self.notification_id),
        };
        Key::new(keys::notifications(user), sort)
    }

    /// This person's item.
    pub(crate) fn item(&self, user: UserId) -> Result<Item, StoreError> {
        let AttributeValue::M(mut item) = to_attribute(self)? else { return Err(StoreError::corrupt("notification")) };
        let kind = item.insert("type".to_owned(), s("notification"));
        item.extend(kind.map(|kind| (TYPE.to_owned(), kind)));
        item.extend(self.key(user).into_item());
        item.insert("ttl".to_owned(), n(self.expires_at().seconds()));
        Ok(item)
    }

    /// Reads an item.
    pub(crate) fn from_item(mut item: Item) -> Result<Self, StoreError> {
        if let Some(kind) = item.remove(TYPE) {
            item.insert("type".to_owned(), kind);
        }
        from_item(item)
    }
}

impl NewNotification {
    pub(crate) fn notification(&self) -> &Notification {
        &self.0
    }

    /// Those of these people whom it concerns: everyone but the person who did it, each once.
    pub(crate) fn concerned(&self, people: impl IntoIterator<Item = UserId>) -> Vec<UserId> {
        let concerned: std::collections::BTreeSet<UserId> = people.into_iter().filter(|person| *person != self.0.actor_id).collect();
        concerned.into_iter().collect()
    }
}
