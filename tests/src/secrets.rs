//! What must never be in a log: collected from everything that is sent and answered.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use shared_utils::random::sha256;

/// The members whose values are secrets, or somebody's words.
const MEMBERS: [&str; 10] =
    ["accessToken", "refreshToken", "ticket", "token", "password", "currentPassword", "newPassword", "oneTimePassword", "text", "snippet"];
/// Shorter ones may stand in a line by chance.
const SHORTEST: usize = 12;
/// What hashes and tokens look like, whoever made them.
const SHAPES: [&str; 3] = ["$argon2", "eyJ", "__Host-refresh="];

/// The secrets of one world.
#[derive(Clone, Default)]
pub(crate) struct Secrets(Arc<Mutex<BTreeSet<String>>>);

impl Secrets {
    /// Remembers a secret.
    pub(crate) fn add(&self, secret: &str) {
        if secret.len() >= SHORTEST {
            let mut secrets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            // Also what the tables keep of it.
            secrets.insert(sha256(secret.as_bytes()));
            if let Some((_, secret)) = secret.split_once('.').and_then(|(id, secret)| Some((id, URL_SAFE_NO_PAD.decode(secret).ok()?))) {
                secrets.insert(sha256(&secret));
            }
            secrets.insert(secret.to_owned());
        }
    }

    /// Remembers every secret in a body.
    pub(crate) fn add_from(&self, body: &Value) {
        match body {
            Value::Object(members) => {
                for (name, value) in members {
                    match value {
                        Value::String(text) if MEMBERS.contains(&name.as_str()) => self.add(text),
                        _ => self.add_from(value),
                    }
                }
            }
            Value::Array(entries) => entries.iter().for_each(|entry| self.add_from(entry)),
            _ => {}
        }
    }

    /// Searches the lines for everything remembered.
    ///
    /// # Panics
    /// When a secret is in a line.
    pub(crate) fn hold_out_of(&self, lines: &[String]) {
        let secrets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for line in lines {
            let told = secrets.iter().map(String::as_str).chain(SHAPES).find(|secret| line.contains(secret));
            assert_eq!(told, None, "a secret is in a log line: {line}");
        }
    }
}
