//! Where a device stands in each of its person's conversations, as a cursor carries it.
//!
//! A position is a conversation's `changeSeq`, so no clock has a say in what a device has seen. As many conversations as fit stand in the
//! cursor itself. Where there are more, the table keeps a baseline of all of them, and the cursor names it beside the few that have moved on
//! since: most cursors cost no write, and none is longer than 4 KB.

use std::collections::BTreeMap;

use shared_utils::clock::Timestamp;
use shared_utils::cursor::MAX_PLACE;
use shared_utils::ids::{BaselineId, ConversationId, UserId};

/// How long a cursor is good, in seconds.
const LIFE_SECONDS: i64 = 30 * 86_400;
/// How old a baseline may be for a cursor that is given out, in seconds: it has to outlive the cursor.
const BASELINE_SECONDS: i64 = 86_400;
/// Clocks may differ by this much.
const SLACK_SECONDS: i64 = 3_600;
/// The layout of what follows. A cursor of another one is too old.
const LAYOUT: u8 = 2;

/// Where a device stands in a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Position {
    /// The last change that it was told of.
    pub(crate) change_seq: u64,
    /// For a project's conversation, the version of title and team that it was told of: the change log has none of their changes.
    pub(crate) project_version: u64,
    /// Which of its person's stays in the conversation this is about.
    pub(crate) stay: u16,
}

/// A position in each conversation; none where the person takes part no longer.
pub(crate) type Positions = BTreeMap<ConversationId, Option<Position>>;

/// All positions of some moment, kept in the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Baseline {
    pub(crate) id: BaselineId,
    /// When it was made.
    pub(crate) made_at: Timestamp,
}

impl Baseline {
    /// The one of this hour: whoever asks for many cursors is given the same one.
    pub(crate) fn of_the_hour(user: UserId, now: Timestamp) -> Self {
        let made_at = Timestamp::from_seconds(now.seconds() - now.seconds().rem_euclid(3_600));
        Self { id: BaselineId::derived(made_at, &user.to_string()), made_at }
    }

    /// One of its own.
    pub(crate) fn new(now: Timestamp) -> Self {
        Self { id: BaselineId::generate(now), made_at: now }
    }

    /// When nobody needs it any more, in epoch seconds.
    pub(crate) const fn ttl(&self) -> i64 {
        self.made_at.seconds() + BASELINE_SECONDS + LIFE_SECONDS + SLACK_SECONDS
    }

    /// Whether cursors may still be given out that lead to it.
    pub(crate) const fn is_fresh(&self, now: Timestamp) -> bool {
        now.seconds() - self.made_at.seconds() < BASELINE_SECONDS
    }
}

/// What a cursor stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// When it was given out.
    pub(crate) issued_at: Timestamp,
    /// Where the positions are that do not stand here.
    pub(crate) baseline: Option<Baseline>,
    /// Positions that stand here, over those of the baseline.
    pub(crate) moved: Positions,
}

impl Place {
    /// Whether its time is over.
    pub(crate) fn is_expired(&self, now: Timestamp) -> bool {
        now.millis_since(self.issued_at) > LIFE_SECONDS * 1000
    }

    /// Whether it fits into a cursor.
    pub(crate) fn fits(&self) -> bool {
        self.to_bytes().len() <= MAX_PLACE
    }

    /// As a cursor carries it.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = vec![LAYOUT];
        put_number(&mut bytes, self.issued_at.millis().cast_unsigned());
        match &self.baseline {
            None => bytes.push(0),
            Some(baseline) => {
                bytes.push(1);
                bytes.extend(baseline.id.to_bytes());
                put_number(&mut bytes, baseline.made_at.millis().cast_unsigned());
            }
        }
        bytes.extend(positions_to_bytes(&self.moved));
        bytes
    }

    /// Whether these bytes are of a layout that is not read any more.
    pub fn is_outdated(bytes: &[u8]) -> bool {
        bytes.first().is_some_and(|layout| *layout < LAYOUT)
    }

    /// Reads what [`Self::to_bytes`] has written.
    pub fn from_bytes(mut bytes: &[u8]) -> Option<Self> {
        let bytes = &mut bytes;
        if take(bytes, 1)? != [LAYOUT] {
            return None;
        }
        let issued_at = take_time(bytes)?;
        let baseline = match take(bytes, 1)? {
            [0] => None,
            _ => Some(Baseline { id: BaselineId::from_bytes(take(bytes, 16)?.try_into().ok()?), made_at: take_time(bytes)? }),
        };
        Some(Self { issued_at, baseline, moved: positions_from_bytes(bytes)? })
    }
}

/// Positions, sixteen bytes and a number each: 0 for a conversation that was left, else the position and one, the project's version, and
/// two bytes for the stay.
pub(crate) fn positions_to_bytes(positions: &Positions) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(positions.len() * 21);
    for (conversation, position) in positions {
        bytes.extend(conversation.to_bytes());
        match position {
            None => bytes.push(0),
            Some(Position { change_seq, project_version, stay }) => {
                put_number(&mut bytes, change_seq + 1);
                put_number(&mut bytes, *project_version);
                bytes.extend(stay.to_be_bytes());
            }
        }
    }
    bytes
}

/// Reads what [`positions_to_bytes`] has written.
pub(crate) fn positions_from_bytes(mut bytes: &[u8]) -> Option<Positions> {
    let mut positions = Positions::new();
    while !bytes.is_empty() {
        let conversation = ConversationId::from_bytes(take(&mut bytes, 16)?.try_into().ok()?);
        let position = match take_number(&mut bytes)?.checked_sub(1) {
            None => None,
            Some(change_seq) => Some(Position {
                change_seq,
                project_version: take_number(&mut bytes)?,
                stay: u16::from_be_bytes(take(&mut bytes, 2)?.try_into().ok()?),
            }),
        };
        positions.insert(conversation, position);
    }
    Some(positions)
}

/// Seven bits a byte, the lowest first; the highest bit says that more follow.
fn put_number(bytes: &mut Vec<u8>, mut number: u64) {
    loop {
        let [low, ..] = number.to_le_bytes();
        number >>= 7;
        if number == 0 {
            bytes.push(low & 0x7f);
            return;
        }
        bytes.push(low | 0x80);
    }
}

fn take_number(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0u64;
    for shift in (0..64).step_by(7) {
        let byte = take(bytes, 1)?[0];
        number |= u64::from(byte & 0x7f).checked_shl(shift)?;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

fn take_time(bytes: &mut &[u8]) -> Option<Timestamp> {
    take_number(bytes).map(|millis| Timestamp::from_millis(millis.cast_signed()))
}

fn take<'a>(bytes: &mut &'a [u8], count: usize) -> Option<&'a [u8]> {
    let (taken, rest) = bytes.split_at_checked(count)?;
    *bytes = rest;
    Some(taken)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn positions() -> impl Strategy<Value = Positions> {
        let position =
            (0..u64::MAX, any::<u64>(), any::<u16>()).prop_map(|(change_seq, project_version, stay)| Position { change_seq, project_version, stay });
        proptest::collection::btree_map(any::<[u8; 16]>().prop_map(ConversationId::from_bytes), proptest::option::of(position), 0..40)
    }

    proptest! {
        #[test]
        fn a_place_is_read_as_it_is_written(
            issued in 0i64..(1 << 50),
            baseline in proptest::option::of((any::<[u8; 16]>(), 0i64..(1 << 50))),
            moved in positions(),
        ) {
            let baseline = baseline.map(|(id, made)| Baseline { id: BaselineId::from_bytes(id), made_at: Timestamp::from_millis(made) });
            let place = Place { issued_at: Timestamp::from_millis(issued), baseline, moved };
            prop_assert_eq!(Place::from_bytes(&place.to_bytes()), Some(place));
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Place::from_bytes(&bytes);
        }
    }

    #[test]
    fn a_hundred_and_thirty_conversations_fit_into_a_cursor_and_a_thousand_do_not() {
        let place = |count: u128| Place {
            issued_at: Timestamp::from_millis(1_800_000_000_000),
            baseline: None,
            moved: (0..count)
                .map(|number| (ConversationId::from_bytes(number.to_be_bytes()), Some(Position { change_seq: 20_000, project_version: 3, stay: 7 })))
                .collect(),
        };
        assert!(place(130).fits());
        assert!(!place(1_000).fits());
    }
}
