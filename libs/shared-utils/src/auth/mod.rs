//! Access tokens: their claims, how they are signed, and how every function verifies them.

mod claims;
pub mod credentials;
mod public_key;
mod ring_provider;
mod signer;
mod verified_tokens;
mod verifier;

pub use claims::{AccessClaims, Caller, Role};
pub use public_key::spki_from_point;
pub use signer::{KeyFileSigner, SignError, TokenSigner, sign};
pub use verifier::{LEEWAY_SECONDS, Verifier};
