//! What a user may do at all: role, pending, disabled. A change takes effect in one transaction: on the account, its directory entry,
//! all its logins, the revocations and the set of administrators.

use access::people::person_key;
use access::revocations::{Mark, Revocations};
use aws_sdk_dynamodb::types::{AttributeValue, TransactWriteItem};
use shared_utils::auth::Role;
use shared_utils::clock::Timestamp;
use shared_utils::dynamo::{Expression, StoreError, n, s, to_attribute, update};
use shared_utils::ids::UserId;

use super::admins::AdminChange;
use super::families::{Family, family_key};
use super::users::user_key;
use super::{AuthStore, User};

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

/// The part of a user's rights that is to change.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct RightsPatch {
    pub(crate) role: Option<Role>,
    pub(crate) pending: Option<bool>,
    pub(crate) disabled: Option<bool>,
}

impl RightsPatch {
    /// The rights as they are to be.
    pub(crate) fn applied_to(self, rights: Rights) -> Rights {
        Rights {
            role: self.role.unwrap_or(rights.role),
            pending: self.pending.unwrap_or(rights.pending),
            disabled: self.disabled.unwrap_or(rights.disabled),
        }
    }
}

/// The place of the administrators' part in [`AuthStore::rights_change`].
pub(crate) const ADMINS_AT: usize = 0;
/// The place of the account's part: refused when the account or its logins have changed since they were read.
pub(crate) const ACCOUNT_AT: usize = 1;

impl AuthStore {
    /// The transaction that gives a user other rights, for an administrator who is one at that moment.
    pub(crate) fn rights_change(
        &self,
        (user, families): (&User, &[Family]),
        after: Rights,
        by: UserId,
        revocations: &Revocations,
        now: Timestamp,
    ) -> Result<Vec<TransactWriteItem>, StoreError> {
        let id = user.profile.user_id;
        let before = user.rights();
        let version = user.version + 1;
        let with_rights = |expression: Expression| -> Result<Expression, StoreError> {
            Ok(expression.name("#role", "role").value(":role", to_attribute(&after.role)?).value(":pending", AttributeValue::Bool(after.pending)))
        };
        let admins = match (before.administers(), after.administers()) {
            (false, true) => AdminChange::Joins(id),
            (true, false) => AdminChange::Leaves(id),
            _ => AdminChange::None,
        };
        let account = Expression::new("SET #role = :role, pending = :pending, disabled = :disabled, version = :version, updatedAt = :now")
            .when("version = :before AND (attribute_not_exists(logins) OR logins = :logins)")
            .value(":disabled", AttributeValue::Bool(after.disabled))
            .value(":version", n(version))
            .value(":now", s(now))
            .value(":before", n(user.version))
            .value(":logins", n(user.logins));
        let entry = Expression::new("SET #role = :role, pending = :pending, disabled = :disabled")
            .when("attribute_exists(pk)")
            .value(":disabled", AttributeValue::Bool(after.disabled));
        let mut writes: Vec<_> = self.admins_change(admins, Some(by)).into_iter().collect();
        writes.push(update(&self.table, user_key(id), with_rights(account)?));
        writes.push(update(&self.table, person_key(id), with_rights(entry)?));
        let mut marks = vec![Mark::Version(id, user.version)];
        let ends = after.disabled && !before.disabled;
        for family in families {
            let revoked = if ends { ", revokedAt = if_not_exists(revokedAt, :now)" } else { "" };
            let login = Expression::new(format!("SET #role = :role, pending = :pending, version = :version{revoked}"))
                // One that was swept meanwhile has nothing left to lose.
                .when("attribute_exists(pk)")
                .value(":version", n(version));
            let login = if ends { login.value(":now", s(now)) } else { login };
            writes.push(update(&self.table, family_key(family.family_id), with_rights(login)?));
            if ends && family.revoked_at.is_none() {
                marks.push(Mark::Session(family.session_id));
            }
        }
        writes.push(revocations.write(&marks));
        if before.pending != after.pending {
            writes.push(self.pending_change(id, after.pending));
        }
        Ok(writes)
    }
}
