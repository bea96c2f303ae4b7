//! `Idempotency-Key`: the same request, sent again, has one effect and one answer.

use serde_json::{Map, Value};

use super::{Error, Request};
use crate::idempotency::IdempotencyKey;
use crate::json;
use crate::random::sha256;

/// The request's key with its body's digest, if it has one.
pub fn key_of(request: &Request, body: &Map<String, Value>) -> Result<Option<IdempotencyKey>, Error> {
    Ok(key(request)?.map(|key| IdempotencyKey { key, digest: digest(body) }))
}

/// The request's key, if it has one: 1–255 printable ASCII characters.
pub fn key(request: &Request) -> Result<Option<String>, Error> {
    let Some(value) = request.headers.get("idempotency-key") else { return Ok(None) };
    let key = value.to_str().unwrap_or_default();
    let fits = (1..=255).contains(&key.len()) && key.bytes().all(|byte| (0x20..=0x7e).contains(&byte));
    if fits { Ok(Some(key.to_owned())) } else { Err(Error::parameter("Idempotency-Key has 1 to 255 printable ASCII characters.")) }
}

/// What bodies are compared by: the JSON value, whatever the order of its members, its white space or the spelling of its numbers.
pub fn digest(body: &Map<String, Value>) -> String {
    sha256(json::canonical(body).as_bytes())
}
