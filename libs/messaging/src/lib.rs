//! Conversations and messages: the one write path that messages-router and ws-provider both call.
//!
//! | module | what it has |
//! | --- | --- |
//! | [`conversation`] | heads, participants, what a person sees of a conversation |
//! | [`message`] | messages, their values from outside, tombstones |
//! | `open` | opening conversations: one per pair, one per project |
//! | `send` | the send transaction: a gap-free `seq`, at most once per `optimisticId` |
//! | [`change`] | edits, deletions, reactions |
//! | `orphaned` | conversations whose project is gone |
//! | [`changes`] | the change log that these leave behind |
//! | [`group`] | a group's people and title |
//! | `commands` | what people do, and what the others are told of it |
//! | `marker` | how far someone has read |
//! | `read` | lists and pages |
//! | [`sync`], `sync_cursor` | what has changed since a device last asked |
//! | [`broadcast`] | telling people |
//! | `departures` | closing connections, and what the end of one means to others |
//! | [`frames`] | what sockets are told |

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
mod keys;
mod marker;
pub mod message;
pub mod open;
mod orphaned;
pub mod read;
pub mod send;
pub mod sync;
mod sync_cursor;

pub use error::Error;
use orphaned::OrphanedConversations;

use access::people::People;
use access::teams::Teams;
use shared_utils::clock::Clock;
use shared_utils::dynamo::Store;
use shared_utils::env::{EnvError, Environment};

/// How many conversations a person may take part in, those of projects aside. Counted before one is added: of two that are added at the
/// same moment both may pass.
pub const MAX_CONVERSATIONS: usize = 500;

/// The messages table, with what it needs to know of people and projects.
#[derive(Clone)]
pub struct Messaging {
    store: Store,
    table: String,
    people: People,
    teams: Teams,
    projects_table: String,
    clock: Clock,
    orphaned: OrphanedConversations,
}

/// The tables' full names.
#[derive(Debug, Clone)]
pub struct Tables {
    /// Users, directory entries, sessions, revocations.
    pub auth: String,
    /// Projects, teams, budgets.
    pub projects: String,
    /// Conversations and messages.
    pub messages: String,
    /// Open sockets and line locks.
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
    /// Conversations in these tables.
    pub fn new(store: Store, tables: &Tables, clock: Clock) -> Self {
        Self {
            people: People::new(store.clone(), tables.auth.clone()),
            teams: Teams::new(store.clone(), tables.projects.clone()),
            store,
            table: tables.messages.clone(),
            projects_table: tables.projects.clone(),
            clock,
            orphaned: OrphanedConversations::default(),
        }
    }
}
