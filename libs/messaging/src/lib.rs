//! Conversations and messages: the one write path that messages-router and ws-provider both call.
//!
//! | module | room |
//! | --- | --- |
//! | [`conversation`] | heads, participants, what a person sees of a conversation |
//! | [`message`] | messages, their values from outside, tombstones |
//! | `open` | opening conversations: one per pair, one per project |
//! | `send` | the send transaction: a gap-free `seq`, at most once per `optimisticId` |
//! | `change` | edits and deletions |
//! | `read` | lists and pages |
//! | [`frames`] | what sockets are told |

pub mod change;
pub mod conversation;
pub mod frames;
mod keys;
pub mod message;
pub mod open;
pub mod read;
pub mod send;

use access::people::People;
use access::teams::Teams;
use shared_utils::clock::Clock;
use shared_utils::dynamo::Store;

/// The messages table, with what it needs to know of people and projects.
#[derive(Clone)]
pub struct Messaging {
    store: Store,
    table: String,
    people: People,
    teams: Teams,
    projects_table: String,
    clock: Clock,
}

/// The tables that conversations touch.
#[derive(Debug, Clone)]
pub struct Tables {
    /// Conversations and messages.
    pub messages: String,
    /// Directory entries, read only.
    pub auth: String,
    /// Project headers, read only.
    pub projects: String,
}

impl Messaging {
    /// Conversations in these tables.
    pub fn new(store: Store, tables: Tables, clock: Clock) -> Self {
        Self {
            people: People::new(store.clone(), tables.auth),
            teams: Teams::new(store.clone(), tables.projects.clone()),
            store,
            table: tables.messages,
            projects_table: tables.projects,
            clock,
        }
    }
}
