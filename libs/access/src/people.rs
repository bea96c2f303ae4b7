//! The directory: the data that everyone in the studio may read about others. It has no e-mail address, phone number or password hash. Those are
//! in items under other keys, which only auth-router may read.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use shared_utils::auth::Role;
use shared_utils::dynamo::{Key, Store, StoreError, from_item};
use shared_utils::ids::UserId;

/// A directory entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Person {
    /// User id.
    pub user_id: UserId,
    /// First name.
    pub first_name: Option<String>,
    /// Last name.
    pub last_name: Option<String>,
    /// Username.
    pub username: Option<String>,
    /// Storage key of a picture.
    pub thumbnail: Option<String>,
    /// Profile role.
    pub role: Role,
    /// Occupation.
    pub occupation: Option<String>,
    /// Whether the account waits for approval.
    pub pending: bool,
    /// Whether the account is disabled.
    pub disabled: bool,
}

impl Person {
    /// Whether the account is approved and not disabled.
    pub fn is_active(&self) -> bool {
        !self.pending && !self.disabled
    }
}

/// The key of a directory entry.
pub fn person_key(user: UserId) -> Key {
    Key::new(format!("PERSON#{user}"), "ENTRY")
}

/// Reads directory entries.
#[derive(Clone, Debug)]
pub struct People {
    store: Store,
    table: String,
}

impl People {
    /// The directory in this auth table.
    pub fn new(store: Store, table: String) -> Self {
        Self { store, table }
    }

    /// The entries of these people. Unknown ids are omitted. One call per hundred.
    pub async fn find(&self, users: &[UserId]) -> Result<HashMap<UserId, Person>, StoreError> {
        if users.is_empty() {
            return Ok(HashMap::new());
        }
        let wanted: Vec<_> = users.iter().map(|user| (self.table.as_str(), person_key(*user))).collect();
        let items = self.store.get_many(&wanted).await?;
        items.into_values().map(|item| from_item::<Person>(item).map(|person| (person.user_id, person))).collect()
    }
}
