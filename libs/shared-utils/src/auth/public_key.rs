//! A P-256 public key, as `JWT_PUBLIC_KEYS` and KMS have it.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::DecodingKey;

use crate::env::EnvError;

/// The DER prefix of a P-256 public key (`SubjectPublicKeyInfo`). The uncompressed point follows it.
const SPKI_PREFIX: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03,
    0x42, 0x00,
];

/// Encodes an uncompressed P-256 point as a base64 `SubjectPublicKeyInfo`, the format of `JWT_PUBLIC_KEYS` and of KMS.
pub fn spki_from_point(point: &[u8]) -> String {
    STANDARD.encode([&SPKI_PREFIX, point].concat())
}

/// A key that verifies tokens.
pub(super) struct PublicKey {
    key: DecodingKey,
    point: Vec<u8>,
}

impl PublicKey {
    /// Reads a base64 `SubjectPublicKeyInfo`.
    pub(super) fn read(spki: &str) -> Result<Self, EnvError> {
        let unusable = |reason: &str| EnvError::unusable("JWT_PUBLIC_KEYS", reason);
        let der = STANDARD.decode(spki).map_err(|_| unusable("not base64"))?;
        let point = der.strip_prefix(&SPKI_PREFIX).filter(|point| point.len() == 65).ok_or_else(|| unusable("not a P-256 key"))?;
        Ok(Self { key: DecodingKey::from_ec_der(point), point: point.to_vec() })
    }

    /// The key as `jsonwebtoken` takes it.
    pub(super) const fn decoding_key(&self) -> &DecodingKey {
        &self.key
    }

    /// x and y in base64url.
    pub(super) fn coordinates(&self) -> (String, String) {
        (URL_SAFE_NO_PAD.encode(&self.point[1..33]), URL_SAFE_NO_PAD.encode(&self.point[33..]))
    }
}
