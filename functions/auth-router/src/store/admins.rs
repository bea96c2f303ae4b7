//! The set of active administrators. It always has at least one member. A write on behalf of an administrator is conditional on their membership in
//! this set.

use aws_sdk_dynamodb::types::AttributeValue;
use shared_utils::dynamo::{Condition, Key, Outcome, TransactWrite, Update, Verdict, check, n, s, update};
use shared_utils::ids::UserId;

use super::{AuthStore, Write};

/// A change of the set of active administrators.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AdminChange {
    /// No change.
    None,
    /// The user becomes an active administrator.
    Joins(UserId),
    /// The user stops being one. Refused for the last one.
    Leaves(UserId),
}

fn admins_key() -> Key {
    Key::new("ADMINS", "ACTIVE")
}

fn set_of(user: UserId) -> AttributeValue {
    AttributeValue::Ss(vec![user.to_string()])
}

/// Why a transaction's write to the set was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AdminRefusal {
    /// The caller is no longer an active administrator.
    NoAdmin,
    /// The last active administrator would be removed.
    LastAdmin,
}

impl AdminRefusal {
    /// Reads the reason from the outcome of a change that `by` requested. `None` if the write was not refused.
    pub(super) fn of(outcome: &Outcome<Write>, by: UserId) -> Option<Self> {
        match outcome.refused(Write::Admins) {
            Verdict::Held => None,
            Verdict::Absent => Some(Self::NoAdmin),
            Verdict::Found(admins) => {
                let users = admins.get("users").and_then(|users| users.as_ss().ok());
                let administers = users.is_some_and(|users| users.contains(&by.to_string()));
                Some(if administers { Self::LastAdmin } else { Self::NoAdmin })
            }
        }
    }
}

impl AuthStore {
    /// The write that changes the set, on the condition that `by` is in it. Operators' tools pass `None`.
    pub(crate) fn admins_change(&self, change: AdminChange, by: Option<UserId>) -> Option<TransactWrite> {
        // `users` is a reserved word in `DynamoDB`.
        let by_admin = by.map(|by| Condition::new("contains(#users, :by)").name("#users", "users").value(":by", s(by)));
        let changed = |text: &str, user: UserId| {
            let change = Update::new(text).name("#users", "users").name("#type", "type").value(":type", s("admins")).value(":users", set_of(user));
            match by_admin.clone() {
                Some(by_admin) => change.when(by_admin),
                None => change,
            }
        };
        let change = match change {
            AdminChange::None => return by_admin.map(|by_admin| check(&self.table, admins_key(), by_admin)),
            AdminChange::Joins(user) => changed("ADD #users :users SET #type = :type", user),
            AdminChange::Leaves(user) => {
                changed("DELETE #users :users SET #type = :type", user).when(Condition::new("size(#users) > :one").value(":one", n(1)))
            }
        };
        Some(update(&self.table, admins_key(), change))
    }
}
