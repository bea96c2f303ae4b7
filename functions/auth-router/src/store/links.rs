//! Links of mails: single use, 256 random bits of which only the SHA-256 is stored, dead with the next change of the password.

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use shared_utils::clock::Timestamp;
use shared_utils::dynamo::{Condition, Item, Key, StoreError, TransactWrite, from_item, to_item};
use shared_utils::ids::{MalformedId, UserId};
use shared_utils::random;

use super::users::user_key;
use super::{AuthStore, User};

/// What a link does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum LinkPurpose {
    /// Sets a new password.
    PasswordReset,
    /// Sets the first password.
    Invitation,
    /// Confirms a new address.
    AddressConfirmation,
}

impl LinkPurpose {
    /// How long a link is valid, in seconds.
    pub(crate) const fn seconds(self) -> i64 {
        match self {
            Self::PasswordReset => 30 * 60,
            Self::Invitation => 7 * 86_400,
            Self::AddressConfirmation => 86_400,
        }
    }

    /// Whether a link of this purpose sets a password.
    pub(crate) const fn sets_password(self) -> bool {
        matches!(self, Self::PasswordReset | Self::Invitation)
    }
}

/// A stored link.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct StoredLink {
    /// The sort key of the item.
    #[serde(rename = "sk", skip_serializing)]
    sort_key: String,
    pub(crate) purpose: LinkPurpose,
    pub(crate) expires_at: Timestamp,
    /// The digest of the password hash at the time of the mail.
    password_digest: String,
    /// The address that the link confirms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) address: Option<String>,
    ttl: i64,
}

impl StoredLink {
    pub(super) fn from_item(item: Item) -> Result<Self, StoreError> {
        from_item(item)
    }

    /// Whether the link still works for this user.
    pub(crate) fn is_live(&self, user: &User, now: Timestamp) -> bool {
        self.expires_at > now && self.password_digest == user.password_digest()
    }
}

impl User {
    /// A digest that changes with the password.
    pub(crate) fn password_digest(&self) -> String {
        random::sha256(self.password_hash.as_bytes())
    }
}

/// The token of a link: the user id, and a secret of 256 bits.
#[derive(Clone)]
pub(crate) struct LinkToken {
    pub(crate) user: UserId,
    secret: [u8; 32],
}

impl LinkToken {
    /// The sort key of the link's item.
    pub(crate) fn sort_key(&self) -> String {
        format!("LINK#{}", random::sha256(&self.secret))
    }

    /// Finds the link of this token.
    pub(crate) fn find<'a>(&self, links: &'a [StoredLink]) -> Option<&'a StoredLink> {
        let sort_key = self.sort_key();
        links.iter().find(|link| link.sort_key == sort_key)
    }
}

impl fmt::Display for LinkToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.user, URL_SAFE_NO_PAD.encode(self.secret))
    }
}

impl FromStr for LinkToken {
    type Err = MalformedId;

    fn from_str(text: &str) -> Result<Self, MalformedId> {
        let (user, secret) = text.split_once('.').ok_or(MalformedId)?;
        let secret = URL_SAFE_NO_PAD.decode(secret).ok().and_then(|secret| secret.try_into().ok());
        Ok(Self { user: user.parse()?, secret: secret.ok_or(MalformedId)? })
    }
}

fn link_key(user: UserId, sort_key: &str) -> Key {
    Key::new(user_key(user).pk, sort_key)
}

impl AuthStore {
    /// Makes a link for a user who was just read. `address` is what an address confirmation confirms.
    pub(crate) async fn add_link(&self, user: &User, purpose: LinkPurpose, address: Option<String>, now: Timestamp) -> Result<LinkToken, StoreError> {
        let token = LinkToken { user: user.profile.user_id, secret: random::bytes() };
        let expires_at = now.plus_seconds(purpose.seconds());
        let link = StoredLink {
            sort_key: token.sort_key(),
            purpose,
            expires_at,
            password_digest: user.password_digest(),
            address,
            ttl: expires_at.seconds() + 60,
        };
        self.store.put_item(&self.table, to_item(link_key(token.user, &link.sort_key), "link", &link)?).await?;
        Ok(token)
    }

    /// Deletes these links of a user.
    pub(crate) async fn delete_links(&self, user: UserId, links: &[StoredLink]) -> Result<(), StoreError> {
        for link in links {
            self.store.delete_item(&self.table, link_key(user, &link.sort_key)).await?;
        }
        Ok(())
    }

    /// The write that uses a link up. It is refused if the link was used.
    pub(super) fn link_used(&self, user: UserId, link: &StoredLink) -> TransactWrite {
        shared_utils::dynamo::delete_if(&self.table, link_key(user, &link.sort_key), Condition::exists())
    }

    /// The write that deletes a link.
    pub(super) fn link_delete(&self, user: UserId, link: &StoredLink) -> TransactWrite {
        shared_utils::dynamo::delete(&self.table, link_key(user, &link.sort_key))
    }
}
