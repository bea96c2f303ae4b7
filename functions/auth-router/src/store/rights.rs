//! What an administrator changes of an account: role, pending, disabled, the address. A change takes effect in one transaction: on the
//! account, its address, its directory entry, all its logins, the revocations and the set of administrators.

use access::people::person_key;
use access::revocations::{Mark, Revocations};
use aws_sdk_dynamodb::types::{AttributeValue, TransactWriteItem};
use shared_utils::auth::Role;
use shared_utils::clock::Timestamp;
use shared_utils::dynamo::{Expression, StoreError, delete, n, s, to_attribute, update};
use shared_utils::ids::UserId;

use super::admins::AdminChange;
use super::families::{Family, family_key};
use super::users::{email_key, user_key};
use super::{Address, AuthStore, User};

/// What a user may do at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rights {
    pub(crate) role: Role,
    pub(crate) pending: bool,
    pub(crate) disabled: bool,
}

impl Rights {
    /// Whether this is an active administrator.
    pub(crate) fn administers(self) -> bool {
        self.role == Role::Admin && !self.pending && !self.disabled
    }
}

/// What an administrator changes of an account.
#[derive(Debug, Clone, Default)]
pub(crate) struct AccountPatch {
    pub(crate) role: Option<Role>,
    pub(crate) pending: Option<bool>,
    pub(crate) disabled: Option<bool>,
    pub(crate) email: Option<Address>,
}

impl AccountPatch {
    /// The account as it is to be.
    pub(crate) fn applied_to(&self, user: &User) -> User {
        let mut after = user.clone();
        after.profile.role = self.role.unwrap_or(user.profile.role);
        after.profile.pending = self.pending.unwrap_or(user.profile.pending);
        after.disabled = self.disabled.unwrap_or(user.disabled);
        if let Some(email) = &self.email {
            after.profile.email = email.to_string();
        }
        if after.rights() != user.rights() {
            after.version += 1;
        }
        after
    }
}

/// The place of the administrators' part in [`AuthStore::account_change`].
pub(crate) const ADMINS_AT: usize = 0;
/// The place of the account's part: refused when the account or its logins have changed since they were read.
pub(crate) const ACCOUNT_AT: usize = 1;

/// A change of an account, as a transaction.
pub(crate) struct AccountChange {
    pub(crate) writes: Vec<TransactWriteItem>,
    /// The place of the part that takes the new address: refused when someone has it.
    pub(crate) address_at: Option<usize>,
}

impl AuthStore {
    /// The transaction that takes an account from `before` to `after`, for an administrator who is one at that moment.
    pub(crate) fn account_change(
        &self,
        (before, families): (&User, &[Family]),
        after: &User,
        by: UserId,
        revocations: &Revocations,
        now: Timestamp,
    ) -> Result<AccountChange, StoreError> {
        let id = before.profile.user_id;
        let rights = after.rights();
        let admins = match (before.rights().administers(), rights.administers()) {
            (false, true) => AdminChange::Joins(id),
            (true, false) => AdminChange::Leaves(id),
            _ => AdminChange::None,
        };
        let account =
            Expression::new("SET #role = :role, pending = :pending, disabled = :disabled, version = :version, updatedAt = :now, email = :email")
                .when("version = :before AND email = :emailBefore AND (attribute_not_exists(logins) OR logins = :logins)")
                .name("#role", "role")
                .value(":role", to_attribute(&rights.role)?)
                .value(":pending", AttributeValue::Bool(rights.pending))
                .value(":disabled", AttributeValue::Bool(rights.disabled))
                .value(":version", n(after.version))
                .value(":now", s(now))
                .value(":email", s(&after.profile.email))
                .value(":before", n(before.version))
                .value(":emailBefore", s(&before.profile.email))
                .value(":logins", n(before.logins));
        let mut writes: Vec<_> = self.admins_change(admins, Some(by)).into_iter().collect();
        writes.push(update(&self.table, user_key(id), account));
        if rights != before.rights() {
            self.rights_writes((before, families), after, revocations, now, &mut writes)?;
        }
        let mut address_at = None;
        if email_key(&after.profile.email) != email_key(&before.profile.email) {
            address_at = Some(writes.len());
            writes.push(self.address_put(&after.profile.email, id));
            writes.push(delete(&self.table, email_key(&before.profile.email), None));
        }
        Ok(AccountChange { writes, address_at })
    }

    /// What goes with other rights: the directory entry, all logins, the revocations, the list of those who wait.
    fn rights_writes(
        &self,
        (before, families): (&User, &[Family]),
        after: &User,
        revocations: &Revocations,
        now: Timestamp,
        writes: &mut Vec<TransactWriteItem>,
    ) -> Result<(), StoreError> {
        let id = before.profile.user_id;
        let Rights { role, pending, disabled } = after.rights();
        let with_rights = |expression: Expression| -> Result<Expression, StoreError> {
            Ok(expression.name("#role", "role").value(":role", to_attribute(&role)?).value(":pending", AttributeValue::Bool(pending)))
        };
        let entry = Expression::new("SET #role = :role, pending = :pending, disabled = :disabled")
            .when("attribute_exists(pk)")
            .value(":disabled", AttributeValue::Bool(disabled));
        writes.push(update(&self.table, person_key(id), with_rights(entry)?));
        let mut marks = vec![Mark::Version(id, before.version)];
        let ends = disabled && !before.disabled;
        for family in families {
            let revoked = if ends { ", revokedAt = if_not_exists(revokedAt, :now)" } else { "" };
            let login = Expression::new(format!("SET #role = :role, pending = :pending, version = :version{revoked}"))
                // One that was swept meanwhile has nothing left to lose.
                .when("attribute_exists(pk)")
                .value(":version", n(after.version));
            let login = if ends { login.value(":now", s(now)) } else { login };
            writes.push(update(&self.table, family_key(family.family_id), with_rights(login)?));
            if ends && family.revoked_at.is_none() {
                marks.push(Mark::Session(family.session_id));
            }
        }
        writes.push(revocations.write(&marks));
        if before.profile.pending != pending {
            writes.push(self.pending_change(id, pending));
        }
        Ok(())
    }
}
