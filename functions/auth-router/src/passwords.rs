//! Passwords: argon2id at 19 MiB, two passes, one lane (the parameters OWASP names), kept as PHC strings.

use argon2::password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash};
use argon2::{Algorithm, Argon2, Params, Version};
use shared_utils::http::Error;
use shared_utils::random;

/// What an unknown address is verified against, so that it costs the same work. No password hashes to it.
const DUMMY: &str = "$argon2id$v=19$m=19456,t=2,p=1$WlU65vs3uGvhXgfWcxoGpQ$1cdckr/WS7h2+qfw9lqr03xL/rJryVweyENlBfmDtCk";

fn hasher() -> Argon2<'static> {
    // The default parameters are the ones above; naming them keeps an update of the crate from changing them.
    let params = Params::new(19_456, 2, 1, None).unwrap_or(Params::DEFAULT);
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

/// The PHC string of a password, taken exactly as sent.
pub fn hash(password: &str) -> Result<String, Error> {
    let hash: PasswordHash = hasher().hash_password_with_salt(password.as_bytes(), &random::bytes::<16>()).map_err(Error::internal)?;
    Ok(hash.to_string())
}

/// Whether the password is the one behind `known`. Without a known hash it is not, after the same work.
pub(crate) fn verify(password: &str, known: Option<&str>) -> Result<bool, Error> {
    let hash = PasswordHash::new(known.unwrap_or(DUMMY)).map_err(Error::internal)?;
    let matches = hasher().verify_password(password.as_bytes(), &hash).is_ok();
    Ok(matches && known.is_some())
}

/// Whether a hash was made with other parameters than today's.
pub(crate) fn is_outdated(known: &str) -> bool {
    !known.starts_with("$argon2id$v=19$m=19456,t=2,p=1$")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_verifies_its_password_alone() {
        let known = hash("correct horse").unwrap();
        assert!(!is_outdated(&known));
        assert!(verify("correct horse", Some(&known)).unwrap());
        assert!(!verify("correct horse ", Some(&known)).unwrap());
        assert!(!verify("correct horse", None).unwrap());
    }

    #[test]
    fn the_dummy_costs_what_a_real_hash_costs() {
        assert!(!is_outdated(DUMMY));
    }
}
