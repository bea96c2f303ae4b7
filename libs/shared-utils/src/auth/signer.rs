//! Signs access tokens. In AWS the key never leaves KMS. On a developer's machine the key is a file.

use std::future::Future;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use rustls_pki_types::PrivatePkcs8KeyDer;
use rustls_pki_types::pem::PemObject;

use super::{AccessClaims, ring_provider};
use crate::internal::Internal;

/// Why a token could not be signed.
#[derive(Debug, thiserror::Error)]
pub enum SignError {
    /// The key cannot be read or used.
    #[error("the signing key is not usable")]
    Key(Internal),
    /// KMS did not respond.
    #[error("the signing key cannot be reached")]
    Unreachable(Internal),
}

/// A signer with an ES256 key.
pub trait TokenSigner: Send + Sync {
    /// The key's id in token headers and in the published public keys.
    fn key_id(&self) -> &str;
    /// The 64-byte signature (r ‖ s) of `message`.
    fn sign(&self, message: &[u8]) -> impl Future<Output = Result<Vec<u8>, SignError>> + Send;
}

/// Returns a signed access token in compact form.
pub async fn sign(signer: &impl TokenSigner, claims: &AccessClaims) -> Result<String, SignError> {
    let header = format!(r#"{{"alg":"ES256","typ":"at+jwt","kid":"{}"}}"#, signer.key_id());
    let claims = serde_json::to_vec(claims).map_err(|error| SignError::Key(Internal::new(error)))?;
    let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
    let signature = signer.sign(message.as_bytes()).await?;
    Ok(format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature)))
}

/// A signer with a key in a PKCS#8 PEM file, for the local stack and for tests.
pub struct KeyFileSigner {
    key_id: String,
    key: EncodingKey,
    point: Vec<u8>,
}

impl KeyFileSigner {
    /// Reads the key from PEM text.
    pub fn from_pem(key_id: &str, pem: &[u8]) -> Result<Self, SignError> {
        ring_provider::install();
        let der = PrivatePkcs8KeyDer::from_pem_slice(pem).map_err(|error| SignError::Key(Internal::new(error)))?;
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der.secret_pkcs8_der(), &SystemRandom::new())
            .map_err(|error| SignError::Key(Internal::new(error)))?;
        Ok(Self { key_id: key_id.to_owned(), key: EncodingKey::from_ec_der(der.secret_pkcs8_der()), point: pair.public_key().as_ref().to_vec() })
    }

    /// The public key as an uncompressed point.
    pub fn public_point(&self) -> &[u8] {
        &self.point
    }

    /// Generates a new key as PKCS#8 PEM text.
    pub fn generate_pem() -> Result<String, SignError> {
        let der = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new())
            .map_err(|error| SignError::Key(Internal::new(error)))?;
        let body = base64::engine::general_purpose::STANDARD.encode(der.as_ref());
        let lines: Vec<&str> = body.as_bytes().chunks(64).filter_map(|line| std::str::from_utf8(line).ok()).collect();
        Ok(format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", lines.join("\n")))
    }
}

impl TokenSigner for KeyFileSigner {
    fn key_id(&self) -> &str {
        &self.key_id
    }

    async fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        let signature = jsonwebtoken::crypto::sign(message, &self.key, Algorithm::ES256).map_err(|error| SignError::Key(Internal::new(error)))?;
        URL_SAFE_NO_PAD.decode(signature).map_err(|error| SignError::Key(Internal::new(error)))
    }
}
