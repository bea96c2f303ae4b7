//! Logins that need another step after the password: a code, or a new password. The secret of a challenge stands for the right password, for five
//! minutes and one login. Only its SHA-256 is stored.

use serde::{Deserialize, Serialize};
use shared_utils::clock::Timestamp;
use shared_utils::dynamo::{Condition, Key, StoreError, TransactWrite, Update, delete_if, from_item, s, to_item};
use shared_utils::ids::UserId;
use shared_utils::random;

use super::{AuthStore, User};

/// How long a challenge is valid, in seconds.
pub(crate) const CHALLENGE_SECONDS: i64 = 300;

/// The step that a login needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum ChallengePurpose {
    /// A code of the second factor.
    SecondFactor,
    /// A second factor must be set up.
    Enrolment,
    /// A new password.
    NewPassword,
}

/// A stored challenge.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Challenge {
    pub(crate) user_id: UserId,
    pub(crate) purpose: ChallengePurpose,
    /// The digest of the password hash that was verified.
    pub(crate) password_digest: String,
    expires_at: Timestamp,
    ttl: i64,
}

fn challenge_key(secret: &str) -> Key {
    Key::new(format!("CHALLENGE#{}", random::sha256(secret.as_bytes())), "CHALLENGE")
}

impl AuthStore {
    /// Makes a challenge for a user whose password was right. Returns its secret.
    pub(crate) async fn add_challenge(&self, user: &User, purpose: ChallengePurpose, now: Timestamp) -> Result<String, StoreError> {
        let secret = random::secret();
        let expires_at = now.plus_seconds(CHALLENGE_SECONDS);
        let ttl = expires_at.seconds() + 60;
        let challenge = Challenge { user_id: user.profile.user_id, purpose, password_digest: user.password_digest(), expires_at, ttl };
        self.store.put_item(&self.table, to_item(challenge_key(&secret), "challenge", &challenge)?).await?;
        Ok(secret)
    }

    /// The challenge with this secret, unless it is unknown, used or expired.
    pub(crate) async fn challenge(&self, secret: &str, now: Timestamp) -> Result<Option<Challenge>, StoreError> {
        let item = self.store.get_item(&self.table, &challenge_key(secret)).await?;
        Ok(item.map(from_item::<Challenge>).transpose()?.filter(|challenge| challenge.expires_at > now))
    }

    /// After the code, the login still needs a new password. Returns `false` if the challenge was used meanwhile.
    pub(crate) async fn challenge_needs_password(&self, secret: &str) -> Result<bool, StoreError> {
        let change = Update::new("SET purpose = :purpose").when(Condition::exists()).value(":purpose", s("newPassword"));
        Ok(self.store.update_item(&self.table, challenge_key(secret), change).await?.is_ok())
    }

    /// The write that uses a challenge up. It is refused if the challenge was used.
    pub(super) fn challenge_used(&self, secret: &str) -> TransactWrite {
        delete_if(&self.table, challenge_key(secret), Condition::exists())
    }
}
