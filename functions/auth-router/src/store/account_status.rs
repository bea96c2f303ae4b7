//! Changes of an account by an administrator: role, pending, disabled, address. One transaction changes the account, its address item, its directory
//! entry, all its sessions, the revocations and the set of administrators.

use access::people::person_key;
use access::revocations::{Mark, Revocations};
use access::session::Session;
use aws_sdk_dynamodb::types::AttributeValue;
use shared_utils::auth::Role;
use shared_utils::clock::Timestamp;
use shared_utils::dynamo::{StoreError, Transaction, Update, delete, n, s, to_attribute, update};
use shared_utils::ids::UserId;

use super::admins::{AdminChange, AdminRefusal};
use super::due_mail::with_due_mail;
use super::token_families::{TokenFamily, family_key};
use super::users::{email_key, user_key};
use super::{Address, AuthStore, DueMail, StoredLink, User, Write};

/// The rights of a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct AccountStatus {
    pub(crate) role: Role,
    pub(crate) pending: bool,
    pub(crate) disabled: bool,
}

impl AccountStatus {
    /// Whether this is an active administrator.
    pub(crate) fn administers(self) -> bool {
        self.role == Role::Admin && !self.pending && !self.disabled
    }
}

/// The changes that an administrator requests.
#[derive(Debug, Clone, Default)]
pub(crate) struct AccountPatch {
    pub(crate) role: Option<Role>,
    pub(crate) pending: Option<bool>,
    pub(crate) disabled: Option<bool>,
    pub(crate) email: Option<Address>,
    /// Whether the next login must set a new password.
    pub(crate) password_expired: Option<bool>,
}

impl AccountPatch {
    /// The account after the change.
    pub(crate) fn applied_to(&self, user: &User) -> User {
        let mut after = user.clone();
        after.profile.role = self.role.unwrap_or(user.profile.role);
        after.profile.pending = self.pending.unwrap_or(user.profile.pending);
        after.disabled = self.disabled.unwrap_or(user.disabled);
        if let Some(email) = &self.email {
            after.profile.email = email.to_string();
        }
        after.password_expired = self.password_expired.unwrap_or(user.password_expired);
        if after.status() != user.status() {
            after.version += 1;
        }
        after
    }
}

/// The result of a confirmed change of address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AddressOutcome {
    Changed,
    /// Another account has the address.
    Taken,
    /// The account changed meanwhile, or the link was used.
    Stale,
}

/// The result of a change of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AccountOutcome {
    Changed,
    /// The account or its sessions have changed since they were read.
    Stale,
    /// The caller is no longer an active administrator.
    NoAdmin,
    /// No active administrator would remain.
    LastAdmin,
    /// Another account has the new address.
    AddressTaken,
}

impl AuthStore {
    /// Changes an account from `before` to `after` in one transaction, on the condition that the caller is an active administrator.
    pub(crate) async fn change_account(
        &self,
        read: (&User, &[TokenFamily]),
        after: &User,
        (by, mail): (&Session, Option<&DueMail>),
        revocations: &Revocations,
        now: Timestamp,
    ) -> Result<AccountOutcome, StoreError> {
        let outcome = self.store.transact(&self.account_transaction(read, after, (by.user, mail), revocations, now)?).await?;
        if outcome.refused(Write::Account).is_refused() {
            return Ok(AccountOutcome::Stale);
        }
        match AdminRefusal::of(&outcome, by.user) {
            Some(AdminRefusal::NoAdmin) => return Ok(AccountOutcome::NoAdmin),
            Some(AdminRefusal::LastAdmin) => return Ok(AccountOutcome::LastAdmin),
            None => {}
        }
        if outcome.refused(Write::Address).is_refused() {
            return Ok(AccountOutcome::AddressTaken);
        }
        if !outcome.is_committed() {
            return Ok(AccountOutcome::Stale);
        }
        if after.status() != read.0.status() {
            revocations.forget().await;
        }
        Ok(AccountOutcome::Changed)
    }

    /// Changes an address with the link of a mail.
    pub(crate) async fn confirm_address(
        &self,
        user: &User,
        link: &StoredLink,
        address: &str,
        mail: Option<&DueMail>,
        now: Timestamp,
    ) -> Result<AddressOutcome, StoreError> {
        let (id, before) = (user.profile.user_id, &user.profile.email);
        let account = Update::new("SET email = :email, updatedAt = :now")
            .when("email = :before AND disabled = :no")
            .value(":email", s(address))
            .value(":now", s(now))
            .value(":before", s(before))
            .value(":no", AttributeValue::Bool(false));
        let mut change = Transaction::new();
        change.add(Write::Account, update(&self.table, user_key(id), with_due_mail(account, mail)));
        change.add(Write::Links, self.link_used(id, link));
        if email_key(address) != email_key(before) {
            change.add(Write::Address, self.address_put(address, id));
            change.add(Write::Address, delete(&self.table, email_key(before)));
        }
        let outcome = self.store.transact(&change).await?;
        Ok(if outcome.is_committed() {
            AddressOutcome::Changed
        } else if outcome.refused(Write::Address).is_refused() {
            AddressOutcome::Taken
        } else {
            AddressOutcome::Stale
        })
    }

    fn account_transaction(
        &self,
        (before, families): (&User, &[TokenFamily]),
        after: &User,
        (by, mail): (UserId, Option<&DueMail>),
        revocations: &Revocations,
        now: Timestamp,
    ) -> Result<Transaction<Write>, StoreError> {
        let id = before.profile.user_id;
        let rights = after.status();
        let admins = match (before.status().administers(), rights.administers()) {
            (false, true) => AdminChange::Joins(id),
            (true, false) => AdminChange::Leaves(id),
            _ => AdminChange::None,
        };
        let account =
            Update::new("SET #role = :role, pending = :pending, disabled = :disabled, version = :version, updatedAt = :now, email = :email, passwordExpired = :expired")
                .when("version = :before AND email = :emailBefore AND (attribute_not_exists(logins) OR logins = :logins)")
                .name("#role", "role")
                .value(":role", to_attribute(&rights.role)?)
                .value(":pending", AttributeValue::Bool(rights.pending))
                .value(":disabled", AttributeValue::Bool(rights.disabled))
                .value(":version", n(after.version))
                .value(":now", s(now))
                .value(":email", s(&after.profile.email))
                .value(":expired", AttributeValue::Bool(after.password_expired))
                .value(":before", n(before.version))
                .value(":emailBefore", s(&before.profile.email))
                .value(":logins", n(before.logins));
        let mut change = Transaction::new();
        change.add_all(Write::Admins, self.admins_change(admins, Some(by)));
        change.add(Write::Account, update(&self.table, user_key(id), with_due_mail(account, mail)));
        if rights != before.status() {
            self.add_status_writes(&mut change, (before, families), after, revocations, now)?;
        }
        if email_key(&after.profile.email) != email_key(&before.profile.email) {
            change.add(Write::Address, self.address_put(&after.profile.email, id));
            change.add(Write::Address, delete(&self.table, email_key(&before.profile.email)));
        }
        Ok(change)
    }

    /// Adds the writes that changed rights need: the directory entry, all sessions, the revocations and the list of pending accounts.
    fn add_status_writes(
        &self,
        change: &mut Transaction<Write>,
        (before, families): (&User, &[TokenFamily]),
        after: &User,
        revocations: &Revocations,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let id = before.profile.user_id;
        let AccountStatus { role, pending, disabled } = after.status();
        let with_status = |update: Update| -> Result<Update, StoreError> {
            Ok(update.name("#role", "role").value(":role", to_attribute(&role)?).value(":pending", AttributeValue::Bool(pending)))
        };
        let entry = Update::new("SET #role = :role, pending = :pending, disabled = :disabled")
            .when("attribute_exists(pk)")
            .value(":disabled", AttributeValue::Bool(disabled));
        change.add(Write::Person, update(&self.table, person_key(id), with_status(entry)?));
        let mut marks = vec![Mark::Version(id, before.version)];
        let ends = disabled && !before.disabled;
        for family in families {
            let revoked = if ends { ", revokedAt = if_not_exists(revokedAt, :now)" } else { "" };
            let login = Update::new(format!("SET #role = :role, pending = :pending, version = :version{revoked}"))
                // The update must not recreate an item that TTL has deleted.
                .when("attribute_exists(pk)")
                .value(":version", n(after.version));
            let login = if ends { login.value(":now", s(now)) } else { login };
            change.add(Write::OtherSessions, update(&self.table, family_key(family.family_id), with_status(login)?));
            if ends && family.revoked_at.is_none() {
                marks.push(Mark::Session(family.session_id));
            }
        }
        change.add(Write::Revocations, revocations.write(&marks));
        if before.profile.pending != pending {
            change.add(Write::Pending, self.pending_change(id, pending));
        }
        Ok(())
    }
}
