//! The tokens that this process has verified, so that the signature of a token is checked once per process.
//!
//! Remembered is the hash of a token and its claims, never the token. Times in the claims are checked at each use, and so are revocations. The keys
//! of a process do not change.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use ring::digest::{SHA256, digest};

use super::AccessClaims;

/// How many tokens are remembered: about a megabyte.
const MAX_TOKENS: usize = 2_000;

type TokenHash = [u8; 32];

/// Verified tokens by their SHA-256.
#[derive(Default)]
pub(super) struct VerifiedTokens(Mutex<HashMap<TokenHash, AccessClaims>>);

impl VerifiedTokens {
    /// The hash of a token.
    pub(super) fn hash(token: &str) -> TokenHash {
        let mut hash = [0; 32];
        hash.copy_from_slice(digest(&SHA256, token.as_bytes()).as_ref());
        hash
    }

    /// What `read` makes of the claims of a token with this hash, if its signature was verified before.
    pub(super) fn claims<T>(&self, hash: &TokenHash, read: impl FnOnce(&AccessClaims) -> T) -> Option<T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(hash).map(read)
    }

    /// Remembers a token whose signature was verified. `now` in seconds since the Unix epoch: expired tokens make room first. If there are none,
    /// all are forgotten and verified again.
    pub(super) fn remember(&self, hash: TokenHash, claims: AccessClaims, now: u64) {
        let mut tokens = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if tokens.len() >= MAX_TOKENS {
            tokens.retain(|_, claims| claims.exp > now);
        }
        if tokens.len() >= MAX_TOKENS {
            tokens.clear();
        }
        tokens.insert(hash, claims);
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::Role;
    use crate::clock::Timestamp;
    use crate::ids::{SessionId, UserId};

    fn claims(exp: u64) -> AccessClaims {
        let now = Timestamp::from_seconds(0);
        let (sub, sid) = (UserId::generate(now), SessionId::generate(now));
        let text = String::new;
        AccessClaims { iss: text(), aud: text(), sub, sid, role: Role::User, ver: 1, pnd: None, iat: 0, nbf: None, exp, jti: text() }
    }

    #[test]
    fn the_number_of_tokens_is_bounded() {
        let tokens = VerifiedTokens::default();
        let hash = |n: usize| VerifiedTokens::hash(&n.to_string());
        for n in 0..MAX_TOKENS {
            tokens.remember(hash(n), claims(if n < 10 { 100 } else { 600 }), 0);
        }
        // Expired ones make room.
        tokens.remember(hash(MAX_TOKENS), claims(600), 200);
        assert_eq!(tokens.len(), MAX_TOKENS - 9);
        assert_eq!([tokens.claims(&hash(9), |_| ()), tokens.claims(&hash(10), |_| ())], [None, Some(())]);
        for n in 0..20 {
            tokens.remember(hash(2 * MAX_TOKENS + n), claims(600), 200);
        }
        assert!(tokens.len() < MAX_TOKENS, "all are forgotten where none has expired");
    }
}
