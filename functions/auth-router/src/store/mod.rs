//! The auth table: keys, items, and the calls on them.
//!
//! | item | pk | sk |
//! | --- | --- | --- |
//! | user | `USER#<userId>` | `PROFILE` |
//! | family (one login) | `USER#<userId>` | `FAMILY#<familyId>` |
//! | e-mail address → user | `EMAIL#<address>` | `USER` |
//! | failed attempts of an address | `ATTEMPTS#<sha256 of address>` | `ANYWHERE`, `PLACE#<sha256 of ip>` |
//! | active administrators | `ADMINS` | `ACTIVE` |
//! | someone who waits for approval | `PENDING` | `<userId>` |
//! | a name that someone is found by | `DIRECTORY` | `<name>#<userId>` |
//! | directory entry | `PERSON#<userId>` | `ENTRY` (see `access::people`) |
//! | revocations | `REVOCATIONS` | `BUCKET#…` (see `access::revocations`) |
//! | ticket, pace of tickets | `TICKET#<sha256>`, `PACE#<userId>` | (see `access::tickets`) |

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

/// How many logins a user may have at once.
pub(crate) const MAX_FAMILIES: usize = 20;

/// The writes of this table's transactions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Write {
    /// The user's item.
    Account,
    /// The item by which an address finds its user.
    Address,
    /// The active administrators.
    Admins,
    /// What is counted of failed logins.
    Attempts,
    /// The directory entry.
    Person,
    /// The names that the person is found by.
    Terms,
    /// The list of those who wait for approval.
    Pending,
    /// The login that the transaction is about.
    Session,
    /// The account's other logins.
    OtherSessions,
    Revocations,
}

/// The auth table.
#[derive(Clone)]
pub struct AuthStore {
    store: Store,
    table: String,
}

impl AuthStore {
    /// The store on this table.
    pub fn new(store: Store, table: String) -> Self {
        Self { store, table }
    }
}
