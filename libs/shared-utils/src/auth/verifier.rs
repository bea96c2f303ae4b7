//! Verification of access tokens, the same in every function.
//!
//! Keys come from configuration only, and the algorithm comes with the key: nothing in a token chooses how it is checked.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;

use super::{AccessClaims, Caller, ring_provider};
use crate::clock::Timestamp;
use crate::env::{self, EnvError};
use crate::http::Error;

/// How far clocks may differ, in seconds.
pub const LEEWAY_SECONDS: u64 = 60;
/// The longest life that a token may claim, in seconds.
const MAX_LIFE_SECONDS: u64 = 660;
/// Larger tokens are refused unread, in bytes.
const MAX_BYTES: usize = 8 * 1024;
/// Later times are nonsense.
const MAX_TIME: u64 = 1 << 40;
/// How a P-256 public key begins in DER (`SubjectPublicKeyInfo`); the uncompressed point follows.
const SPKI_PREFIX: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03,
    0x42, 0x00,
];

/// An uncompressed P-256 point as the base64 `SubjectPublicKeyInfo` that `JWT_PUBLIC_KEYS` holds and KMS hands out.
pub fn spki_from_point(point: &[u8]) -> String {
    STANDARD.encode([&SPKI_PREFIX, point].concat())
}

/// The header members that a token may have; any other refuses it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    alg: String,
    typ: String,
    kid: String,
}

struct PublicKey {
    key: DecodingKey,
    point: Vec<u8>,
}

/// Checks access tokens against configured keys, issuer and audience.
pub struct Verifier {
    keys: BTreeMap<String, PublicKey>,
    issuer: String,
    audience: String,
}

impl Verifier {
    /// Reads `JWT_PUBLIC_KEYS` (a JSON object: key id → base64 DER public key), `JWT_ISSUER` and `JWT_AUDIENCE`.
    pub fn from_env() -> Result<Self, EnvError> {
        let keys: BTreeMap<String, String> =
            serde_json::from_str(&env::required("JWT_PUBLIC_KEYS")?).map_err(|error| EnvError::unusable("JWT_PUBLIC_KEYS", error))?;
        Self::new(keys, env::required("JWT_ISSUER")?, env::required("JWT_AUDIENCE")?)
    }

    /// A verifier for these keys (id → base64 DER public key).
    pub fn new(keys: BTreeMap<String, String>, issuer: String, audience: String) -> Result<Self, EnvError> {
        ring_provider::install();
        let unusable = |reason: &str| EnvError::unusable("JWT_PUBLIC_KEYS", reason);
        let keys = keys
            .into_iter()
            .map(|(key_id, spki)| {
                let der = STANDARD.decode(spki).map_err(|_| unusable("not base64"))?;
                let point = der.strip_prefix(&SPKI_PREFIX).filter(|point| point.len() == 65).ok_or_else(|| unusable("not a P-256 key"))?;
                Ok((key_id, PublicKey { key: DecodingKey::from_ec_der(point), point: point.to_vec() }))
            })
            .collect::<Result<BTreeMap<_, _>, EnvError>>()?;
        if keys.is_empty() {
            return Err(unusable("no key in it"));
        }
        Ok(Self { keys, issuer, audience })
    }

    /// The issuer that tokens must name.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The audience that tokens must name.
    pub fn audience(&self) -> &str {
        &self.audience
    }

    /// Key ids with the x and y coordinates, base64url: what a JWK set publishes.
    pub fn public_keys(&self) -> impl Iterator<Item = (&str, String, String)> {
        self.keys.iter().map(|(key_id, key)| (key_id.as_str(), URL_SAFE_NO_PAD.encode(&key.point[1..33]), URL_SAFE_NO_PAD.encode(&key.point[33..])))
    }

    /// The caller that a token names: [`Error::TokenExpired`] for a rightly signed one past its time, else [`Error::InvalidToken`].
    pub fn verify(&self, token: &str, now: Timestamp) -> Result<Caller, Error> {
        let (claims, expired) = self.verify_signature(token, now)?;
        if expired { Err(Error::TokenExpired) } else { Ok(claims) }
    }

    /// As [`Self::verify`], but a rightly signed token counts although its time is over: for logout.
    pub fn verify_ignoring_expiry(&self, token: &str, now: Timestamp) -> Result<Caller, Error> {
        self.verify_signature(token, now).map(|(caller, _)| caller)
    }

    /// The caller and whether the token's time is over.
    fn verify_signature(&self, token: &str, now: Timestamp) -> Result<(Caller, bool), Error> {
        if token.len() > MAX_BYTES {
            return Err(Error::InvalidToken);
        }
        let mut parts = token.split('.');
        let (Some(header), Some(payload), Some(signature), None) = (parts.next(), parts.next(), parts.next(), parts.next()) else {
            return Err(Error::InvalidToken);
        };
        let header: Header = part(header)?;
        if header.alg != "ES256" || header.typ != "at+jwt" {
            return Err(Error::InvalidToken);
        }
        let key = self.keys.get(&header.kid).ok_or(Error::InvalidToken)?;
        // A signature is 64 bytes: 86 characters, the last of which must have no bits to spare.
        if signature.len() != 86 || URL_SAFE_NO_PAD.decode(signature).is_err() {
            return Err(Error::InvalidToken);
        }
        let message = &token[..token.len() - signature.len() - 1];
        match jsonwebtoken::crypto::verify(signature, message.as_bytes(), &key.key, Algorithm::ES256) {
            Ok(true) => {}
            _ => return Err(Error::InvalidToken),
        }
        let claims: AccessClaims = part(payload)?;
        self.check_claims(&claims, now)
    }

    fn check_claims(&self, claims: &AccessClaims, now: Timestamp) -> Result<(Caller, bool), Error> {
        let now = u64::try_from(now.seconds()).unwrap_or(0);
        let latest_begin = claims.iat.max(claims.nbf.unwrap_or(0));
        let sound = claims.iss == self.issuer
            && claims.aud == self.audience
            && claims.pnd != Some(false)
            && !claims.jti.is_empty()
            && claims.exp <= MAX_TIME
            && latest_begin <= now + LEEWAY_SECONDS
            && claims.exp.checked_sub(claims.iat).is_some_and(|life| life <= MAX_LIFE_SECONDS);
        if !sound {
            return Err(Error::InvalidToken);
        }
        let caller = Caller {
            user: claims.sub,
            session: claims.sid,
            role: claims.role,
            version: claims.ver,
            pending: claims.pnd == Some(true),
            expires_at: Timestamp::from_seconds(i64::try_from(claims.exp).unwrap_or(i64::MAX / 2000)),
        };
        Ok((caller, now >= claims.exp + LEEWAY_SECONDS))
    }
}

/// One base64url part as JSON. Unknown claims are let be; members that stand twice, or that we know with another type, are not.
fn part<T: for<'de> Deserialize<'de>>(text: &str) -> Result<T, Error> {
    let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| Error::InvalidToken)?;
    serde_json::from_slice(&bytes).map_err(|_| Error::InvalidToken)
}
