//! Reads and makes access tokens.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use shared_utils::auth::{KeyFileSigner, TokenSigner};

/// The claims of a token.
///
/// # Panics
/// If the text is not a token.
pub fn claims_of(token: &str) -> Value {
    let payload = token.split('.').nth(1).expect("three parts");
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).expect("base64url")).expect("JSON")
}

/// The key of a local stack. It signs tokens that auth-router would not sign.
pub struct Forge(pub(crate) KeyFileSigner);

impl Forge {
    /// Signs a token with these claims and the usual header.
    pub async fn sign(&self, claims: &Value) -> String {
        self.sign_text(&self.header(), &claims.to_string()).await
    }

    /// Signs a token with any header and any payload.
    ///
    /// # Panics
    /// If the key cannot sign.
    pub async fn sign_text(&self, header: &str, payload: &str) -> String {
        self.sign_parts(header.as_bytes(), payload.as_bytes()).await
    }

    /// Signs a token with these bytes as its payload and the usual header.
    ///
    /// # Panics
    /// If the key cannot sign.
    pub async fn sign_bytes(&self, payload: &[u8]) -> String {
        self.sign_parts(self.header().as_bytes(), payload).await
    }

    fn header(&self) -> String {
        json!({"alg": "ES256", "typ": "at+jwt", "kid": self.0.key_id()}).to_string()
    }

    async fn sign_parts(&self, header: &[u8], payload: &[u8]) -> String {
        let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload));
        let signature = self.0.sign(message.as_bytes()).await.expect("a signature");
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    /// The public key as an uncompressed point.
    pub fn public_point(&self) -> &[u8] {
        self.0.public_point()
    }
}
