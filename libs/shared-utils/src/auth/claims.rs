//! What an access token says.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::clock::Timestamp;
use crate::fields::{TextSchema, one_of};
use crate::ids::{SessionId, UserId};

/// The profile role of a person in the studio.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, strum::EnumString, strum::VariantNames, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum Role {
    /// Sees and edits every project, manages users.
    Admin,
    /// Designs.
    Designer,
    /// Builds.
    Builder,
    /// Sells to the studio.
    Vendor,
    /// Buys from the studio.
    Client,
    /// Anyone else.
    User,
}

impl TextSchema for Role {
    fn text_schema() -> Value {
        one_of(<Self as strum::VariantNames>::VARIANTS)
    }
}

/// A claim that may be absent, but not null.
fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// The claims of an access token. Times in whole seconds since the Unix epoch.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AccessClaims {
    /// The environment's issuer.
    pub iss: String,
    /// The one audience.
    pub aud: String,
    /// The user.
    pub sub: UserId,
    /// The login.
    pub sid: SessionId,
    /// The user's role when the token was made.
    pub role: Role,
    /// The user's authorization version when the token was made.
    pub ver: u64,
    /// `true` while the account waits for approval, else absent.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub pnd: Option<bool>,
    /// When it was made.
    pub iat: u64,
    /// From when it counts, where that is said.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub nbf: Option<u64>,
    /// Until when it counts.
    pub exp: u64,
    /// Its own id.
    pub jti: String,
}

/// Who is calling, from a verified token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caller {
    /// The person.
    pub user: UserId,
    /// Their login.
    pub session: SessionId,
    /// Their role.
    pub role: Role,
    /// Their authorization version.
    pub version: u64,
    /// Whether their account waits for approval.
    pub pending: bool,
    /// When the token ends.
    pub expires_at: Timestamp,
}

impl Caller {
    /// Whether this person administers the studio.
    pub fn is_admin(&self) -> bool {
        self.role == Role::Admin
    }
}
