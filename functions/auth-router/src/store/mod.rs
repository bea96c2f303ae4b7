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

mod address;
mod admins;
mod attempts;
mod directory;
mod families;
mod profiles;
mod rights;
mod users;

pub(crate) use address::MALFORMED_ADDRESS;
pub use address::{Address, MalformedAddress};
pub(crate) use admins::refused_by_admins;
pub(crate) use attempts::Attempt;
pub(crate) use directory::folded;
pub(crate) use families::{Family, Rotation};
pub(crate) use profiles::{LENGTH as PROFILE_LENGTH, ProfilePatch};
pub(crate) use rights::{ACCOUNT_AT, ADMINS_AT, AccountChange, AccountPatch, Rights};
pub use users::{NewUser, Profile, User};

use aws_sdk_dynamodb::types::TransactWriteItem;
use shared_utils::dynamo::{Store, TransactError};

/// How many logins a user may have at once.
pub(crate) const MAX_FAMILIES: usize = 20;

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

    /// All of these writes or none.
    pub(crate) async fn transact(&self, writes: Vec<TransactWriteItem>) -> Result<(), TransactError> {
        self.store.transact(writes).await
    }
}
