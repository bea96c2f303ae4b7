//! The auth table: its keys, items and operations.
//!
//! | item | pk | sk |
//! | --- | --- | --- |
//! | user | `USER#<userId>` | `PROFILE` |
//! | token family (one session) | `USER#<userId>` | `FAMILY#<familyId>` |
//! | e-mail address → user | `EMAIL#<address>` | `USER` |
//! | failed logins of an address | `ATTEMPTS#<sha256 of address>` | `ANYWHERE`, `PLACE#<sha256 of network>` |
//! | active administrators | `ADMINS` | `ACTIVE` |
//! | account that waits for approval | `PENDING` | `<userId>` |
//! | search term of a person | `DIRECTORY` | `<term>#<userId>` |
//! | directory entry | `PERSON#<userId>` | `ENTRY` (see `access::people`) |
//! | revocations | `REVOCATIONS#<shard>` | `BUCKET#…` (see `access::revocations`) |
//! | ticket, ticket rate | `TICKET#<sha256>`, `PACE#<userId>` | (see `access::tickets`) |

mod account_status;
mod address;
mod admins;
mod attempts;
mod directory;
mod profiles;
mod sessions;
mod token_families;
mod users;

pub(crate) use account_status::{AccountOutcome, AccountPatch, AccountStatus};
pub(crate) use address::MALFORMED_ADDRESS;
pub use address::{Address, MalformedAddress};
pub(crate) use attempts::Attempt;
pub(crate) use directory::folded;
pub(crate) use profiles::{LENGTH as PROFILE_LENGTH, ProfilePatch};
pub(crate) use token_families::{Rotation, TokenFamily};
pub use users::{NewUser, Profile, User};

use shared_utils::dynamo::Store;

/// The maximum number of concurrent sessions of a user.
pub(crate) const MAX_FAMILIES: usize = 20;

/// Labels for the writes in this table's transactions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Write {
    /// The user's item.
    Account,
    /// The item that maps an address to its user.
    Address,
    /// The set of active administrators.
    Admins,
    /// The counts of failed logins.
    Attempts,
    /// The directory entry.
    Person,
    /// The person's search terms.
    Terms,
    /// The list of accounts that wait for approval.
    Pending,
    /// The session that the transaction is about.
    Session,
    /// The account's other sessions.
    OtherSessions,
    Revocations,
}

/// Access to the auth table.
#[derive(Clone)]
pub struct AuthStore {
    store: Store,
    table: String,
}

impl AuthStore {
    /// Creates the store for this table.
    pub fn new(store: Store, table: String) -> Self {
        Self { store, table }
    }
}
