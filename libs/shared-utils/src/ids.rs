//! Typed ids: a prefix that names the kind, then a ULID, which sorts by time and is unguessable (80 random bits).
//!
//! Ids are parsed once, at the edge. A malformed id counts as an id that does not exist.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Value, json};
use ulid::Ulid;

use crate::clock::Timestamp;
use crate::fields::TextSchema;
use crate::random;

/// The text is not an id of the wanted kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a well-formed id")]
pub struct MalformedId;

/// Creates a ULID for this time.
fn new_ulid(now: Timestamp) -> Ulid {
    let random = u128::from_le_bytes(random::bytes()) & ((1 << 80) - 1);
    let millis = u64::try_from(now.millis()).unwrap_or(0) & ((1 << 48) - 1);
    Ulid((u128::from(millis) << 80) | random)
}

/// Derives a ULID from this time, `prefix` and `seed`. The same arguments give the same ULID.
fn derived_ulid(now: Timestamp, prefix: &str, seed: &str) -> Ulid {
    let digest = ring::digest::digest(&ring::digest::SHA256, format!("{prefix}{seed}").as_bytes());
    let random = digest.as_ref().iter().take(10).fold(0u128, |number, byte| (number << 8) | u128::from(*byte));
    let millis = u64::try_from(now.millis()).unwrap_or(0) & ((1 << 48) - 1);
    Ulid((u128::from(millis) << 80) | random)
}

/// Parses a ULID. Only the canonical form is accepted: 26 upper-case Crockford characters.
fn parse_ulid(text: &str) -> Result<Ulid, MalformedId> {
    let ulid = Ulid::from_string(text).map_err(|_| MalformedId)?;
    let mut buffer = [0; ulid::ULID_LEN];
    if ulid.array_to_str(&mut buffer) == text { Ok(ulid) } else { Err(MalformedId) }
}

macro_rules! text_serde {
    ($name:ident) => {
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

/// The JSON Schema of an id.
macro_rules! text_schema {
    ($name:ident, $pattern:expr) => {
        impl TextSchema for $name {
            fn text_schema() -> Value {
                json!({"type": "string", "pattern": $pattern})
            }
        }

        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                Schema::try_from(Self::text_schema()).unwrap_or_default()
            }
        }
    };
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Ulid);

        impl $name {
            /// Creates an id for this time.
            pub fn generate(now: Timestamp) -> Self {
                Self(new_ulid(now))
            }

            /// Derives an id from this time and `seed`. The same arguments give the same id, so that a repeated import finds it. The id is as hard
            /// to guess as the seed.
            pub fn derived(now: Timestamp, seed: &str) -> Self {
                Self(derived_ulid(now, $prefix, seed))
            }

            /// The id's ULID as 16 bytes, for compact encodings.
            pub const fn to_bytes(self) -> [u8; 16] {
                self.0.0.to_be_bytes()
            }

            /// The id with this ULID.
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(Ulid(u128::from_be_bytes(bytes)))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "{}"), self.0)
            }
        }

        impl FromStr for $name {
            type Err = MalformedId;

            fn from_str(text: &str) -> Result<Self, MalformedId> {
                parse_ulid(text.strip_prefix($prefix).ok_or(MalformedId)?).map(Self)
            }
        }

        text_serde!($name);
        text_schema!($name, concat!("^", $prefix, "[0-9A-HJKMNP-TV-Z]{26}$"));
    };
}

id!(/// A person.
    UserId, "usr_");
id!(/// One login of a person, from sign-in to logout: what the API calls a session.
    SessionId, "ses_");
id!(/// A project.
    ProjectId, "prj_");
id!(/// The budget of a project.
    BudgetId, "bud_");
id!(/// A line of a budget, the same in every revision that holds it.
    LineId, "lin_");
id!(/// One written state of a revision's lines: a revision is shown by pointing at one.
    GenerationId, "gen_");
id!(/// A conversation.
    ConversationId, "cnv_");
id!(/// A file.
    FileId, "fil_");
id!(/// A notification.
    NotificationId, "ntf_");
id!(/// Where a person's devices stood in all of their conversations at some moment.
    BaselineId, "bas_");

impl ConversationId {
    /// The conversation of a project. It has the project's own ULID, so that neither needs a look-up table.
    pub const fn of_project(project: ProjectId) -> Self {
        Self(project.0)
    }

    /// The project of this conversation, if it is a project conversation. Only the conversation's head says whether it is.
    pub const fn as_project(self) -> ProjectId {
        ProjectId(self.0)
    }
}

/// A message id. It contains the message's conversation and seq, so that the id alone leads to the item.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageId {
    ulid: Ulid,
    seq: u64,
    conversation: Ulid,
}

impl MessageId {
    /// Creates the id of the message with this `seq` in a conversation, for this time.
    pub fn generate(now: Timestamp, conversation: ConversationId, seq: u64) -> Self {
        Self { ulid: new_ulid(now), seq, conversation: conversation.0 }
    }

    /// The message's conversation.
    pub const fn conversation(self) -> ConversationId {
        ConversationId(self.conversation)
    }

    /// The message's seq in the conversation, from 1.
    pub const fn seq(self) -> u64 {
        self.seq
    }
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "msg_{}{}{:010}", self.ulid, self.conversation, self.seq)
    }
}

impl FromStr for MessageId {
    type Err = MalformedId;

    fn from_str(text: &str) -> Result<Self, MalformedId> {
        let body = text.strip_prefix("msg_").filter(|body| body.is_ascii() && body.len() >= 62).ok_or(MalformedId)?;
        let seq = body[52..].parse().map_err(|_| MalformedId)?;
        let id = Self { ulid: parse_ulid(&body[..26])?, conversation: parse_ulid(&body[26..52])?, seq };
        if id.to_string() == text { Ok(id) } else { Err(MalformedId) }
    }
}

text_serde!(MessageId);
text_schema!(MessageId, "^msg_[0-9A-HJKMNP-TV-Z]{52}[0-9]{10,}$");

/// The id of a refresh-token family. It names its user, so that the token alone leads to the item. It appears only in the token.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct FamilyId {
    ulid: Ulid,
    user: Ulid,
}

impl FamilyId {
    /// Creates the id of a new family of this user.
    pub fn generate(now: Timestamp, user: UserId) -> Self {
        Self { ulid: new_ulid(now), user: user.0 }
    }

    /// The user of the family.
    pub const fn user(self) -> UserId {
        UserId(self.user)
    }
}

impl fmt::Display for FamilyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "fam_{}{}", self.ulid, self.user)
    }
}

impl FromStr for FamilyId {
    type Err = MalformedId;

    fn from_str(text: &str) -> Result<Self, MalformedId> {
        let body = text.strip_prefix("fam_").filter(|body| body.is_ascii() && body.len() == 52).ok_or(MalformedId)?;
        Ok(Self { ulid: parse_ulid(&body[..26])?, user: parse_ulid(&body[26..])? })
    }
}

text_serde!(FamilyId);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn ids_round_trip(millis in 0i64..(1 << 48), seq in 0u64..u64::MAX) {
            let now = Timestamp::from_millis(millis);
            let user = UserId::generate(now);
            let conversation = ConversationId::generate(now);
            let message = MessageId::generate(now, conversation, seq);
            let family = FamilyId::generate(now, user);
            prop_assert_eq!(user.to_string().parse::<UserId>().unwrap(), user);
            prop_assert_eq!(message.to_string().parse::<MessageId>().unwrap(), message);
            prop_assert_eq!(family.to_string().parse::<FamilyId>().unwrap(), family);
            prop_assert_eq!(family.user(), user);
            prop_assert_eq!((message.conversation(), message.seq()), (conversation, seq));
        }

        #[test]
        fn any_text_is_parsed_or_refused(text in "\\PC*") {
            if let Ok(id) = text.parse::<MessageId>() {
                prop_assert_eq!(id.to_string(), text.clone());
            }
            if let Ok(id) = text.parse::<UserId>() {
                prop_assert_eq!(id.to_string(), text);
            }
        }
    }

    #[test]
    fn only_canonical_spellings_are_ids() {
        let id = ProjectId::generate(Timestamp::from_millis(1)).to_string();
        assert!(id.to_lowercase().parse::<ProjectId>().is_err());
        assert!(format!("{id} ").parse::<ProjectId>().is_err());
        assert!(id.parse::<UserId>().is_err());
        assert!("prj_../../etc".parse::<ProjectId>().is_err());
    }

    #[test]
    fn one_seed_gives_one_id_per_kind() {
        let now = Timestamp::from_millis(1_000);
        assert_eq!(ProjectId::derived(now, "P-1"), ProjectId::derived(now, "P-1"));
        assert_ne!(ProjectId::derived(now, "P-1"), ProjectId::derived(now, "P-2"));
        assert_ne!(ProjectId::derived(now, "P-1").to_string()[4..], LineId::derived(now, "P-1").to_string()[4..]);
    }

    #[test]
    fn ids_sort_by_time() {
        let early = ProjectId::generate(Timestamp::from_millis(1_000)).to_string();
        let late = ProjectId::generate(Timestamp::from_millis(2_000)).to_string();
        assert!(early < late);
    }
}
