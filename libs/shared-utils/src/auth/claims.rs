//! The claims of an access token.

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
    /// May see and edit every project, and manage users.
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

/// Deserializes a claim that may be absent, but not null.
fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// The claims of an access token. Times are in whole seconds since the Unix epoch.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AccessClaims {
    /// The environment's issuer.
    pub iss: String,
    /// The audience.
    pub aud: String,
    /// The user.
    pub sub: UserId,
    /// The session.
    pub sid: SessionId,
    /// The user's role when the token was made.
    pub role: Role,
    /// The user's authorization version when the token was made.
    pub ver: u64,
    /// `true` while the account waits for approval, else absent.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub pnd: Option<bool>,
    /// When the token was made.
    pub iat: u64,
    /// The earliest time at which the token is valid, if set.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub nbf: Option<u64>,
    /// The time at which the token expires.
    pub exp: u64,
    /// The token's own id.
    pub jti: String,
}

/// The caller of a request, from a verified token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caller {
    /// The user.
    pub user: UserId,
    /// The session.
    pub session: SessionId,
    /// The user's role.
    pub role: Role,
    /// The user's authorization version.
    pub version: u64,
    /// Whether the account waits for approval.
    pub pending: bool,
    /// When the token expires.
    pub expires_at: Timestamp,
}

impl Caller {
    /// Whether the caller is an administrator of the studio.
    pub fn is_admin(&self) -> bool {
        self.role == Role::Admin
    }
}
