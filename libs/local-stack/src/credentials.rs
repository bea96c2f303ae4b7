//! The credentials of the local functions: each has an access key id of its own, so that a call tells who made it.

use aws_credential_types::Credentials;
use aws_smithy_runtime_api::client::identity::Identity;

/// The secret access key of all local credentials.
pub(crate) const SECRET: &str = "local";

/// The identity with this access key id and session token.
pub(crate) fn identity_of(key_id: &str, session_token: Option<&str>) -> Identity {
    Credentials::new(key_id, SECRET, session_token.map(str::to_owned), None, "local").into()
}
