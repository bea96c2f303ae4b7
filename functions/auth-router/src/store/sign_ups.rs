//! Accounts that somebody asked for, until the owner of the address confirms it. A sign-up has no password: who confirms the address sets it, so nobody
//! can prepare an account for somebody else's address.

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use shared_utils::clock::Timestamp;
use shared_utils::dynamo::{Condition, Key, StoreError, TransactWrite, delete_if, s, to_item};
use shared_utils::ids::MalformedId;
use shared_utils::random;

use super::AuthStore;
use super::address::normalized;

/// How long a sign-up can be confirmed, in seconds.
const SIGN_UP_SECONDS: i64 = 86_400;

/// A sign-up.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SignUp {
    pub(crate) email: String,
    pub(crate) first_name: Option<String>,
    pub(crate) last_name: Option<String>,
    /// The SHA-256 of the token's secret.
    secret_hash: String,
    expires_at: Timestamp,
    ttl: i64,
}

/// The token of a sign-up: the SHA-256 of the address, and a secret of 256 bits. The last sign-up of an address counts.
#[derive(Clone)]
pub(crate) struct SignUpToken {
    address_hash: String,
    secret: [u8; 32],
}

impl SignUpToken {
    fn key(&self) -> Key {
        Key::new(format!("SIGN_UP#{}", self.address_hash), "SIGN_UP")
    }

    fn secret_hash(&self) -> String {
        random::sha256(&self.secret)
    }
}

impl fmt::Display for SignUpToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.address_hash, URL_SAFE_NO_PAD.encode(self.secret))
    }
}

impl FromStr for SignUpToken {
    type Err = MalformedId;

    fn from_str(text: &str) -> Result<Self, MalformedId> {
        let (address_hash, secret) = text.split_once('.').ok_or(MalformedId)?;
        let decoded = |text: &str| -> Option<[u8; 32]> { URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok() };
        decoded(address_hash).ok_or(MalformedId)?;
        Ok(Self { address_hash: address_hash.to_owned(), secret: decoded(secret).ok_or(MalformedId)? })
    }
}

impl AuthStore {
    /// Keeps a sign-up. An older one of the same address is replaced.
    pub(crate) async fn add_sign_up(
        &self,
        email: &str,
        (first_name, last_name): (Option<String>, Option<String>),
        now: Timestamp,
    ) -> Result<SignUpToken, StoreError> {
        let token = SignUpToken { address_hash: random::sha256(normalized(email).as_bytes()), secret: random::bytes() };
        let expires_at = now.plus_seconds(SIGN_UP_SECONDS);
        let ttl = expires_at.seconds() + 60;
        let sign_up = SignUp { email: normalized(email), first_name, last_name, secret_hash: token.secret_hash(), expires_at, ttl };
        self.store.put_item(&self.table, to_item(token.key(), "signUp", &sign_up)?).await?;
        Ok(token)
    }

    /// The sign-up of this token, unless it is unknown, used, replaced or expired.
    pub(crate) async fn sign_up(&self, token: &SignUpToken, now: Timestamp) -> Result<Option<SignUp>, StoreError> {
        let found: Option<SignUp> = self.store.get(&self.table, &token.key()).await?;
        Ok(found.filter(|sign_up| sign_up.expires_at > now && sign_up.secret_hash == token.secret_hash()))
    }

    /// The write that uses a sign-up up. It is refused if the sign-up was used or replaced.
    pub(super) fn sign_up_used(&self, token: &SignUpToken) -> TransactWrite {
        let is_same = Condition::new("secretHash = :hash").value(":hash", s(token.secret_hash()));
        delete_if(&self.table, token.key(), is_same)
    }
}
