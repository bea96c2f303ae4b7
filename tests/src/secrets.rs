//! Secrets that must never be in a log, collected from all requests and responses.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use shared_utils::random::sha256;

/// The members whose values are secrets or message texts.
const MEMBERS: [&str; 14] = [
    "accessToken",
    "challenge",
    "currentPassword",
    "newPassword",
    "oneTimePassword",
    "password",
    "recoveryCodes",
    "refreshToken",
    "secret",
    "snippet",
    "text",
    "ticket",
    "token",
    "uri",
];
/// The minimum length of a secret. A shorter text may be in a line by chance.
const SHORTEST: usize = 12;
/// The forms of any hash or token. A family id is half of a refresh token, and starts with `fam_01` at present.
const SHAPES: [&str; 3] = ["$argon2", "__Host-refresh=", "fam_01"];
/// The minimum length of a token after the first characters of its header. An id of 16 random characters may start in the same way.
const LEAST_OF_A_TOKEN: usize = 16;

/// The secrets of one test stack.
#[derive(Clone, Default)]
pub(crate) struct Secrets(Arc<Mutex<BTreeSet<String>>>);

impl Secrets {
    /// Adds a secret.
    pub(crate) fn add(&self, secret: &str) {
        if secret.len() >= SHORTEST {
            let mut secrets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            // The hashes that the tables store are secrets too.
            secrets.insert(sha256(secret.as_bytes()));
            if let Some((_, secret)) = secret.split_once('.').and_then(|(id, secret)| Some((id, URL_SAFE_NO_PAD.decode(secret).ok()?))) {
                secrets.insert(sha256(&secret));
            }
            secrets.insert(secret.to_owned());
        }
    }

    /// Adds every secret in a body.
    pub(crate) fn add_from(&self, body: &Value) {
        match body {
            Value::Object(members) => {
                for (name, value) in members {
                    match value {
                        Value::String(text) if MEMBERS.contains(&name.as_str()) => self.add(text),
                        Value::Array(texts) if MEMBERS.contains(&name.as_str()) => {
                            texts.iter().filter_map(Value::as_str).for_each(|text| self.add(text));
                        }
                        _ => self.add_from(value),
                    }
                }
            }
            Value::Array(entries) => entries.iter().for_each(|entry| self.add_from(entry)),
            _ => {}
        }
    }

    /// Adds the token of a mail's link.
    pub(crate) fn add_from_mail(&self, text: &str) {
        if let Some(token) = text.split_once("#token=").and_then(|(_, rest)| rest.lines().next()) {
            self.add(token);
        }
    }

    /// Searches the lines for every secret.
    ///
    /// # Panics
    /// If a secret is in a line.
    pub(crate) fn hold_out_of(&self, lines: &[String]) {
        let secrets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for line in lines {
            let told = secrets.iter().map(String::as_str).chain(SHAPES).find(|secret| line.contains(secret));
            assert_eq!(told, None, "a secret is in a log line: {line}");
            assert!(!holds_a_token(line), "a token is in a log line: {line}");
        }
    }
}

/// Whether a line contains something that looks like a token.
fn holds_a_token(line: &str) -> bool {
    let words = line.split(|character: char| !(character.is_ascii_alphanumeric() || ['-', '_'].contains(&character)));
    words.filter_map(|word| word.strip_prefix("eyJ")).any(|rest| rest.len() >= LEAST_OF_A_TOKEN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_distinguished_from_ids() {
        assert!(holds_a_token(r#"{"token":"eyJhbGciOiJFUzI1NiIsInR5cCI6ImF0K2p3dCJ9.eyJzdWIi.c2ln"}"#));
        assert!(!holds_a_token(r#"{"requestId":"Fdh7r65treyJ_cs=","other":"eyJ_r65treyJ_cs="}"#));
    }
}
