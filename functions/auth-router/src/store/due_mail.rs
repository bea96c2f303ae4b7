//! Mails that are due. An entry is written together with what the mail is about, and removed when the mail was sent. So no mail is lost: the person's
//! next request finds the entry. An entry has no token, because the table keeps no secret. The token is made when the mail is sent.

use std::fmt;
use std::str::FromStr;

use aws_sdk_dynamodb::types::AttributeValue;
use mail::LetterKind;
use shared_utils::clock::Timestamp;
use shared_utils::dynamo::{Attempt, Key, RetryPolicy, StoreError, Update, n, retry_on_conflict, s};
use shared_utils::ids::UserId;
use shared_utils::random::sha256;
use shared_utils::rate_limit::{Rate, RateLimited};

use super::AuthStore;
use super::address::normalized;
use super::users::user_key;

/// How long a full bucket of mails to an address is remembered, in seconds.
const RATE_SECONDS: i64 = 86_400;

/// A mail of a kind to an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DueMail {
    pub(crate) kind: LetterKind,
    pub(crate) to: String,
}

impl DueMail {
    pub(crate) fn new(kind: LetterKind, to: &str) -> Self {
        Self { kind, to: to.to_owned() }
    }

    /// The entry as a set, for updates.
    fn as_set(&self) -> AttributeValue {
        AttributeValue::Ss(vec![self.to_string()])
    }
}

impl fmt::Display for DueMail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.kind.as_ref(), self.to)
    }
}

impl FromStr for DueMail {
    type Err = strum::ParseError;

    fn from_str(text: &str) -> Result<Self, strum::ParseError> {
        let (kind, to) = text.split_once(':').unwrap_or((text, ""));
        Ok(Self::new(kind.parse()?, to))
    }
}

/// Adds an entry to an update of the user's item.
pub(super) fn with_due_mail(update: Update, mail: Option<&DueMail>) -> Update {
    match mail {
        Some(mail) => update.and("ADD unsentMail :mail").value(":mail", mail.as_set()),
        None => update,
    }
}

fn rate_key(address: &str) -> Key {
    Key::new(format!("MAILS#{}", sha256(normalized(address).as_bytes())), "RATE")
}

impl AuthStore {
    /// Counts one mail to this address, whether or not an account has it. The outer error is a failure, the inner one a limit that is reached.
    pub(crate) async fn count_mail(&self, address: &str, rate: Rate, now: Timestamp) -> Result<Result<(), RateLimited>, StoreError> {
        let key = rate_key(address);
        retry_on_conflict(RetryPolicy::Shared, shared_utils::dynamo::ItemBucket::new("theoreticalArrivalTime", rate, now), |mut bucket| async {
            let update = Update::new("SET #type = :type, #ttl = :ttl")
                .name("#type", "type")
                .name("#ttl", "ttl")
                .value(":type", s("mailRate"))
                .value(":ttl", n(now.seconds() + RATE_SECONDS));
            let update = match bucket.count(update) {
                Ok(update) => update,
                Err(limited) => return Ok(Attempt::Done(Err(limited))),
            };
            Ok(match self.store.update_item(&self.table, key.clone(), update).await? {
                Ok(_) => Attempt::Done(Ok(())),
                Err(found) => {
                    bucket.observe(found.as_ref());
                    Attempt::Refused(bucket)
                }
            })
        })
        .await
    }

    /// Notes that a mail is due. Does nothing if the user was deleted.
    pub(crate) async fn add_due_mail(&self, user: UserId, mail: &DueMail) -> Result<(), StoreError> {
        let change = Update::new("ADD unsentMail :mail").when("attribute_exists(pk)").value(":mail", mail.as_set());
        let _ = self.store.update_item(&self.table, user_key(user), change).await?;
        Ok(())
    }

    /// For an address that nobody has: a write that takes as long as [`Self::add_due_mail`], to the item that counted the mail.
    pub(crate) async fn add_mail_to_nobody(&self, mail: &DueMail) -> Result<(), StoreError> {
        let change = Update::new("ADD unsentMail :mail").when("attribute_exists(pk)").value(":mail", mail.as_set());
        let _ = self.store.update_item(&self.table, rate_key(&mail.to), change).await?;
        Ok(())
    }

    /// Notes that a mail was sent.
    pub(crate) async fn remove_due_mail(&self, user: UserId, mail: &DueMail) -> Result<(), StoreError> {
        let change = Update::new("DELETE unsentMail :mail").when("attribute_exists(pk)").value(":mail", mail.as_set());
        let _ = self.store.update_item(&self.table, user_key(user), change).await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_read_as_they_are_written() {
        let mail = DueMail::new(LetterKind::PasswordReset, "ana@mylg.test");
        assert_eq!(mail.to_string(), "passwordReset:ana@mylg.test");
        assert_eq!(mail.to_string().parse(), Ok(mail));
        assert!("nonsense:ana@mylg.test".parse::<DueMail>().is_err());
    }
}
