//! The second factor of an account: a TOTP secret (RFC 6238) and recovery codes. They are attributes of the user's item, which only this function reads.

use std::collections::BTreeSet;

use access::session::Session;
use aws_sdk_dynamodb::types::AttributeValue;
use serde::Deserialize;
use shared_utils::dynamo::{StoreError, Update, n, s};
use shared_utils::ids::UserId;

use super::due_mail::{DueMail, with_due_mail};
use super::users::user_key;
use super::{AuthStore, User};
use crate::totp::{RecoveryCodes, TotpSecret};

/// The second factor of an account.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SecondFactor {
    /// The secret, if the second factor is on.
    #[serde(default)]
    pub(crate) totp_secret: Option<TotpSecret>,
    /// The secret that a first code must confirm.
    #[serde(default)]
    pub(crate) pending_totp_secret: Option<TotpSecret>,
    /// The time step of the last code that was used. No code of this or an earlier step counts again.
    #[serde(default)]
    pub(crate) totp_step: u64,
    /// The SHA-256 of each recovery code that is left.
    #[serde(default)]
    pub(crate) recovery_codes: BTreeSet<String>,
}

impl SecondFactor {
    /// Whether a login needs a code.
    pub(crate) const fn is_on(&self) -> bool {
        self.totp_secret.is_some()
    }
}

/// The assignments that turn a second factor on.
pub(super) fn enabled(update: Update, secret: &TotpSecret, step: u64, codes: &RecoveryCodes) -> Update {
    update
        .also_set("totpSecret = :totpSecret, totpStep = :totpStep, recoveryCodes = :recoveryCodes")
        .value(":totpSecret", s(secret))
        .value(":totpStep", n(step))
        .value(":recoveryCodes", AttributeValue::Ss(codes.hashes()))
}

impl AuthStore {
    /// Keeps a secret that a first code must confirm. Returns `false` if a second factor is on.
    pub(crate) async fn begin_second_factor(&self, user: UserId, secret: &TotpSecret) -> Result<bool, StoreError> {
        let change = Update::new("SET pendingTotpSecret = :secret")
            .when("attribute_exists(pk) AND attribute_not_exists(totpSecret)")
            .value(":secret", s(secret));
        Ok(self.store.update_item(&self.table, user_key(user), change).await?.is_ok())
    }

    /// Turns the second factor on: a code of the pending secret was right. Returns `false` if the account changed meanwhile.
    pub(crate) async fn enable_second_factor(
        &self,
        session: &Session,
        (secret, step): (&TotpSecret, u64),
        codes: &RecoveryCodes,
        mail: Option<&DueMail>,
    ) -> Result<bool, StoreError> {
        let change = enabled(Update::new("SET #type = :type"), secret, step, codes).name("#type", "type").value(":type", s("user"));
        let change = with_due_mail(change.and("REMOVE pendingTotpSecret"), mail);
        let change = change.when("pendingTotpSecret = :totpSecret AND attribute_not_exists(totpSecret)");
        Ok(self.store.update_item(&self.table, user_key(session.user), change).await?.is_ok())
    }

    /// Uses up a code outside of a login's last step. Returns `false` if it was used meanwhile.
    pub(crate) async fn use_code(&self, user: &User, step: Option<u64>, recovery_code: Option<&str>) -> Result<bool, StoreError> {
        let change = match (step, recovery_code) {
            (Some(step), _) => Update::new("SET totpStep = :step").when("totpStep < :step").value(":step", n(step)),
            (None, Some(code)) => Update::new("DELETE recoveryCodes :codes")
                .when("contains(recoveryCodes, :code)")
                .value(":code", s(code))
                .value(":codes", AttributeValue::Ss(vec![code.to_owned()])),
            (None, None) => return Ok(false),
        };
        Ok(self.store.update_item(&self.table, user_key(user.profile.user_id), change).await?.is_ok())
    }

    /// Replaces the recovery codes, and uses up a code of this step. Returns `false` if the code was used meanwhile.
    pub(crate) async fn replace_recovery_codes(&self, _session: &Session, user: &User, step: u64, codes: &RecoveryCodes) -> Result<bool, StoreError> {
        let change = Update::new("SET totpStep = :step, recoveryCodes = :codes")
            .when("totpStep < :step AND attribute_exists(totpSecret)")
            .value(":step", n(step))
            .value(":codes", AttributeValue::Ss(codes.hashes()));
        Ok(self.store.update_item(&self.table, user_key(user.profile.user_id), change).await?.is_ok())
    }

    /// Turns the second factor off. `mail` tells the person. Returns `false` if it was not on.
    pub(crate) async fn disable_second_factor(&self, _session: &Session, user: UserId, mail: Option<&DueMail>) -> Result<bool, StoreError> {
        let change = Update::new("REMOVE totpSecret, totpStep, recoveryCodes, pendingTotpSecret");
        let change = with_due_mail(change, mail).when("attribute_exists(totpSecret)");
        Ok(self.store.update_item(&self.table, user_key(user), change).await?.is_ok())
    }
}
