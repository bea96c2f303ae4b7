//! A person's notifications: writing, pages, the number of unread ones, marking as read.
//!
//! Unread and read notifications of events that happen once have separate ranges of keys. So unread ones are counted without reading the others,
//! and one that is written late is unread, whatever was marked before. Marking moves them from one range to the other.

use std::collections::BTreeSet;

use access::session::Session;
use futures_util::future::{try_join, try_join_all, try_join4};
use futures_util::stream::{self, StreamExt};
use schemars::JsonSchema;
use serde::Serialize;
use shared_utils::dynamo::{Item, Key, PartitionQuery, StoreError, Transaction, Update, delete, put, s};
use shared_utils::ids::{NotificationId, UserId};

use crate::notification::{NewNotification, Notification};
use crate::{Messaging, keys};

/// The number of unread notifications beyond which they are not counted.
pub const MAX_UNREAD: usize = 100;
/// Maximum number of notifications that are marked one by one: the keys of one `BatchGetItem`.
pub const MAX_MARKED: usize = 100;
/// Notifications moved by one transaction, which holds two writes for each and at most a hundred.
const MOVED_AT_ONCE: usize = 50;
/// Number of concurrent writes of one event.
const CONCURRENCY: usize = 25;

const UNREAD: &str = "UNREAD";
const READ: &str = "READ";
const SUBJECT: &str = "SUBJECT";

/// What a person has not read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct UnreadNotifications {
    /// Number of unread notifications. 100 means 100 or more.
    pub unread: usize,
    /// The latest unread notification. Null without one.
    pub latest: Option<Notification>,
}

/// One page of notifications, the latest first.
#[derive(Debug, Clone)]
pub struct NotificationPage {
    /// The notifications.
    pub items: Vec<Notification>,
    /// Whether there are earlier ones.
    pub more: bool,
    /// Number of unread notifications, at most [`MAX_UNREAD`].
    pub unread: usize,
}

/// Which notifications to mark as read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReadMark {
    /// These.
    Each(BTreeSet<NotificationId>),
    /// This one and all before it.
    UpTo(NotificationId),
}

impl ReadMark {
    fn covers(&self, notification: &Notification) -> bool {
        match self {
            Self::Each(ids) => ids.contains(&notification.notification_id),
            Self::UpTo(last) => notification.notification_id <= *last,
        }
    }
}

/// The writes that move a notification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Write {
    Read,
    Unread,
}

impl Messaging {
    /// Writes a notification for each of these people, one item each. Returns those whose item was written: a failure is logged, and concerns
    /// nobody else.
    pub(crate) async fn notify(&self, people: &[UserId], new: &NewNotification) -> Vec<UserId> {
        let writes = people.iter().copied().map(|user| async move {
            let written = async { self.store.put_item(&self.table, new.notification().item(user)?).await };
            match written.await {
                Ok(()) => Some(user),
                Err(error) => {
                    tracing::warn!(cause = error.for_log(), userId = %user, "a notification could not be written");
                    None
                }
            }
        });
        stream::iter(writes).buffer_unordered(CONCURRENCY).filter_map(async |written| written).collect().await
    }

    /// What a person has not read. One round trip.
    pub async fn unread_notifications(&self, user: UserId) -> Result<UnreadNotifications, StoreError> {
        let (unread, subjects) = try_join(self.unread_events(user), self.subjects(user)).await?;
        let unread: Vec<Notification> = unread.into_iter().chain(subjects.into_iter().filter(|subject| subject.read_at.is_none())).collect();
        let count = unread.len().min(MAX_UNREAD);
        Ok(UnreadNotifications { unread: count, latest: unread.into_iter().max_by_key(|notification| notification.notification_id) })
    }

    /// A page of at most `limit` notifications before `before`. One round trip.
    pub async fn notifications(
        &self,
        user: UserId,
        before: Option<NotificationId>,
        only_unread: bool,
        limit: usize,
    ) -> Result<NotificationPage, StoreError> {
        let read = async { if only_unread { Ok(Vec::new()) } else { self.events(user, READ, before, limit).await } };
        let unread = self.events(user, UNREAD, before, limit);
        let (subjects, unread, read, counted) = try_join4(self.subjects(user), unread, read, self.unread_events(user)).await?;
        let unread_subjects = subjects.iter().filter(|subject| subject.read_at.is_none()).count();
        let is_on_page = |notification: &Notification| {
            before.is_none_or(|before| notification.notification_id < before) && !(only_unread && notification.read_at.is_some())
        };
        let mut items: Vec<Notification> = subjects.into_iter().chain(unread).chain(read).filter(is_on_page).collect();
        items.sort_by_key(|notification| std::cmp::Reverse(notification.notification_id));
        // An event that was told again after it was read stays once, as unread.
        items.dedup_by_key(|notification| notification.notification_id);
        let more = items.len() > limit;
        items.truncate(limit);
        Ok(NotificationPage { items, more, unread: (counted.len() + unread_subjects).min(MAX_UNREAD) })
    }

    /// The unread notifications that a mark covers. An id that is unknown, someone else's or already read is nobody's. One round trip.
    pub async fn unread_of(&self, user: UserId, mark: &ReadMark) -> Result<Vec<Notification>, StoreError> {
        let events = async {
            let items = match mark {
                ReadMark::Each(ids) => {
                    let key = |id: &NotificationId| (self.table.as_str(), Key::new(keys::notifications(user), keys::unread_sort(*id)));
                    self.store.get_many(&ids.iter().map(key).collect::<Vec<_>>()).await?.into_values().collect()
                }
                ReadMark::UpTo(last) => {
                    let (name, from, _) = keys::sort_range(UNREAD);
                    let range = Some((name, from, keys::unread_sort(*last)));
                    self.store.query_all(&PartitionQuery { range, ..self.partition(user, UNREAD) }).await?
                }
            };
            self.present(items)
        };
        let (events, subjects) = try_join(events, self.subjects(user)).await?;
        let is_unread = |notification: &Notification| notification.read_at.is_none() && mark.covers(notification);
        Ok(events.into_iter().chain(subjects).filter(is_unread).collect())
    }

    /// Marks these unread notifications as read. Those that were marked meanwhile stay as they are. Usually one round trip.
    pub async fn mark_notifications_read(&self, session: &Session, unread: Vec<Notification>) -> Result<(), StoreError> {
        let (subjects, events): (Vec<_>, Vec<_>) = unread.into_iter().partition(Notification::is_of_subject);
        let subjects = try_join_all(subjects.iter().map(|subject| self.mark_subject(session, subject)));
        let events = try_join_all(events.chunks(MOVED_AT_ONCE).map(|events| self.mark_events(session, events)));
        try_join(subjects, events).await.map(|_| ())
    }

    async fn mark_subject(&self, session: &Session, subject: &Notification) -> Result<(), StoreError> {
        // A later notification about the same subject stays unread.
        let marked =
            Update::new("SET readAt = :now").when("notificationId = :id").value(":now", s(self.clock.now())).value(":id", s(subject.notification_id));
        self.store.update_item(&self.table, subject.key(session.user), marked).await.map(|_| ())
    }

    async fn mark_events(&self, session: &Session, events: &[Notification]) -> Result<(), StoreError> {
        let mut moves = Transaction::new();
        for event in events {
            let read = Notification { read_at: Some(self.clock.now()), ..event.clone() };
            moves.add(Write::Read, put(&self.table, read.item(session.user)?));
            moves.add(Write::Unread, delete(&self.table, event.key(session.user)));
        }
        self.store.transact(&moves).await?.require_committed()
    }

    /// The newest unread notifications of events that happen once, at most [`MAX_UNREAD`].
    async fn unread_events(&self, user: UserId) -> Result<Vec<Notification>, StoreError> {
        let query = PartitionQuery { descending: true, limit: Some(MAX_UNREAD), ..self.partition(user, UNREAD) };
        self.present(self.store.query_page(&query, None).await?.items)
    }

    /// The notifications about conversations, projects and budgets.
    async fn subjects(&self, user: UserId) -> Result<Vec<Notification>, StoreError> {
        self.present(self.store.query_all(&self.partition(user, SUBJECT)).await?)
    }

    /// The newest notifications of a range before `before`: one more than `limit`, to tell whether there are more.
    async fn events(&self, user: UserId, range: &str, before: Option<NotificationId>, limit: usize) -> Result<Vec<Notification>, StoreError> {
        let (name, from, to) = keys::sort_range(range);
        let to = before.map_or(to, |before| format!("{range}#{before}"));
        // The range has both ends, and `before` itself may be there.
        let limit = limit + 2;
        let query = PartitionQuery { range: Some((name, from, to)), descending: true, limit: Some(limit), ..self.partition(user, range) };
        self.present(self.store.query_page(&query, None).await?.items)
    }

    fn partition(&self, user: UserId, range: &str) -> PartitionQuery<'_> {
        PartitionQuery { range: Some(keys::sort_range(range)), ..PartitionQuery::all(&self.table, keys::notifications(user)) }
    }

    /// The notifications in these items whose time is not over.
    fn present(&self, items: Vec<Item>) -> Result<Vec<Notification>, StoreError> {
        let now = self.clock.now();
        let read: Result<Vec<Notification>, StoreError> = items.into_iter().map(Notification::from_item).collect();
        Ok(read?.into_iter().filter(|notification| !notification.is_over(now)).collect())
    }
}
