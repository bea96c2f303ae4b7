//! Object keys: `<kind>/<owner>/<ULID>`, such as `projects/prj_01…/01…`.
//!
//! No text of a client is part of a key. A file's name is stored in its record, and is sent with the download.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use shared_utils::clock::Timestamp;
use shared_utils::random;
use ulid::Ulid;

/// The maximum length of the kind and of the owner in a key, in bytes.
const MAX_SEGMENT: usize = 64;

/// The text is not a key that this server makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a well-formed object key")]
pub struct MalformedKey;

/// The key of an object.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectKey(String);

impl ObjectKey {
    /// Makes a new key. `kind` is the first folder, such as `projects`. `owner` is an id, such as a project's. The last part sorts by `now` and has
    /// 80 random bits. Fails if `owner` has a character that ids do not have.
    pub fn generate(kind: &'static str, owner: impl fmt::Display, now: Timestamp) -> Result<Self, MalformedKey> {
        let random = u128::from_le_bytes(random::bytes()) & ((1 << 80) - 1);
        let millis = u64::try_from(now.millis()).unwrap_or(0) & ((1 << 48) - 1);
        Self::with_ulid(kind, owner, ((u128::from(millis) << 80) | random).to_be_bytes())
    }

    /// The key of an object that has an id of its own. `ulid` is the id's ULID.
    pub fn with_ulid(kind: &'static str, owner: impl fmt::Display, ulid: [u8; 16]) -> Result<Self, MalformedKey> {
        format!("{kind}/{owner}/{}", Ulid(u128::from_be_bytes(ulid))).parse()
    }

    /// The ULID of this key, if it is a key of this kind and owner.
    pub fn ulid_in(&self, kind: &str, owner: impl fmt::Display) -> Option<[u8; 16]> {
        let ulid = self.0.strip_prefix(kind)?.strip_prefix('/')?.strip_prefix(&owner.to_string())?.strip_prefix('/')?;
        Ulid::from_string(ulid).ok().map(|ulid| ulid.0.to_be_bytes())
    }

    /// Whether a text has the form of a key of this server. A client may not store such a text as a link: it would name an object of somebody.
    pub fn is_well_formed(text: &str) -> bool {
        text.trim_start_matches('/').parse::<Self>().is_ok()
    }

    /// The key as S3 has it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn is_segment(text: &str) -> bool {
    (1..=MAX_SEGMENT).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
}

/// Parses a key that was stored. Text of a client must not be parsed: a well-formed key may belong to anybody.
impl FromStr for ObjectKey {
    type Err = MalformedKey;

    fn from_str(text: &str) -> Result<Self, MalformedKey> {
        let parts: Vec<&str> = text.split('/').collect();
        let [kind, owner, ulid] = parts[..] else { return Err(MalformedKey) };
        let is_ulid = Ulid::from_string(ulid).is_ok_and(|parsed| parsed.to_string() == ulid);
        if is_segment(kind) && is_segment(owner) && is_ulid { Ok(Self(text.to_owned())) } else { Err(MalformedKey) }
    }
}

impl fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for ObjectKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for ObjectKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_new_each_time_and_parse_as_they_print() {
        let now = Timestamp::from_seconds(1_773_054_000);
        let key = ObjectKey::generate("projects", "prj_01JNWZ8C2M8Q0V4T6R9Y3H5K7D", now).unwrap();
        assert!(key.as_str().starts_with("projects/prj_01JNWZ8C2M8Q0V4T6R9Y3H5K7D/01"), "{key}");
        assert_eq!(key.as_str().parse(), Ok(key.clone()));
        assert_ne!(ObjectKey::generate("projects", "prj_1", now), ObjectKey::generate("projects", "prj_1", now));
        let id = ObjectKey::with_ulid("projects", "prj_1", [7; 16]).unwrap();
        assert_eq!(ObjectKey::with_ulid("projects", "prj_1", [7; 16]), Ok(id));
    }

    #[test]
    fn no_other_text_is_a_key() {
        let ulid = "01JNWZ8C2M8Q0V4T6R9Y3H5K7D";
        for owner in ["", "..", ".", "a/b", "a%2Fb", "a b", "ä", "a\n", "a?b", &"a".repeat(65)] {
            assert_eq!(ObjectKey::generate("projects", owner, Timestamp::default()), Err(MalformedKey), "{owner:?}");
        }
        for text in ["", "a", ulid, &format!("a/b/{}", ulid.to_lowercase()), &format!("/a/b/{ulid}"), &format!("a/b/{ulid}/"), "a/b/c"] {
            assert_eq!(text.parse::<ObjectKey>(), Err(MalformedKey), "{text:?}");
        }
    }
}
