//! Temporary credentials of the local roles. Each sandbox has its own, as in Lambda.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use shared_utils::random;

/// Credentials of a function's role. They do not expire.
#[derive(Debug, Clone)]
pub struct RoleCredentials {
    /// The function.
    pub function: String,
    /// The access key id. It identifies the caller of a request.
    pub access_key: String,
    /// The secret that signs.
    pub secret_key: String,
    /// The token that every request of temporary credentials has.
    pub session_token: String,
}

/// All credentials that were given out. Clones are cheap and share one list.
#[derive(Debug, Clone, Default)]
pub struct CredentialStore(Arc<Mutex<HashMap<String, RoleCredentials>>>);

impl CredentialStore {
    /// Gives out new credentials of a function's role.
    pub fn issue(&self, function: &str) -> RoleCredentials {
        let credentials = RoleCredentials {
            function: function.to_owned(),
            access_key: format!("ASIA{}", random::bytes::<8>().map(|byte| format!("{byte:02X}")).concat()),
            secret_key: random::secret(),
            session_token: random::secret(),
        };
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert(credentials.access_key.clone(), credentials.clone());
        credentials
    }

    /// The credentials with this access key id.
    pub fn find(&self, access_key: &str) -> Option<RoleCredentials> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(access_key).cloned()
    }
}
