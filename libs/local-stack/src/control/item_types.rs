//! The types of items by their keys: docs/data-model.md.

/// A type of items.
pub(super) struct ItemType {
    /// What people read.
    pub(super) name: &'static str,
    /// The tables that have it.
    tables: &'static [&'static str],
    /// How its partition key begins.
    pub(super) pk: &'static str,
    /// How its sort key begins.
    pub(super) sk: &'static str,
}

const fn of(tables: &'static [&'static str], name: &'static str, pk: &'static str, sk: &'static str) -> ItemType {
    ItemType { name, tables, pk, sk }
}

const AUTH: &[&str] = &["auth"];
const PROJECTS: &[&str] = &["projects"];
const MESSAGES: &[&str] = &["messages"];
const CONNECTIONS: &[&str] = &["connections"];
const WITH_FILES: &[&str] = &["auth", "projects", "messages"];
const ALL: &[&str] = &["auth", "projects", "messages", "connections"];

/// Every type.
pub(super) const ITEM_TYPES: [ItemType; 46] = [
    of(AUTH, "user", "USER#", "PROFILE"),
    of(AUTH, "login", "USER#", "FAMILY#"),
    of(AUTH, "address of a user", "EMAIL#", "USER"),
    of(AUTH, "link of a mail", "USER#", "LINK#"),
    of(AUTH, "sign-up", "SIGN_UP#", "SIGN_UP"),
    of(AUTH, "login that needs another step", "CHALLENGE#", "CHALLENGE"),
    of(AUTH, "rate of mails", "MAILS#", "RATE"),
    of(AUTH, "failed attempts", "ATTEMPTS#", ""),
    of(AUTH, "active administrators", "ADMINS", "ACTIVE"),
    of(AUTH, "waits for approval", "PENDING", ""),
    of(AUTH, "directory entry", "PERSON#", "ENTRY"),
    of(AUTH, "name in the directory", "DIRECTORY", ""),
    of(AUTH, "ticket", "TICKET#", "TICKET"),
    of(AUTH, "pace of tickets", "PACE#", "TICKETS"),
    of(AUTH, "revocations", "REVOCATIONS#", "BUCKET#"),
    of(PROJECTS, "project", "PROJECT#", "HEADER"),
    of(PROJECTS, "details of a project", "PROJECT#", "DETAILS"),
    of(PROJECTS, "member of a project", "PROJECT#", "MEMBER#"),
    of(PROJECTS, "budget", "BUDGET#", "BUDGET"),
    of(PROJECTS, "revision of a budget", "BUDGET#", "REVISION#"),
    of(PROJECTS, "line of a budget", "LINES#", "LINE#"),
    of(PROJECTS, "idempotency key of projects", "IDEMPOTENCY#", "PROJECTS#"),
    of(PROJECTS, "idempotency key of a budget", "IDEMPOTENCY#", "BUDGET#"),
    of(PROJECTS, "rest of an answer", "ANSWER#", "PART#"),
    of(MESSAGES, "conversation", "CONVERSATION#", "HEAD"),
    of(MESSAGES, "message", "CONVERSATION#", "MESSAGE#"),
    of(MESSAGES, "change of a message", "CONVERSATION#", "CHANGE#"),
    of(MESSAGES, "sent under an optimisticId", "CONVERSATION#", "SENT#"),
    of(MESSAGES, "conversation of a person", "USER#", "CONVERSATION#"),
    of(MESSAGES, "direct pair", "DIRECT#", "CONVERSATION"),
    of(MESSAGES, "positions of sync cursors", "SYNC#", "BASELINE#"),
    of(MESSAGES, "unread notification", "NOTIFICATIONS#", "UNREAD#"),
    of(MESSAGES, "read notification", "NOTIFICATIONS#", "READ#"),
    of(MESSAGES, "latest notification", "NOTIFICATIONS#", "SUBJECT#"),
    of(MESSAGES, "idempotency key of conversations", "IDEMPOTENCY#", "CONVERSATIONS#"),
    of(CONNECTIONS, "connection", "CONNECTION#", "CONNECTION"),
    of(CONNECTIONS, "connections of a person", "USER#", "CONNECTIONS"),
    of(CONNECTIONS, "last typed", "PACE#", "TYPING#"),
    of(CONNECTIONS, "lock of a line", "LOCKS#", "LOCK#"),
    of(CONNECTIONS, "lock of a connection", "CONNECTION#", "LOCK#"),
    of(WITH_FILES, "file", "FILES#", "FILE#"),
    of(WITH_FILES, "bytes of files", "FILES#", "USAGE"),
    of(WITH_FILES, "objects that must go", "REMOVALS", ""),
    of(ALL, "key of cursors", "SECRET#CURSOR", "KEY"),
    of(CONNECTIONS, "pace of a person", "PACE#", ""),
    of(ALL, "idempotency key", "IDEMPOTENCY#", ""),
];

/// The type of an item with these keys.
pub(super) fn type_of(table: &str, pk: &str, sk: &str) -> Option<&'static ItemType> {
    ITEM_TYPES.iter().find(|one| one.tables.contains(&table) && pk.starts_with(one.pk) && sk.starts_with(one.sk))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_have_names_that_people_read() {
        let name = |table, pk, sk| type_of(table, pk, sk).map(|one| one.name);
        assert_eq!(name("auth", "USER#usr_1", "PROFILE"), Some("user"));
        assert_eq!(name("messages", "USER#usr_1", "CONVERSATION#cnv_1"), Some("conversation of a person"));
        assert_eq!(name("connections", "CONNECTION#a", "CONNECTION"), Some("connection"));
        assert_eq!(name("connections", "CONNECTION#a", "LOCK#prj_1#1#x"), Some("lock of a connection"));
        assert_eq!(name("projects", "FILES#prj_1", "USAGE"), Some("bytes of files"));
        assert_eq!(name("projects", "SOMETHING", "ELSE"), None);
    }

    #[test]
    fn names_are_used_once() {
        let names: std::collections::BTreeSet<&str> = ITEM_TYPES.iter().map(|one| one.name).collect();
        assert_eq!(names.len(), ITEM_TYPES.len());
    }
}
