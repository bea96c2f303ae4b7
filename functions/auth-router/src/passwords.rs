//! Password hashing: argon2id with 19 MiB, two passes and one lane (the parameters from OWASP), stored as PHC strings.
//!
//! Passwords are normalized with the `OpaqueString` profile of RFC 8265 (every space becomes an ASCII space, then NFC), so every keyboard gives the
//! same password. Older hashes were made from the text as sent, so that form is checked too.

use std::borrow::Cow;
use std::ops::RangeInclusive;

use argon2::password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash};
use argon2::{Algorithm, Argon2, Params, Version};
use shared_utils::fields::{FieldLog, Fields, Patch, text_schema, text_within};
use shared_utils::http::Error;
use shared_utils::random;
use shared_utils::text::nfc;

/// The hash that is verified for unknown addresses, so that they cost the same work. No password matches it.
const DUMMY: &str = "$argon2id$v=19$m=19456,t=2,p=1$WlU65vs3uGvhXgfWcxoGpQ$1cdckr/WS7h2+qfw9lqr03xL/rJryVweyENlBfmDtCk";

fn hasher() -> Argon2<'static> {
    // These values are the crate's defaults. They are set explicitly, so that an update of the crate cannot change them.
    let params = Params::new(19_456, 2, 1, None).unwrap_or(Params::DEFAULT);
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

/// The normalized password, ready to be hashed.
fn normalized(password: &str) -> String {
    let is_space = |character: char| character.is_whitespace() && !character.is_control() && !['\u{2028}', '\u{2029}'].contains(&character);
    nfc(&password.chars().map(|character| if is_space(character) { ' ' } else { character }).collect::<String>())
}

/// Hashes a password. Returns a PHC string.
pub fn hash(password: &str) -> Result<String, Error> {
    let password = normalized(password);
    let hash: PasswordHash = hasher().hash_password_with_salt(password.as_bytes(), &random::bytes::<16>()).map_err(Error::internal)?;
    Ok(hash.to_string())
}

/// Whether the password matches the hash `known`. Without a hash, does the same work and returns `false`.
pub(crate) fn verify(password: &str, known: Option<&str>) -> Result<bool, Error> {
    #[cfg(feature = "early-return")]
    if known.is_none() {
        return Ok(false);
    }
    let hash = PasswordHash::new(known.unwrap_or(DUMMY)).map_err(Error::internal)?;
    let matches = |password: &str| hasher().verify_password(password.as_bytes(), &hash).is_ok();
    let normalized = normalized(password);
    // The number of checks depends only on the input, not on whether the account exists.
    let found = matches(&normalized) | (normalized != password && matches(password));
    Ok(found && known.is_some())
}

/// Whether a hash was made with other parameters than the current ones.
pub(crate) fn is_outdated(known: &str) -> bool {
    !known.starts_with("$argon2id$v=19$m=19456,t=2,p=1$")
}

/// The most common passwords with at least eight characters, in lower case, sorted. Source: the list of Django (BSD licence).
const COMMON: &str = include_str!("common-passwords.txt");

/// The length of a new password in characters.
const LENGTH: RangeInclusive<usize> = 8..=128;

/// A new password as it was sent. [`check_new`] decides whether it will do.
pub(crate) fn read_new<L: FieldLog>(fields: &mut Fields<L>, name: &str) -> Patch<String> {
    fields.read(name, || text_schema(&LENGTH), |value| text_within(value, &(0..=512)))
}

/// A new password that has the form of one. Whether it is too like the address is decided when the account is known: [`check_new`].
pub(crate) fn require_new<L: FieldLog>(fields: &mut Fields<L>, name: &str) -> String {
    let password = read_new(fields, name);
    if let Patch::Set(password) = &password
        && let Err((code, detail)) = check_new(password, "")
    {
        fields.fault(name, code, detail);
    }
    fields.require(name, password).unwrap_or_default()
}

/// Refuses a new password that is too short, too long, too common or has control characters. Returns the error's code and detail.
pub(crate) fn check_new(password: &str, email: &str) -> Result<(), (&'static str, Cow<'static, str>)> {
    let password = normalized(password);
    if password.chars().any(char::is_control) {
        return Err(("invalid_value", "A password must not contain control characters.".into()));
    }
    let length = password.chars().count();
    if length < *LENGTH.start() {
        return Err(("too_short", format!("At least {} characters.", LENGTH.start()).into()));
    }
    if length > *LENGTH.end() {
        return Err(("too_long", format!("At most {} characters.", LENGTH.end()).into()));
    }
    let folded = password.to_lowercase();
    let common: Vec<&str> = COMMON.lines().collect();
    let address = email.trim().to_lowercase();
    if common.binary_search(&folded.as_str()).is_ok() || folded == address || Some(folded.as_str()) == address.split('@').next() {
        return Err(("too_common", "This is one of the first passwords that an attacker tries.".into()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_verifies_only_its_own_password() {
        let known = hash("correct horse").unwrap();
        assert!(!is_outdated(&known));
        assert!(verify("correct horse", Some(&known)).unwrap());
        assert!(!verify("correct horse ", Some(&known)).unwrap());
        assert!(!verify("correct horse", None).unwrap());
    }

    #[test]
    fn new_passwords_are_neither_short_nor_common() {
        let code = |password: &str| check_new(password, "ana.roy@mylg.test").map_err(|(code, _)| code);
        assert!(COMMON.lines().is_sorted() && COMMON.lines().count() > 3_000);
        for common in ["password", "Password1", "QWERTYUIOP", "1234567890", "ana.roy@MYLG.test", "ana.roy"] {
            assert!(code(common).is_err(), "{common}");
        }
        assert_eq!(code("short-1"), Err("too_short"));
        assert_eq!(code(&"x".repeat(129)), Err("too_long"));
        assert_eq!(code(&"x".repeat(128)), Ok(()));
        assert_eq!(code("        "), Ok(()), "spaces count");
        assert_eq!(code("tab\tstop here"), Err("invalid_value"));
        assert_eq!(code("🤖👨\u{200d}👩\u{200d}👧 robots"), Ok(()));
        assert_eq!(code("žluťoučký kůň"), Ok(()));
    }

    #[test]
    fn unicode_forms_of_a_password_are_equal() {
        let known = hash("cafe\u{301} au\u{a0}lait").unwrap();
        assert!(verify("caf\u{e9} au lait", Some(&known)).unwrap());
        assert!(!verify("cafe au lait", Some(&known)).unwrap());
        // An old hash of the text as sent, from before passwords were normalized.
        let old: PasswordHash = hasher().hash_password_with_salt("cafe\u{301} au lait".as_bytes(), &random::bytes::<16>()).unwrap();
        assert!(verify("cafe\u{301} au lait", Some(&old.to_string())).unwrap());
    }

    #[test]
    fn the_dummy_hash_costs_as_much_as_a_real_one() {
        assert!(!is_outdated(DUMMY));
    }
}
