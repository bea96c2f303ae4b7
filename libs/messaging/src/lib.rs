//! Conversations and messages. messages-router and ws-provider both use this crate for every write.
//!
//! | module | contents |
//! | --- | --- |
//! | [`conversation`] | conversation heads, participants, one participant's view |
//! | [`attachments`] | the files that go with messages |
//! | [`message`] | messages, input validation, tombstones |
//! | `open` | opens conversations: one per pair of people, one per project |
//! | `send` | the send transaction: a gap-free `seq`, at most one message per `optimisticId` |
//! | [`edit`] | edits, deletions, reactions |
//! | `participation` | what a participant may do, and the condition that somebody takes part |
//! | `orphaned` | conversations whose project was deleted |
//! | [`change_log`] | the change log of a conversation |
//! | [`group`] | a group's participants and title |
//! | `commands` | writes together with their broadcasts |
//! | `marker` | read markers |
//! | `read` | lists of conversations, pages of messages |
//! | [`sync`], `sync_cursor` | changes since a device's last sync |
//! | [`notification`] | notifications: the item, and the events that make one |
//! | [`inbox`] | a person's notifications: pages, the unread count, marking as read |
//! | `notify` | writes notifications after the response |
//! | [`broadcast`] | sends frames to the people concerned |
//! | `departures` | closes connections, handles the effects on other people |
//! | [`frames`] | the frames that clients receive |

pub mod attachments;
pub mod broadcast;
pub mod change_log;
mod commands;
pub mod conversation;
mod departures;
pub mod edit;
mod emoji;
mod error;
pub mod frames;
pub mod group;
pub mod inbox;
mod keys;
mod marker;
pub mod message;
pub mod notification;
mod notify;
pub mod open;
mod orphaned;
mod participation;
pub mod read;
pub mod send;
pub mod sync;
mod sync_cursor;

pub use error::Error;
pub use marker::{Marked, marker_interval};
use orphaned::OrphanedConversations;

use access::people::People;
use access::teams::Teams;
use files::FileTable;
use shared_utils::clock::Clock;
use shared_utils::dynamo::Store;
use shared_utils::env::{EnvError, Environment};

/// Maximum number of direct and group conversations per person. The count is read before the write, so two concurrent additions can both pass.
pub const MAX_CONVERSATIONS: usize = 500;

/// Reads and writes the messages table. Also reads people and teams.
#[derive(Clone)]
pub struct Messaging {
    store: Store,
    table: String,
    people: People,
    teams: Teams,
    projects_table: String,
    clock: Clock,
    orphaned: OrphanedConversations,
    files: FileTable,
}

/// Full table names.
#[derive(Debug, Clone)]
pub struct Tables {
    /// Users, directory entries, sessions, revocations.
    pub auth: String,
    /// Projects, teams, budgets.
    pub projects: String,
    /// Conversations and messages.
    pub messages: String,
    /// Connections and line locks.
    pub connections: String,
}

impl Tables {
    /// Reads `AUTH_TABLE`, `PROJECTS_TABLE`, `MESSAGES_TABLE` and `CONNECTIONS_TABLE`.
    pub fn from_env(env: &Environment) -> Result<Self, EnvError> {
        Ok(Self {
            auth: env.required("AUTH_TABLE")?,
            projects: env.required("PROJECTS_TABLE")?,
            messages: env.required("MESSAGES_TABLE")?,
            connections: env.required("CONNECTIONS_TABLE")?,
        })
    }
}

impl Messaging {
    /// Accesses the conversations in these tables.
    pub fn new(store: Store, tables: &Tables, clock: Clock) -> Self {
        Self {
            people: People::new(store.clone(), tables.auth.clone()),
            teams: Teams::new(store.clone(), tables.projects.clone()),
            files: FileTable::new(store.clone(), tables.messages.clone()),
            store,
            table: tables.messages.clone(),
            projects_table: tables.projects.clone(),
            clock,
            orphaned: OrphanedConversations::default(),
        }
    }
}
