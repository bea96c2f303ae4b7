//! `create-user`: creates users directly in the auth table, with the AWS credentials and endpoint of the environment.
//!
//! Reads one JSON object per line from standard input: `{"email", "role"?, "password"?, "firstName"?, "lastName"?}`. Prints one per line:
//! `{"email", "userId"}`, with `oneTimePassword` if the input had no password, or `{"email", "exists": true}` if the address is taken.
//! Operators create the first administrator with it; the local stack creates its users.

use std::collections::HashMap;
use std::io::{BufRead, Write};

use auth_router::hash_password;
use auth_router::store::{Address, AuthStore, NewUser};
use serde::Deserialize;
use serde_json::json;
use shared_utils::auth::Role;
use shared_utils::aws::AwsConfig;
use shared_utils::clock::Clock;
use shared_utils::dynamo::Store;
use shared_utils::env::Environment;
use shared_utils::http::Error;
use shared_utils::random;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Wanted {
    email: String,
    role: Option<Role>,
    password: Option<String>,
    first_name: Option<String>,
    last_name: Option<String>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let env = Environment::of_process();
    let store = AuthStore::new(Store::new(AwsConfig::from_env(&env)?.dynamodb()), env.required("AUTH_TABLE")?);
    let mut out = std::io::stdout().lock();
    // Users with the same password (as in the local stack) share its hash, to avoid hashing it many times.
    let mut hashes: HashMap<String, String> = HashMap::new();
    for line in std::io::stdin().lock().lines() {
        let wanted: Wanted = serde_json::from_str(&line?)?;
        let email: Address = wanted.email.parse().map_err(|error| format!("{:?}: {error}", wanted.email))?;
        let one_time = wanted.password.is_none();
        let password = wanted.password.unwrap_or_else(random::secret);
        let password_hash = match hashes.get(&password) {
            Some(hash) => hash.clone(),
            None => hash_password(&password).map_err(|error| error.to_string())?,
        };
        hashes.insert(password.clone(), password_hash.clone());
        let new = NewUser {
            email,
            password_hash,
            role: wanted.role.unwrap_or(Role::User),
            first_name: wanted.first_name,
            last_name: wanted.last_name,
            pending: false,
            mail: None,
        };
        let answer = match store.create_user(new, None, Clock::System.now()).await {
            Ok(profile) if one_time => json!({"email": profile.email, "userId": profile.user_id, "oneTimePassword": password}),
            Ok(profile) => json!({"email": profile.email, "userId": profile.user_id}),
            Err(Error::Conflict(_)) => json!({"email": wanted.email, "exists": true}),
            Err(error) => return Err(error.cause().map_or_else(|| error.to_string(), str::to_owned).into()),
        };
        writeln!(out, "{answer}")?;
    }
    Ok(())
}
