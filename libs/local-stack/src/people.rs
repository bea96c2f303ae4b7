//! The accounts of the local stack. The operators' own tool creates them, as it creates the first administrator in AWS.

use std::collections::BTreeMap;
use std::process::Stdio;

use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;

use crate::build::Profile;
use crate::programs;

/// The password of every account. Only the local stack uses it.
pub const PASSWORD: &str = "studio-local-only";

/// Address, role, first name, last name.
pub const PEOPLE: [(&str, &str, &str, &str); 4] = [
    ("ana@mylg.test", "admin", "Ana", "Roy"),
    ("ben@mylg.test", "designer", "Ben", "Okafor"),
    ("cleo@mylg.test", "client", "Cleo", "Marsh"),
    ("dana@mylg.test", "user", "Dana", "Lind"),
];

/// Creates the accounts that do not exist yet, and `more` accounts besides (`user001@mylg.test` …).
pub async fn seed(environment: &BTreeMap<String, String>, more: usize) -> Result<(), String> {
    let mut lines = Vec::new();
    let mut add = |person: Value| lines.push(format!("{person}\n"));
    for (email, role, first, last) in PEOPLE {
        add(json!({"email": email, "role": role, "password": PASSWORD, "firstName": first, "lastName": last}));
    }
    for number in 1..=more {
        add(json!({"email": format!("user{number:03}@mylg.test"), "password": PASSWORD, "firstName": "User", "lastName": format!("{number:03}")}));
    }
    let tool = Profile::own().directory().join("create-user");
    let mut child = programs::command(&tool)
        .env_clear()
        .envs(environment)
        .env("AWS_ACCESS_KEY_ID", "local")
        .env("AWS_SECRET_ACCESS_KEY", "local")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| format!("{} does not start: {error}", tool.display()))?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(lines.concat().as_bytes()).await.map_err(|error| error.to_string())?;
    }
    let output = child.wait_with_output().await.map_err(|error| error.to_string())?;
    if output.status.success() { Ok(()) } else { Err(format!("people could not be made: {}", String::from_utf8_lossy(&output.stderr).trim())) }
}
