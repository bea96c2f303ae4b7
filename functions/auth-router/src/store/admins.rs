//! The active administrators, as one set: there is always one, and whoever administers is in it at the moment of the write.

use aws_sdk_dynamodb::types::{AttributeValue, TransactWriteItem};
use shared_utils::dynamo::{Expression, Key, TransactError, check, n, s, update};
use shared_utils::http::Error;
use shared_utils::ids::UserId;

use super::AuthStore;

/// What becomes of someone's place among the active administrators.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AdminChange {
    /// They were none, and are none.
    None,
    /// They become one.
    Joins(UserId),
    /// They are one no longer: refused for the last one.
    Leaves(UserId),
}

fn admins_key() -> Key {
    Key::new("ADMINS", "ACTIVE")
}

fn set_of(user: UserId) -> AttributeValue {
    AttributeValue::Ss(vec![user.to_string()])
}

/// Why the administrators' part of a transaction was refused: whoever asked is none any more, or the last one would go.
pub(crate) fn refused_by_admins(error: &TransactError, by: UserId) -> Error {
    let users = error.refused_at(super::ADMINS_AT).flatten().and_then(|item| item.get("users")?.as_ss().ok());
    if users.is_some_and(|users| users.contains(&by.to_string())) { Error::LastAdmin } else { Error::Forbidden }
}

impl AuthStore {
    /// The part of a transaction that changes who administers, on the condition that `by` does. Operators' tools act for nobody.
    pub(crate) fn admins_change(&self, change: AdminChange, by: Option<UserId>) -> Option<TransactWriteItem> {
        let mut condition = Vec::new();
        if by.is_some() {
            condition.push("contains(#users, :by)");
        }
        if matches!(change, AdminChange::Leaves(_)) {
            condition.push("size(#users) > :one");
        }
        let condition = condition.join(" AND ");
        let with_actor = |expression: Expression| match by {
            Some(by) => expression.value(":by", s(by)),
            None => expression,
        };
        // `users` is a reserved word.
        let named = |text: &str| Expression::new(text).name("#users", "users").name("#type", "type").value(":type", s("admins"));
        match change {
            AdminChange::None => by.map(|_| check(&self.table, admins_key(), with_actor(Expression::new(condition).name("#users", "users")))),
            AdminChange::Joins(user) => {
                let mut joins = with_actor(named("ADD #users :users SET #type = :type").value(":users", set_of(user)));
                if by.is_some() {
                    joins = joins.when(condition);
                }
                Some(update(&self.table, admins_key(), joins))
            }
            AdminChange::Leaves(user) => {
                let leaves = named("DELETE #users :users SET #type = :type").value(":users", set_of(user)).value(":one", n(1));
                Some(update(&self.table, admins_key(), with_actor(leaves).when(condition)))
            }
        }
    }
}
