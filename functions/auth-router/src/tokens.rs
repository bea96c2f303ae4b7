//! Access tokens and the refresh-token chain.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hkdf;
use schemars::JsonSchema;
use serde::Serialize;
use shared_utils::auth::{AccessClaims, Role, sign};
use shared_utils::clock::Timestamp;
use shared_utils::env::{EnvError, Environment};
use shared_utils::http::Error;
use shared_utils::ids::{FamilyId, SessionId, UserId};
use shared_utils::random;

use crate::signer::Signer;
use crate::transport::Transport;

/// Lifetimes in seconds. Environment variables can change them on the local stack only; AWS uses these defaults.
#[derive(Debug, Clone, Copy)]
pub struct Lifetimes {
    /// Lifetime of an access token.
    pub access: u64,
    /// Lifetime of a session that is not used.
    pub refresh_idle: i64,
    /// Maximum lifetime of a session, even if it is used.
    pub refresh_absolute: i64,
    /// How long a rotated refresh token still gets its successor.
    pub grace: i64,
    /// Lifetime of a socket ticket.
    pub ticket: i64,
}

impl Default for Lifetimes {
    fn default() -> Self {
        Self { access: 600, refresh_idle: 7 * 86_400, refresh_absolute: 30 * 86_400, grace: 30, ticket: 30 }
    }
}

impl Lifetimes {
    /// Reads `ACCESS_TTL_S`, `REFRESH_IDLE_S`, `REFRESH_ABSOLUTE_S`, `GRACE_S` and `TICKET_TTL_S`.
    pub fn from_env(env: &Environment) -> Result<Self, EnvError> {
        let defaults = Self::default();
        let access = env.parsed("ACCESS_TTL_S", defaults.access)?;
        // Verifiers accept no longer lifetime, and revocations are not kept longer.
        if !(1..=660).contains(&access) {
            return Err(EnvError::unusable("ACCESS_TTL_S", "1 to 660 seconds"));
        }
        Ok(Self {
            access,
            refresh_idle: env.parsed("REFRESH_IDLE_S", defaults.refresh_idle)?,
            refresh_absolute: env.parsed("REFRESH_ABSOLUTE_S", defaults.refresh_absolute)?,
            grace: env.parsed("GRACE_S", defaults.grace)?,
            ticket: env.parsed("TICKET_TTL_S", defaults.ticket)?,
        })
    }
}

/// The claims of an access token that describe its user and session.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Subject {
    pub(crate) user: UserId,
    pub(crate) session: SessionId,
    pub(crate) role: Role,
    pub(crate) version: u64,
    pub(crate) pending: bool,
}

/// The tokens in the response to a login or a refresh.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TokenPair {
    access_token: String,
    token_type: &'static str,
    expires_in: u64,
    /// Null if the token is sent in the cookie.
    refresh_token: Option<String>,
    refresh_expires_at: Timestamp,
}

/// Issues access tokens.
pub(crate) struct TokenIssuer {
    signer: Signer,
    issuer: String,
    audience: String,
    pub(crate) lifetimes: Lifetimes,
}

impl TokenIssuer {
    pub(crate) fn new(signer: Signer, issuer: &str, audience: &str, lifetimes: Lifetimes) -> Self {
        Self { signer, issuer: issuer.to_owned(), audience: audience.to_owned(), lifetimes }
    }

    /// A new access token, together with the refresh token. The lifetime is shortened by a random 0–5 %, so that clients that signed in at the same
    /// time do not refresh at the same time.
    pub(crate) async fn pair(
        &self,
        subject: Subject,
        refresh: &RefreshToken,
        refresh_expires_at: Timestamp,
        transport: Transport,
        now: Timestamp,
    ) -> Result<TokenPair, Error> {
        let issued_at = u64::try_from(now.seconds()).unwrap_or(0);
        let life = self.lifetimes.access - random::below(self.lifetimes.access / 20 + 1);
        let claims = AccessClaims {
            iss: self.issuer.clone(),
            aud: self.audience.clone(),
            sub: subject.user,
            sid: subject.session,
            role: subject.role,
            ver: subject.version,
            pnd: subject.pending.then_some(true),
            iat: issued_at,
            nbf: None,
            exp: issued_at + life,
            jti: URL_SAFE_NO_PAD.encode(random::bytes::<16>()),
        };
        let access_token = sign(&self.signer, &claims).await.map_err(|error| match error {
            shared_utils::auth::SignError::Key(cause) => Error::Internal(cause),
            shared_utils::auth::SignError::Unreachable(cause) => Error::Unavailable(cause),
        })?;
        Ok(TokenPair { access_token, token_type: "Bearer", expires_in: life, refresh_token: transport.in_body(refresh.text()), refresh_expires_at })
    }
}

/// A refresh token: the family id and a 256-bit secret.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct RefreshToken {
    pub(crate) family: FamilyId,
    secret: [u8; 32],
}

impl RefreshToken {
    /// The first token of a family.
    pub(crate) fn first(family: FamilyId) -> Self {
        Self { family, secret: random::bytes() }
    }

    /// Parses a token: a family id, a dot and 43 strict base64url characters. Otherwise `None`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (family, secret) = text.split_once('.')?;
        Some(Self { family: family.parse().ok()?, secret: URL_SAFE_NO_PAD.decode(secret).ok()?.try_into().ok()? })
    }

    /// The token as text.
    pub(crate) fn text(&self) -> String {
        format!("{}.{}", self.family, URL_SAFE_NO_PAD.encode(self.secret))
    }

    /// The hash that the table stores.
    pub(crate) fn hash(&self) -> String {
        random::sha256(&self.secret)
    }

    /// The next token of the chain, derived from this token and a nonce that the table stores. The table alone cannot forge a token, and a client
    /// that presents this token again can get the same successor.
    pub(crate) fn successor(&self, nonce: &[u8]) -> Result<Self, Error> {
        let pseudo_random_key = hkdf::Salt::new(hkdf::HKDF_SHA256, nonce).extract(&self.secret);
        let mut secret = [0; 32];
        pseudo_random_key
            .expand(&[b"mylg refresh successor"], hkdf::HKDF_SHA256)
            .and_then(|material| material.fill(&mut secret))
            .map_err(|_| Error::internal("a refresh token could not be derived"))?;
        Ok(Self { family: self.family, secret })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refresh_tokens_are_parsed_strictly() {
        let now = Timestamp::from_millis(1);
        let token = RefreshToken::first(FamilyId::generate(now, UserId::generate(now)));
        let text = token.text();
        assert!(RefreshToken::parse(&text).is_some_and(|read| read == token));
        let cut = &text[..text.len() - 1];
        for bad in [cut, &format!("{text}A"), &format!("{text}="), &text.replace('.', ""), "", ".", &text.replace("fam_", "ses_"), &format!("{cut}_")]
        {
            assert!(RefreshToken::parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn the_successor_depends_only_on_token_and_nonce() {
        let now = Timestamp::from_millis(1);
        let token = RefreshToken::first(FamilyId::generate(now, UserId::generate(now)));
        assert!(token.successor(b"n").unwrap() == token.successor(b"n").unwrap());
        assert!(token.successor(b"n").unwrap() != token.successor(b"m").unwrap());
    }
}
