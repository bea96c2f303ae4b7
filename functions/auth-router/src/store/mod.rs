//! The auth table: keys, items, and the calls on them.
//!
//! | item | pk | sk |
//! | --- | --- | --- |
//! | user | `USER#<userId>` | `PROFILE` |
//! | family (one login) | `USER#<userId>` | `FAMILY#<familyId>` |
//! | e-mail address → user | `EMAIL#<address>` | `USER` |
//! | failed attempts of an address | `ATTEMPTS#<sha256 of address>` | `ANYWHERE`, `PLACE#<sha256 of ip>` |
//! | directory entry | `PERSON#<userId>` | `ENTRY` (see `access::people`) |
//! | revocations | `REVOCATIONS` | `BUCKET#…` (see `access::revocations`) |

mod attempts;
mod families;
mod users;

pub(crate) use attempts::Attempt;
pub(crate) use families::{Family, Rotation};
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
