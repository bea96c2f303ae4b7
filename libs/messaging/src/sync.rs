//! Sync: everything that changed in a person's conversations since the last call of one of their devices.
//!
//! A device has a `changeSeq` position in each conversation ([`crate::sync_cursor`]). The change log above it holds what the device missed, each
//! message once and in its current state. The head is read first, and then the log up to the head's `changeSeq`. The next call returns
//! concurrent changes, so no change is skipped.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use schemars::JsonSchema;
use serde::Serialize;
use shared_utils::aws_limits::{MAX_ANSWER, bytes_in_answer};
use shared_utils::dynamo::{Item, PartitionQuery, StoreError, n, s};
use shared_utils::ids::{ConversationId, UserId};

use crate::change_log::{ChangeEntry, ChangeType};
use crate::conversation::{Conversation, ConversationView};
use crate::inbox::UnreadNotifications;
use crate::message::Message;
use crate::sync_cursor::{Baseline, Position, Positions, positions_from_bytes, positions_to_bytes};
use crate::{Error, Messaging, keys};

pub use crate::sync_cursor::SyncCursor;

/// A page ends when it exceeds this many bytes, because the next change may be large.
const MAX_PAGE: usize = MAX_ANSWER / 2;
/// Maximum number of read rounds per page. A round may find few entries, because later changes have replaced others.
const ROUNDS: usize = 4;

/// One change. A client applies it regardless of its own state, and keeps the highest `version` of each message.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Change {
    /// Type of the latest change.
    pub r#type: ChangeType,
    /// Conversation id.
    pub conversation_id: ConversationId,
    /// The message in its current state.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<Message>,
    /// The current conversation, if it is new to the reader, or its title or participants changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conversation: Option<ConversationView>,
    /// If the conversation is new to the reader: its newest messages, oldest first. They replace the device's local data.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub messages: Option<Vec<Message>>,
    /// If the conversation is new to the reader: whether older messages exist.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub more_messages: Option<bool>,
}

impl Change {
    fn of(r#type: ChangeType, conversation_id: ConversationId) -> Self {
        Self { r#type, conversation_id, message: None, conversation: None, messages: None, more_messages: None }
    }

    fn of_conversation(r#type: ChangeType, conversation: &Conversation, user: UserId) -> Self {
        Self { conversation: Some(conversation.view(user)), ..Self::of(r#type, conversation.head.conversation_id) }
    }
}

/// One page of changes.
#[derive(Debug, Clone)]
pub struct SyncPage {
    /// The changes. Those of one conversation are in order.
    pub changes: Vec<Change>,
    /// The device's positions after these changes.
    pub cursor: SyncCursor,
    /// Whether there are more changes.
    pub more: bool,
    /// On the last page: all conversations that the person takes part in.
    pub conversation_ids: Option<Vec<ConversationId>>,
    /// The notifications that the person has not read.
    pub notifications: UnreadNotifications,
}

/// A range of a conversation's change log: above `from`, up to `to`.
#[derive(Debug, Clone, Copy)]
struct Stretch {
    conversation: ConversationId,
    /// The device's position at the start of the call.
    since: u64,
    from: u64,
    to: u64,
}

/// A page under construction.
struct PageBuilder<'a> {
    user: UserId,
    limit: usize,
    conversations: &'a BTreeMap<ConversationId, Conversation>,
    changes: Vec<Change>,
    /// Size of the changes in a response, in bytes.
    size: usize,
    /// The device's positions after these changes.
    after: Positions,
    /// Ranges that are still to be read.
    waiting: VecDeque<Stretch>,
}

impl Messaging {
    /// The current positions of a person's conversations. [`Self::sync`] returns the changes after them. Two round trips, three if the positions
    /// do not fit into a cursor.
    pub async fn sync_from_now(&self, user: UserId) -> Result<SyncPage, Error> {
        let (listed, notifications) = futures_util::future::try_join(self.listed(user), self.unread_notifications(user)).await?;
        let conversations = self.conversations_of(user, listed).await?;
        let positions: Positions = conversations.iter().map(|(id, conversation)| (*id, Some(position_in(conversation, user)))).collect();
        let inline = SyncCursor { issued_at: self.clock.now(), baseline: None, moved: positions };
        let cursor = if inline.fits() { inline } else { self.with_baseline(user, &inline.moved, &inline.moved).await? };
        Ok(SyncPage { changes: Vec::new(), cursor, more: false, conversation_ids: Some(conversations.into_keys().collect()), notifications })
    }

    /// At most `limit` changes since `since`. [`Error::CursorExpired`] when the cursor is too old. Usually three round trips.
    pub async fn sync(&self, user: UserId, since: SyncCursor, limit: usize) -> Result<SyncPage, Error> {
        if since.is_expired(self.clock.now()) {
            return Err(Error::CursorExpired);
        }
        let known = self.positions(user, &since);
        let listed = async { Ok(self.listed(user).await?) };
        let notifications = async { Ok(self.unread_notifications(user).await?) };
        let (mut listed, known, notifications) = futures_util::future::try_join3(listed, known, notifications).await?;
        listed.uncertain.extend(known.keys().filter(|id| !listed.named.contains(id)));
        let conversations = self.conversations_of(user, listed).await?;
        let mut builder =
            PageBuilder { user, limit, conversations: &conversations, changes: Vec::new(), size: 0, after: known.clone(), waiting: VecDeque::new() };
        let mut more = false;
        let mut joined = Vec::new();
        for id in known.keys().chain(conversations.keys()).copied().collect::<BTreeSet<_>>() {
            match (known.get(&id).copied().flatten(), conversations.get(&id)) {
                (Some(before), Some(conversation)) if position_in(conversation, user).membership_epoch == before.membership_epoch => {
                    more |= !builder.take_known(before, conversation);
                }
                // The conversation is new, or the person left and rejoined. The device's data on it may be incomplete.
                (_, Some(conversation)) => joined.push(conversation),
                (Some(_), None) if builder.is_full() => more = true,
                (Some(_), None) => {
                    builder.after.insert(id, None);
                    builder.add(Change::of(ChangeType::Left, id));
                }
                (None, None) => {}
            }
        }
        let free = limit.saturating_sub(builder.changes.len());
        more |= joined.len() > free;
        joined.truncate(free);
        let newest = joined.iter().map(|conversation| self.newest(conversation.head.conversation_id));
        for (conversation, (messages, more_messages)) in joined.iter().zip(futures_util::future::try_join_all(newest).await?) {
            if builder.is_full() {
                more = true;
                break;
            }
            builder.after.insert(conversation.head.conversation_id, Some(position_in(conversation, user)));
            let change = Change::of_conversation(ChangeType::Joined, conversation, user);
            builder.add(Change { messages: Some(messages), more_messages: Some(more_messages), ..change });
        }
        // Usually one round fills the page, or reaches the end of the log.
        for _ in 0..ROUNDS {
            if builder.is_full() || builder.waiting.is_empty() {
                break;
            }
            self.read_round(&mut builder).await?;
        }
        let PageBuilder { changes, after, waiting, .. } = builder;
        let cursor = self.cursor_after(user, &since, &known, &after).await?;
        let more = more || !waiting.is_empty();
        // A client may show a conversation without a position. It removes the conversations that are not in this list.
        let conversation_ids = (!more).then(|| conversations.keys().copied().collect());
        Ok(SyncPage { changes, cursor, more, conversation_ids, notifications })
    }

    /// Reads concurrently as many ranges as the page may need, and adds what fits.
    async fn read_round(&self, builder: &mut PageBuilder<'_>) -> Result<(), Error> {
        let free = builder.limit - builder.changes.len();
        let (mut chosen, mut bound) = (Vec::new(), 0);
        while bound < free as u64
            && let Some(stretch) = builder.waiting.pop_front()
        {
            bound += stretch.to - stretch.from;
            chosen.push(stretch);
        }
        let read = chosen.iter().map(|stretch| self.entries(*stretch, free));
        let mut left_over = Vec::new();
        for (stretch, (entries, is_all)) in chosen.iter().zip(futures_util::future::try_join_all(read).await?) {
            let (mut reached, mut is_whole) = (stretch.from, is_all);
            for (at, entry) in entries {
                if builder.is_full() {
                    is_whole = false;
                    break;
                }
                reached = at;
                if let Some(conversation) = builder.conversations.get(&stretch.conversation) {
                    builder.add(entry.into_change(conversation, stretch.since, builder.user));
                }
            }
            if is_whole {
                reached = stretch.to;
            } else {
                left_over.push(Stretch { from: reached, ..*stretch });
            }
            if let Some(position) = builder.after.get_mut(&stretch.conversation).and_then(Option::as_mut) {
                position.change_seq = reached;
            }
        }
        for stretch in left_over.into_iter().rev() {
            builder.waiting.push_front(stretch);
        }
        Ok(())
    }

    /// The entries of a range in order, at most `limit`, and whether the range is complete.
    async fn entries(&self, stretch: Stretch, limit: usize) -> Result<(Vec<(u64, ChangeEntry)>, bool), StoreError> {
        let range = Some(("sk", keys::change_sort(stretch.from + 1), keys::change_sort(stretch.to)));
        let query = PartitionQuery { range, limit: Some(limit), ..PartitionQuery::all(&self.table, keys::partition(stretch.conversation)) };
        let page = self.store.query_page(&query, None).await?;
        let entries = page.items.into_iter().map(ChangeEntry::from_item).collect::<Result<Vec<_>, _>>()?;
        // A page that ends exactly at the last entry may still claim a next page.
        let is_all = page.last.is_none() || entries.last().is_some_and(|(at, _)| *at == stretch.to);
        Ok((entries, is_all))
    }

    /// The positions of a cursor, for the conversations that the person took part in.
    async fn positions(&self, user: UserId, since: &SyncCursor) -> Result<Positions, Error> {
        let mut positions = match &since.baseline {
            None => Positions::new(),
            Some(baseline) => {
                let item = self.store.get_item(&self.table, &keys::baseline(user, baseline.id)).await?;
                positions_of(&item.ok_or(Error::CursorExpired)?)?
            }
        };
        positions.extend(&since.moved);
        positions.retain(|_, position| position.is_some());
        Ok(positions)
    }

    /// The cursor after a page. If not all positions fit, it holds only those that moved since the baseline. If those do not fit, or the
    /// baseline would expire before the cursor, a new baseline is made.
    async fn cursor_after(&self, user: UserId, since: &SyncCursor, known: &Positions, after: &Positions) -> Result<SyncCursor, Error> {
        let now = self.clock.now();
        let present = after.iter().filter(|(_, position)| position.is_some()).map(|(id, position)| (*id, *position)).collect();
        let inline = SyncCursor { issued_at: now, baseline: None, moved: present };
        if inline.fits() {
            return Ok(inline);
        }
        if let Some(baseline) = since.baseline.filter(|baseline| baseline.is_fresh(now)) {
            // Positions that this page did not move keep their value from the baseline or the previous cursor.
            let moved = since.moved.clone().into_iter().chain(differing(known, after)).collect();
            let cursor = SyncCursor { issued_at: now, baseline: Some(baseline), moved };
            if cursor.fits() {
                return Ok(cursor);
            }
        }
        self.with_baseline(user, known, after).await
    }

    /// A cursor for `after` with this hour's baseline, made from `before` if absent. If that baseline differs too much, the cursor gets its own
    /// baseline.
    async fn with_baseline(&self, user: UserId, before: &Positions, after: &Positions) -> Result<SyncCursor, Error> {
        let now = self.clock.now();
        let baseline = Baseline::of_the_hour(user, now);
        let base = match self.store.put_if_absent(&self.table, baseline_item(user, baseline, before)).await? {
            Some(item) => positions_of(&item)?,
            None => before.clone(),
        };
        let cursor = SyncCursor { issued_at: now, baseline: Some(baseline), moved: differing(&base, after).collect() };
        if cursor.fits() {
            return Ok(cursor);
        }
        let baseline = Baseline::new(now);
        self.store.put_item(&self.table, baseline_item(user, baseline, after)).await?;
        Ok(SyncCursor { issued_at: now, baseline: Some(baseline), moved: Positions::new() })
    }
}

impl PageBuilder<'_> {
    /// Handles a conversation that the device knows. Adds changes of a project's title and team now, and queues its log. `false` when the page
    /// is full.
    fn take_known(&mut self, before: Position, conversation: &Conversation) -> bool {
        let id = conversation.head.conversation_id;
        let now = position_in(conversation, self.user);
        if now.change_seq > before.change_seq {
            self.waiting.push_back(Stretch { conversation: id, since: before.change_seq, from: before.change_seq, to: now.change_seq });
        }
        if now.project_version == before.project_version {
            return true;
        }
        if self.is_full() {
            return false;
        }
        self.after.insert(id, Some(Position { project_version: now.project_version, ..before }));
        self.add(Change::of_conversation(ChangeType::Updated, conversation, self.user));
        true
    }

    fn is_full(&self) -> bool {
        self.changes.len() >= self.limit || self.size > MAX_PAGE
    }

    fn add(&mut self, change: Change) {
        self.size += serde_json::to_string(&change).map_or(0, |json| bytes_in_answer(&json));
        self.changes.push(change);
    }
}

/// The position of a device that has received every change in a conversation.
fn position_in(conversation: &Conversation, user: UserId) -> Position {
    Position {
        change_seq: conversation.head.change_seq,
        project_version: conversation.project_version().unwrap_or(0),
        membership_epoch: conversation.membership_epoch(user),
    }
}

/// The positions that differ from `before`. `None` for conversations that `after` does not have.
fn differing<'a>(before: &'a Positions, after: &'a Positions) -> impl Iterator<Item = (ConversationId, Option<Position>)> + 'a {
    let gone = before.keys().filter(|id| !after.contains_key(id)).map(|id| (*id, None));
    let others = after.iter().filter(|(id, position)| before.get(id).copied().flatten() != **position).map(|(id, position)| (*id, *position));
    gone.chain(others)
}

fn baseline_item(user: UserId, baseline: Baseline, positions: &Positions) -> Item {
    let mut item = keys::baseline(user, baseline.id).into_item();
    item.insert("type".to_owned(), s("baseline"));
    item.insert("positions".to_owned(), AttributeValue::B(Blob::new(positions_to_bytes(positions))));
    item.insert("ttl".to_owned(), n(baseline.ttl()));
    item
}

fn positions_of(baseline: &Item) -> Result<Positions, StoreError> {
    let bytes = baseline.get("positions").and_then(|positions| positions.as_b().ok());
    bytes.and_then(|bytes| positions_from_bytes(bytes.as_ref())).ok_or_else(|| StoreError::corrupt("baseline"))
}

impl ChangeEntry {
    fn into_change(self, conversation: &Conversation, since: u64, user: UserId) -> Change {
        match self {
            Self::Updated => Change::of_conversation(ChangeType::Updated, conversation, user),
            Self::Message(change_type, stored) => {
                // A message that the device has not seen is reported as created, even if it was edited since.
                let is_new = stored.created_change > since && !stored.message.deleted;
                let r#type = if is_new { ChangeType::Created } else { change_type };
                Change { message: Some(stored.message.clone()), ..Change::of(r#type, stored.message.conversation_id) }
            }
        }
    }
}
