//! Token families. One family is one session, with the state of its refresh-token chain.

use serde::{Deserialize, Serialize};
use shared_utils::auth::Role;
use shared_utils::clock::Timestamp;
use shared_utils::dynamo::{
    Attempt, Condition, ItemBucket, Key, RetryPolicy, StoreError, TransactWrite, Update, check, delete, from_item, n, put_if, retry_on_conflict, s,
    to_item, update,
};
use shared_utils::http::Error;
use shared_utils::ids::{FamilyId, SessionId, UserId};
use shared_utils::rate_limit::Rate;

use super::AuthStore;
use crate::tokens::{Lifetimes, RefreshToken, Subject};

/// Tolerated clock difference when expiries are compared, in seconds.
const SLACK_SECONDS: i64 = 120;

/// The extended grace after a response could not be made, in seconds. Longer than a typical KMS outage.
const EXTENDED_GRACE_SECONDS: i64 = 900;

/// One session.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TokenFamily {
    pub(crate) family_id: FamilyId,
    pub(crate) session_id: SessionId,
    pub(crate) user_id: UserId,
    /// SHA-256 of the current token.
    pub(crate) current_hash: String,
    /// SHA-256 of the previous token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) previous_hash: Option<String>,
    /// The nonce from which, with the previous token, the current token was derived.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) nonce: Option<String>,
    /// When the current token was derived, in milliseconds since the epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) rotated_at: Option<i64>,
    /// End of the extended grace of the previous token, in milliseconds since the epoch. Set when the response to a rotation could not be made.
    #[serde(default, rename = "owedUntil", skip_serializing_if = "Option::is_none")]
    pub(crate) grace_until: Option<i64>,
    /// SHA-256 of the last rotation's `Idempotency-Key`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) rotation_key: Option<String>,
    /// The number of this session among all sessions of its user, from 1.
    #[serde(default)]
    pub(crate) number: u64,
    pub(crate) created_at: Timestamp,
    pub(crate) last_used_at: Timestamp,
    /// Epoch seconds.
    pub(crate) idle_expiry: i64,
    /// Epoch seconds.
    pub(crate) absolute_expiry: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) revoked_at: Option<Timestamp>,
    pub(crate) user_agent: String,
    pub(crate) ip: String,
    /// Copied from the user, so that a refresh reads only this item.
    pub(crate) role: Role,
    pub(crate) pending: bool,
    pub(crate) version: u64,
    pub(crate) ttl: i64,
}

impl TokenFamily {
    /// A new session with the expiries of `lifetimes`.
    pub(crate) fn new(
        token: &RefreshToken,
        subject: Subject,
        number: u64,
        lifetimes: Lifetimes,
        (user_agent, ip): (String, String),
        now: Timestamp,
    ) -> Self {
        let absolute_expiry = now.seconds() + lifetimes.refresh_absolute;
        Self {
            family_id: token.family,
            session_id: subject.session,
            user_id: subject.user,
            current_hash: token.hash(),
            previous_hash: None,
            nonce: None,
            rotated_at: None,
            grace_until: None,
            rotation_key: None,
            number,
            created_at: now,
            last_used_at: now,
            idle_expiry: now.seconds() + lifetimes.refresh_idle,
            absolute_expiry,
            revoked_at: None,
            user_agent,
            ip,
            role: subject.role,
            pending: subject.pending,
            version: subject.version,
            ttl: absolute_expiry + 86_400,
        }
    }

    /// The subject of the session's access tokens.
    pub(crate) fn subject(&self) -> Subject {
        Subject { user: self.user_id, session: self.session_id, role: self.role, version: self.version, pending: self.pending }
    }

    /// When the current refresh token expires: the earlier of the two expiries.
    pub(crate) fn expires_at(&self) -> Timestamp {
        Timestamp::from_seconds(self.idle_expiry.min(self.absolute_expiry))
    }

    /// Seconds until the current refresh token expires.
    pub(crate) fn seconds_left(&self, now: Timestamp) -> i64 {
        (self.expires_at().seconds() - now.seconds()).max(0)
    }

    /// Whether the previous token still gets the current one.
    fn in_grace(&self, lifetimes: Lifetimes, now: Timestamp) -> bool {
        self.rotated_at.is_some_and(|rotated_at| (now.millis() - rotated_at).abs() <= lifetimes.grace * 1000)
            || self.grace_until.is_some_and(|until| now.millis() <= until)
    }

    /// Whether the session can still be used.
    pub(crate) fn is_live(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && self.expires_at().plus_seconds(SLACK_SECONDS) > now
    }
}

/// The result of presenting a refresh token.
pub(crate) enum Rotation {
    /// The token was current and was rotated. Contains the successor.
    Rotated(Box<TokenFamily>, RefreshToken),
    /// The token was the previous one, within its grace or with the rotation's key. Contains the same successor again.
    Repeated(Box<TokenFamily>, RefreshToken),
    /// The token is an older one, the previous one after its grace, or not of this family: someone else has a copy.
    Reused(Box<TokenFamily>),
    /// The session is unknown, ended or expired.
    Dead,
}

pub(super) fn family_key(family: FamilyId) -> Key {
    Key::new(format!("USER#{}", family.user()), format!("FAMILY#{family}"))
}

impl AuthStore {
    /// The write that adds a session.
    pub(crate) fn family_put(&self, family: &TokenFamily) -> Result<TransactWrite, StoreError> {
        Ok(put_if(&self.table, to_item(family_key(family.family_id), "family", family)?, Condition::absent()))
    }

    /// The write that deletes a session's item.
    pub(crate) fn family_delete(&self, family: FamilyId) -> TransactWrite {
        delete(&self.table, family_key(family))
    }

    /// The write that ends a session. Its item stays until TTL, so that its tokens are still recognised.
    pub(crate) fn family_revoke(&self, family: FamilyId, now: Timestamp) -> TransactWrite {
        let expression = Update::new("SET revokedAt = if_not_exists(revokedAt, :now)").when("attribute_exists(pk)").value(":now", s(now));
        update(&self.table, family_key(family), expression)
    }

    /// The live session of a refresh token, and whether the token still counts: it is the current one, or the previous one within its grace. Later,
    /// the previous token only identifies its session.
    pub(crate) async fn family_of(
        &self,
        token: &RefreshToken,
        lifetimes: Lifetimes,
        now: Timestamp,
    ) -> Result<Option<(TokenFamily, bool)>, StoreError> {
        let family: Option<TokenFamily> = self.store.get(&self.table, &family_key(token.family)).await?;
        let hash = token.hash();
        Ok(family.filter(|family| family.is_live(now)).and_then(|family| {
            if family.current_hash == hash {
                return Some((family, true));
            }
            let is_accepted = family.in_grace(lifetimes, now);
            (family.previous_hash.as_ref() == Some(&hash)).then_some((family, is_accepted))
        }))
    }

    /// Extends the grace of the previous token, because the response with the current one could not be made.
    pub(crate) async fn extend_grace(&self, family: &TokenFamily, now: Timestamp) -> Result<(), StoreError> {
        let expression = Update::new("SET owedUntil = :until")
            .when("currentHash = :current AND attribute_not_exists(revokedAt)")
            .value(":until", n(now.millis() + EXTENDED_GRACE_SECONDS * 1000))
            .value(":current", s(&family.current_hash));
        let _ = self.store.update_item(&self.table, family_key(family.family_id), expression).await?;
        Ok(())
    }

    /// The condition for a transaction that the session has not ended.
    pub(crate) fn family_check(&self, family: FamilyId) -> TransactWrite {
        check(&self.table, family_key(family), "attribute_exists(pk) AND attribute_not_exists(revokedAt)")
    }

    /// Rotates a family's token in one conditional write. If the condition fails, the item tells whether the token is repeated, reused or dead.
    /// [`Error::TooManyRequests`] if the rate is exceeded; nothing is written then.
    pub(crate) async fn rotate(
        &self,
        presented: &RefreshToken,
        key_hash: Option<&str>,
        lifetimes: Lifetimes,
        rate: Rate,
        now: Timestamp,
    ) -> Result<Rotation, Error> {
        let nonce = shared_utils::random::secret();
        let successor = presented.successor(nonce.as_bytes())?;
        let hash = presented.hash();
        let (successor, hash, nonce) = (&successor, hash.as_str(), nonce.as_str());
        retry_on_conflict(RetryPolicy::Single, ItemBucket::new("spokenFor", rate, now), |mut bucket| async move {
            let (set, remove) = if key_hash.is_some() { (", rotationKey = :key", "") } else { ("", ", rotationKey") };
            let expression = Update::new(format!(
                "SET currentHash = :next, previousHash = :presented, nonce = :nonce, rotatedAt = :rotatedAt, lastUsedAt = :now, \
                 idleExpiry = :idleExpiry{set} REMOVE owedUntil{remove}"
            ))
            .when("currentHash = :presented AND attribute_not_exists(revokedAt) AND idleExpiry > :cut AND absoluteExpiry > :cut")
            .value(":next", s(successor.hash()))
            .value(":presented", s(hash))
            .value(":nonce", s(nonce))
            .value(":rotatedAt", n(now.millis()))
            .value(":now", s(now))
            .value(":idleExpiry", n(now.seconds() + lifetimes.refresh_idle))
            .value(":cut", n(now.seconds() - SLACK_SECONDS));
            let expression = match key_hash {
                Some(key_hash) => expression.value(":key", s(key_hash)),
                None => expression,
            };
            let found = match self.store.update_item(&self.table, family_key(presented.family), bucket.count(expression)?).await? {
                Ok(item) => return Ok(Attempt::Done(Rotation::Rotated(Box::new(from_item(item)?), successor.clone()))),
                Err(found) => found,
            };
            let Some(item) = found else { return Ok(Attempt::Done(Rotation::Dead)) };
            bucket.observe(Some(&item));
            let family: TokenFamily = from_item(item)?;
            if !family.is_live(now) {
                return Ok(Attempt::Done(Rotation::Dead));
            }
            if family.current_hash == hash {
                // Only the rate condition failed.
                return Ok(Attempt::Refused(bucket));
            }
            family.presented_before(presented, hash, key_hash, lifetimes, now).map(Attempt::Done)
        })
        .await
    }
}

impl TokenFamily {
    /// The result of presenting a token that is not the current one.
    fn presented_before(
        self,
        presented: &RefreshToken,
        hash: &str,
        key_hash: Option<&str>,
        lifetimes: Lifetimes,
        now: Timestamp,
    ) -> Result<Rotation, Error> {
        let is_previous = self.previous_hash.as_deref() == Some(hash);
        // The client that requested the rotation may ask for its response again at any time.
        let is_same_request = key_hash.is_some() && self.rotation_key.as_deref() == key_hash;
        match &self.nonce {
            Some(nonce) if is_previous && (is_same_request || self.in_grace(lifetimes, now)) => {
                let successor = presented.successor(nonce.as_bytes())?;
                Ok(Rotation::Repeated(Box::new(self), successor))
            }
            _ => Ok(Rotation::Reused(Box::new(self))),
        }
    }
}
