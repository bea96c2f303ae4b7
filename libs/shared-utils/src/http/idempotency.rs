//! `Idempotency-Key`: a repeated request has one effect and the same response.

use serde_json::{Map, Value};

use super::{Error, Request};
use crate::idempotency::IdempotencyKey;
use crate::json;
use crate::random::sha256;

/// The request's key with the digest of its body, if the request has a key.
pub fn key_of(request: &Request, body: &Map<String, Value>) -> Result<Option<IdempotencyKey>, Error> {
    Ok(key(request)?.map(|key| IdempotencyKey { key, digest: digest(body) }))
}

/// The request's key, if there is one: 1–255 printable ASCII characters.
pub fn key(request: &Request) -> Result<Option<String>, Error> {
    let Some(value) = request.headers.get("idempotency-key") else { return Ok(None) };
    let key = value.to_str().unwrap_or_default();
    let fits = (1..=255).contains(&key.len()) && key.bytes().all(|byte| (0x20..=0x7e).contains(&byte));
    if fits { Ok(Some(key.to_owned())) } else { Err(Error::parameter("Idempotency-Key has 1 to 255 printable ASCII characters.")) }
}

/// The digest by which bodies are compared. It covers the JSON value, not the order of members, white space or notation of numbers.
pub fn digest(body: &Map<String, Value>) -> String {
    sha256(json::canonical(body).as_bytes())
}
