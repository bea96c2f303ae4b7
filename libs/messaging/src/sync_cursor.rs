//! The content of the `GET /messages/sync` cursor: how far a device has read the change log of each conversation.
//!
//! A position is a conversation's `changeSeq`, so it depends on no clock. The cursor holds as many positions as fit. If there are more, the
//! table stores a baseline of all positions. The cursor then names the baseline and holds the positions that changed since. So most cursors need
//! no write, and none is longer than 4 KB.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use shared_utils::clock::Timestamp;
use shared_utils::cursor::MAX_PLACE;
use shared_utils::ids::{BaselineId, ConversationId, UserId};

/// Lifetime of a cursor, in seconds.
const LIFE_SECONDS: i64 = 30 * 86_400;
/// Maximum age of a baseline for a new cursor, in seconds. The baseline must outlive the cursor.
const BASELINE_SECONDS: i64 = 86_400;
/// Tolerance for clock differences, in seconds.
const SLACK_SECONDS: i64 = 3_600;
/// The version of the encoding. Cursors of earlier versions have expired.
const LAYOUT: u8 = 3;

/// How far a device has read a conversation's change log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Position {
    /// The last change that the device received.
    pub(crate) change_seq: u64,
    /// For a project conversation: the version of title and team that the device received. The change log has no entries for these.
    pub(crate) project_version: u64,
    /// The membership that this position belongs to: see [`crate::conversation::Conversation::membership_epoch`].
    pub(crate) membership_epoch: u64,
}

/// A position in each conversation. `None` if the person no longer takes part.
pub(crate) type Positions = BTreeMap<ConversationId, Option<Position>>;

/// All positions at one time, stored in the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Baseline {
    pub(crate) id: BaselineId,
    /// When it was made.
    pub(crate) made_at: Timestamp,
}

impl Baseline {
    /// The baseline of this hour, shared by the cursors of that hour.
    pub(crate) fn of_the_hour(user: UserId, now: Timestamp) -> Self {
        let made_at = Timestamp::from_seconds(now.seconds() - now.seconds().rem_euclid(3_600));
        Self { id: BaselineId::derived(made_at, &format!("{user} {LAYOUT}")), made_at }
    }

    /// A baseline for one cursor only.
    pub(crate) fn new(now: Timestamp) -> Self {
        Self { id: BaselineId::generate(now), made_at: now }
    }

    /// When no cursor needs it any more, in epoch seconds.
    pub(crate) const fn ttl(&self) -> i64 {
        self.made_at.seconds() + BASELINE_SECONDS + LIFE_SECONDS + SLACK_SECONDS
    }

    /// Whether new cursors may still use it.
    pub(crate) const fn is_fresh(&self, now: Timestamp) -> bool {
        now.seconds() - self.made_at.seconds() < BASELINE_SECONDS
    }
}

/// A decoded sync cursor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyncCursor {
    /// When it was issued.
    pub(crate) issued_at: Timestamp,
    /// The baseline with the positions that the cursor does not hold.
    pub(crate) baseline: Option<Baseline>,
    /// The positions that the cursor holds. They override those of the baseline.
    pub(crate) moved: Positions,
}

impl SyncCursor {
    /// Whether its lifetime is over.
    pub(crate) fn is_expired(&self, now: Timestamp) -> bool {
        now.millis_since(self.issued_at) > LIFE_SECONDS * 1000
    }

    /// Whether the encoded cursor is short enough.
    pub(crate) fn fits(&self) -> bool {
        self.to_bytes().len() <= MAX_PLACE
    }

    /// Encodes the cursor.
    pub fn to_bytes(&self) -> Vec<u8> {
        encode(&Encoded {
            layout: LAYOUT,
            issued_at: self.issued_at.millis().cast_unsigned(),
            baseline: self.baseline.map(|baseline| (baseline.id.to_bytes(), baseline.made_at.millis().cast_unsigned())),
            moved: to_entries(&self.moved),
        })
    }

    /// Whether these bytes use an encoding that is no longer read.
    pub fn is_outdated(bytes: &[u8]) -> bool {
        bytes.first().is_some_and(|layout| *layout < LAYOUT)
    }

    /// Decodes the output of [`Self::to_bytes`].
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let encoded: Encoded = decode(bytes)?;
        let baseline = |(id, made_at)| Baseline { id: BaselineId::from_bytes(id), made_at: time(made_at) };
        (encoded.layout == LAYOUT).then(|| Self {
            issued_at: time(encoded.issued_at),
            baseline: encoded.baseline.map(baseline),
            moved: from_entries(encoded.moved),
        })
    }
}

/// Encodes positions for a baseline's item.
pub(crate) fn positions_to_bytes(positions: &Positions) -> Vec<u8> {
    encode(&to_entries(positions))
}

/// Decodes the output of [`positions_to_bytes`].
pub(crate) fn positions_from_bytes(bytes: &[u8]) -> Option<Positions> {
    decode(bytes).map(from_entries)
}

/// A cursor in `postcard` encoding: integers take seven bits per byte. The first byte is the layout.
#[derive(Serialize, Deserialize)]
struct Encoded {
    layout: u8,
    issued_at: u64,
    baseline: Option<([u8; 16], u64)>,
    moved: Vec<Entry>,
}

/// Conversation id, `changeSeq` + 1 (0 if the person left), project version, membership epoch.
type Entry = ([u8; 16], u64, u64, u64);

fn to_entries(positions: &Positions) -> Vec<Entry> {
    let entry = |(id, position): (&ConversationId, &Option<Position>)| {
        position.map_or((id.to_bytes(), 0, 0, 0), |position| {
            (id.to_bytes(), position.change_seq + 1, position.project_version, position.membership_epoch)
        })
    };
    positions.iter().map(entry).collect()
}

fn from_entries(entries: Vec<Entry>) -> Positions {
    let position = |(id, change, project_version, membership_epoch): Entry| {
        let position = change.checked_sub(1).map(|change_seq| Position { change_seq, project_version, membership_epoch });
        (ConversationId::from_bytes(id), position)
    };
    entries.into_iter().map(position).collect()
}

fn time(millis: u64) -> Timestamp {
    Timestamp::from_millis(millis.cast_signed())
}

fn encode(value: &impl Serialize) -> Vec<u8> {
    // Encoding fails only for values of unknown length, and there are none.
    postcard::to_allocvec(value).unwrap_or_default()
}

fn decode<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Option<T> {
    let (value, rest) = postcard::take_from_bytes(bytes).ok()?;
    rest.is_empty().then_some(value)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn positions() -> impl Strategy<Value = Positions> {
        let position = (0..u64::MAX, any::<u64>(), any::<u64>()).prop_map(|(change_seq, project_version, membership_epoch)| Position {
            change_seq,
            project_version,
            membership_epoch,
        });
        proptest::collection::btree_map(any::<[u8; 16]>().prop_map(ConversationId::from_bytes), proptest::option::of(position), 0..40)
    }

    proptest! {
        #[test]
        fn cursors_round_trip(
            issued in 0i64..(1 << 50),
            baseline in proptest::option::of((any::<[u8; 16]>(), 0i64..(1 << 50))),
            moved in positions(),
        ) {
            let baseline = baseline.map(|(id, made)| Baseline { id: BaselineId::from_bytes(id), made_at: Timestamp::from_millis(made) });
            let cursor = SyncCursor { issued_at: Timestamp::from_millis(issued), baseline, moved };
            prop_assert_eq!(SyncCursor::from_bytes(&cursor.to_bytes()), Some(cursor));
        }

        #[test]
        fn any_readable_bytes_round_trip(mut bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            if let Some(layout) = bytes.first_mut() {
                *layout = LAYOUT;
            }
            if let Some(cursor) = SyncCursor::from_bytes(&bytes) {
                prop_assert_eq!(SyncCursor::from_bytes(&cursor.to_bytes()), Some(cursor));
            }
        }
    }

    #[test]
    fn cursor_capacity_is_at_least_a_hundred_conversations() {
        let cursor = |count: u128, membership_epoch| SyncCursor {
            issued_at: Timestamp::from_millis(1_800_000_000_000),
            baseline: None,
            moved: (0..count)
                .map(|id| (ConversationId::from_bytes(id.to_be_bytes()), Some(Position { change_seq: 20_000, project_version: 3, membership_epoch })))
                .collect(),
        };
        assert!(cursor(130, 7).fits());
        assert!(cursor(100, 1_800_000_000_000).fits());
        assert!(!cursor(1_000, 7).fits());
    }
}
