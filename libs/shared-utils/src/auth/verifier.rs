//! Verification of access tokens, the same in every function.
//!
//! Keys come from configuration only, and each key fixes its algorithm. Nothing in a token chooses how the token is verified.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::Algorithm;
use serde::Deserialize;

use super::public_key::PublicKey;
use super::verified_tokens::VerifiedTokens;
use super::{AccessClaims, Caller, ring_provider};
use crate::clock::Timestamp;
use crate::env::{EnvError, Environment};
use crate::http::Error;
use crate::json;

/// The tolerated difference between clocks, in seconds.
pub const LEEWAY_SECONDS: u64 = 60;
/// The longest lifetime of a token (`exp` minus `iat`), in seconds.
const MAX_LIFE_SECONDS: u64 = 660;
/// The largest accepted token, in bytes. Larger tokens are refused unread.
const MAX_BYTES: usize = 8 * 1024;
/// The latest accepted `exp`, in seconds since the Unix epoch.
const MAX_TIME: u64 = 1 << 40;
/// The header members of a token. Any other member makes the token invalid.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    alg: String,
    typ: String,
    kid: String,
}

/// Checks access tokens against configured keys, issuer and audience.
pub struct Verifier {
    keys: BTreeMap<String, PublicKey>,
    issuer: String,
    audience: String,
    verified: VerifiedTokens,
}

impl Verifier {
    /// Reads `JWT_PUBLIC_KEYS` (a JSON object: key id → base64 DER public key), `JWT_ISSUER` and `JWT_AUDIENCE`.
    pub fn from_env(env: &Environment) -> Result<Self, EnvError> {
        let keys: BTreeMap<String, String> =
            serde_json::from_str(&env.required("JWT_PUBLIC_KEYS")?).map_err(|error| EnvError::unusable("JWT_PUBLIC_KEYS", error))?;
        Self::new(keys, env.required("JWT_ISSUER")?, env.required("JWT_AUDIENCE")?)
    }

    /// Creates a verifier for these keys (id → base64 DER public key).
    pub fn new(keys: BTreeMap<String, String>, issuer: String, audience: String) -> Result<Self, EnvError> {
        ring_provider::install();
        let read = |(key_id, spki): (String, String)| Ok((key_id, PublicKey::read(&spki)?));
        let keys = keys.into_iter().map(read).collect::<Result<BTreeMap<_, _>, EnvError>>()?;
        if keys.is_empty() {
            return Err(EnvError::unusable("JWT_PUBLIC_KEYS", "no key in it"));
        }
        Ok(Self { keys, issuer, audience, verified: VerifiedTokens::default() })
    }

    /// The issuer that tokens must name.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The audience that tokens must name.
    pub fn audience(&self) -> &str {
        &self.audience
    }

    /// Each key's id, with its x and y coordinates in base64url, for the published JWK set.
    pub fn public_keys(&self) -> impl Iterator<Item = (&str, String, String)> {
        self.keys.iter().map(|(key_id, key)| {
            let (x, y) = key.coordinates();
            (key_id.as_str(), x, y)
        })
    }

    /// Verifies a token and returns its caller. [`Error::TokenExpired`] if the token is valid but expired, else [`Error::InvalidToken`].
    pub fn verify(&self, token: &str, now: Timestamp) -> Result<Caller, Error> {
        let (claims, expired) = self.verify_token(token, now)?;
        if expired { Err(Error::TokenExpired) } else { Ok(claims) }
    }

    /// As [`Self::verify`], but accepts a correctly signed token that has expired. Logout uses it.
    pub fn verify_ignoring_expiry(&self, token: &str, now: Timestamp) -> Result<Caller, Error> {
        self.verify_token(token, now).map(|(caller, _)| caller)
    }

    /// Checks form, signature and claims. Returns the caller, and whether the token has expired. Only the signature check is from `jsonwebtoken`.
    /// Its `decode` is less strict: it accepts repeated members and base64url with unused bits that are not zero.
    ///
    /// The signature of each token is checked once per process, its claims every time.
    fn verify_token(&self, token: &str, now: Timestamp) -> Result<(Caller, bool), Error> {
        if token.len() > MAX_BYTES {
            return Err(Error::InvalidToken);
        }
        let (hash, now) = (VerifiedTokens::hash(token), u64::try_from(now.seconds()).unwrap_or(0));
        if let Some(checked) = self.verified.claims(&hash, |claims| self.check_claims(claims, now)) {
            return checked;
        }
        let claims = self.signed_claims(token)?;
        let checked = self.check_claims(&claims, now)?;
        self.verified.remember(hash, claims, now);
        Ok(checked)
    }

    /// The claims of a token, if its form and signature are right.
    fn signed_claims(&self, token: &str) -> Result<AccessClaims, Error> {
        let mut parts = token.split('.');
        let (Some(header), Some(payload), Some(signature), None) = (parts.next(), parts.next(), parts.next(), parts.next()) else {
            return Err(Error::InvalidToken);
        };
        let header: Header = part(header)?;
        if header.alg != "ES256" || header.typ != "at+jwt" {
            return Err(Error::InvalidToken);
        }
        let key = self.keys.get(&header.kid).ok_or(Error::InvalidToken)?;
        // A signature is 64 bytes: 86 base64url characters. The unused bits of the last character must be zero.
        if signature.len() != 86 || URL_SAFE_NO_PAD.decode(signature).is_err() {
            return Err(Error::InvalidToken);
        }
        let message = &token[..token.len() - signature.len() - 1];
        match jsonwebtoken::crypto::verify(signature, message.as_bytes(), key.decoding_key(), Algorithm::ES256) {
            Ok(true) => {}
            _ => return Err(Error::InvalidToken),
        }
        part(payload)
    }

    /// `now` in seconds since the Unix epoch.
    fn check_claims(&self, claims: &AccessClaims, now: u64) -> Result<(Caller, bool), Error> {
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

/// Decodes one base64url part as a JSON object. An array of the values in order is refused, although serde would read it.
/// Unknown claims are ignored. Repeated members, and known members of another type, are errors.
fn part<T: for<'de> Deserialize<'de>>(text: &str) -> Result<T, Error> {
    let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| Error::InvalidToken)?;
    // RFC 7519: the part must be UTF-8 throughout, including claims that are ignored.
    let text = std::str::from_utf8(&bytes).map_err(|_| Error::InvalidToken)?;
    if !text.starts_with('{') || json::is_too_deep(&bytes) {
        return Err(Error::InvalidToken);
    }
    serde_json::from_str(text).map_err(|_| Error::InvalidToken)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::auth::{KeyFileSigner, TokenSigner, spki_from_point};
    use crate::ids::{SessionId, UserId};

    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

    struct Forge {
        signer: KeyFileSigner,
        verifier: Verifier,
    }

    impl Forge {
        fn new() -> Self {
            let signer = KeyFileSigner::from_pem("k1", KeyFileSigner::generate_pem().unwrap().as_bytes()).unwrap();
            let keys = BTreeMap::from([("k1".to_owned(), spki_from_point(signer.public_point()))]);
            Self { signer, verifier: Verifier::new(keys, "issuer".to_owned(), "audience".to_owned()).unwrap() }
        }

        /// A correctly signed token with this header and payload.
        async fn raw(&self, header: &str, payload: &str) -> String {
            let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload));
            format!("{message}.{}", URL_SAFE_NO_PAD.encode(self.signer.sign(message.as_bytes()).await.unwrap()))
        }

        /// A token with valid claims and these changes. A null value removes a claim.
        async fn token(&self, changes: Value) -> String {
            self.raw(HEADER, &claims(changes).to_string()).await
        }

        fn code(&self, token: &str) -> &'static str {
            self.verifier.verify(token, NOW).map_or_else(|error| error.code(), |_| "ok")
        }
    }

    const HEADER: &str = r#"{"alg":"ES256","typ":"at+jwt","kid":"k1"}"#;

    fn claims(changes: Value) -> Value {
        let now = NOW.seconds();
        let mut claims = json!({
            "iss": "issuer", "aud": "audience", "sub": UserId::generate(NOW), "sid": SessionId::generate(NOW), "role": "user", "ver": 1,
            "iat": now, "exp": now + 600, "jti": "j",
        });
        if let Value::Object(changes) = changes {
            for (name, value) in changes {
                if value.is_null() {
                    claims.as_object_mut().unwrap().remove(&name)
                } else {
                    claims.as_object_mut().unwrap().insert(name, value)
                };
            }
        }
        claims
    }

    #[tokio::test]
    async fn a_valid_token_is_accepted() {
        let forge = Forge::new();
        assert_eq!(forge.code(&forge.token(json!({})).await), "ok");
        assert_eq!(forge.code(&forge.token(json!({"pnd": true, "nbf": NOW.seconds(), "extra": 1})).await), "ok");
    }

    #[tokio::test]
    async fn a_token_that_was_accepted_before_is_held_to_its_times_again() {
        let forge = Forge::new();
        let token = forge.token(json!({})).await;
        for _ in 0..2 {
            assert_eq!(forge.code(&token), "ok");
        }
        assert_eq!(forge.verifier.verified.len(), 1);
        let at = |seconds: i64| forge.verifier.verify(&token, NOW.plus_seconds(seconds)).map_or_else(|error| error.code(), |_| "ok");
        assert_eq!([at(659), at(660), at(-61)], ["ok", "token_expired", "invalid_token"]);
        // The same claims with another signature, or none, are another token.
        let (message, _) = token.rsplit_once('.').unwrap();
        assert_eq!(forge.code(&format!("{message}.{}", URL_SAFE_NO_PAD.encode([0; 64]))), "invalid_token");
        assert_eq!(forge.code(&forge.token(json!({"exp": NOW.seconds() + 900})).await), "invalid_token");
        assert_eq!(forge.verifier.verified.len(), 1, "refused tokens are not remembered");
    }

    #[tokio::test]
    async fn token_headers_choose_no_key_or_algorithm() {
        let forge = Forge::new();
        let payload = claims(json!({})).to_string();
        for header in [
            r#"{"alg":"none","typ":"at+jwt","kid":"k1"}"#,
            r#"{"alg":"nOnE","typ":"at+jwt","kid":"k1"}"#,
            r#"{"alg":"HS256","typ":"at+jwt","kid":"k1"}"#,
            r#"{"alg":"es256","typ":"at+jwt","kid":"k1"}"#,
            r#"{"alg":"ES384","typ":"at+jwt","kid":"k1"}"#,
            r#"{"alg":"ES256","typ":"JWT","kid":"k1"}"#,
            r#"{"alg":"ES256","kid":"k1"}"#,
            r#"{"alg":"ES256","typ":"at+jwt"}"#,
            r#"{"alg":"ES256","typ":"at+jwt","kid":""}"#,
            r#"{"alg":"ES256","typ":"at+jwt","kid":"../../dev/null"}"#,
            r#"{"alg":"ES256","typ":"at+jwt","kid":"k2"}"#,
            r#"{"alg":"ES256","typ":"at+jwt","kid":["k1"]}"#,
            r#"{"alg":"ES256","typ":"at+jwt","kid":"k1","jku":"https://evil.test"}"#,
            r#"{"alg":"ES256","typ":"at+jwt","kid":"k1","jwk":{"kty":"EC"}}"#,
            r#"{"alg":"ES256","typ":"at+jwt","kid":"k1","x5u":"https://evil.test"}"#,
            r#"{"alg":"ES256","typ":"at+jwt","kid":"k1","x5c":[]}"#,
            r#"{"alg":"ES256","typ":"at+jwt","kid":"k1","crit":[]}"#,
            r#"{"alg":"ES256","typ":"at+jwt","kid":"k1","zip":"DEF"}"#,
            r#"{"alg":"ES256","typ":"at+jwt","kid":"k1","b64":false}"#,
            r#"{"alg":"none","alg":"ES256","typ":"at+jwt","kid":"k1"}"#,
            "[]",
            "",
            "\u{feff}{}",
        ] {
            assert_eq!(forge.code(&forge.raw(header, &payload).await), "invalid_token", "{header}");
        }
    }

    #[tokio::test]
    async fn claims_are_checked() {
        let forge = Forge::new();
        let now = NOW.seconds();
        for (changes, expected) in [
            (json!({"iss": "other"}), "invalid_token"),
            (json!({"iss": null}), "invalid_token"),
            (json!({"aud": "other"}), "invalid_token"),
            (json!({"aud": ["audience"]}), "invalid_token"),
            (json!({"sub": null}), "invalid_token"),
            (json!({"sub": "usr_x"}), "invalid_token"),
            (json!({"sub": 7}), "invalid_token"),
            (json!({"sid": null}), "invalid_token"),
            (json!({"role": "root"}), "invalid_token"),
            (json!({"ver": null}), "invalid_token"),
            (json!({"ver": "1"}), "invalid_token"),
            (json!({"pnd": false}), "invalid_token"),
            (json!({"jti": null}), "invalid_token"),
            (json!({"jti": ""}), "invalid_token"),
            (json!({"exp": null}), "invalid_token"),
            (json!({"exp": "9999999999"}), "invalid_token"),
            (json!({"exp": 1.5}), "invalid_token"),
            (json!({"exp": -1}), "invalid_token"),
            (json!({"exp": 1u64 << 41, "iat": (1u64 << 41) - 1}), "invalid_token"),
            (json!({"exp": now + 661}), "invalid_token"),
            (json!({"iat": now + 61, "exp": now + 600}), "invalid_token"),
            (json!({"iat": now + 59, "exp": now + 600}), "ok"),
            (json!({"nbf": now + 61}), "invalid_token"),
            (json!({"iat": now - 600, "exp": now - 59}), "ok"),
            (json!({"iat": now - 600, "exp": now - 60}), "token_expired"),
            (json!({"iat": now, "exp": now - 1}), "invalid_token"),
        ] {
            assert_eq!(forge.code(&forge.token(changes.clone()).await), expected, "{changes}");
        }
        let twice = claims(json!({})).to_string().replacen('{', r#"{"role":"admin","#, 1);
        assert_eq!(forge.code(&forge.raw(HEADER, &twice).await), "invalid_token");
    }

    #[tokio::test]
    async fn signatures_are_checked_strictly() {
        let forge = Forge::new();
        let token = forge.token(json!({})).await;
        let (message, signature) = token.rsplit_once('.').unwrap();
        let zeros = URL_SAFE_NO_PAD.encode([0; 64]);
        let short = URL_SAFE_NO_PAD.encode([1; 63]);
        // The last of 86 characters carries two bits. Setting one of its unused bits gives another spelling of the same bytes.
        let last = signature.chars().last().unwrap();
        let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        let loose = alphabet.chars().nth(alphabet.find(last).unwrap() | 1).unwrap();
        let loose = format!("{}{loose}", &signature[..85]);
        for bad in ["", &zeros, &short, &loose, &format!("{signature}="), &format!("{signature}AA"), &format!(" {signature}")] {
            assert_eq!(forge.code(&format!("{message}.{bad}")), "invalid_token", "{bad}");
        }
        for bad in [message, &format!("{token}."), &format!("{token}.x"), &format!(".{token}"), &"a".repeat(9_000), "..", ""] {
            assert_eq!(forge.code(bad), "invalid_token", "{bad}");
        }
        // A token that another key with the same id signed.
        assert_eq!(forge.code(&Forge::new().token(json!({})).await), "invalid_token");
    }
}
