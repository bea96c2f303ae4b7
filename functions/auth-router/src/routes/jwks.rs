//! `GET /auth/.well-known/jwks.json`: the public keys as a JWK Set (RFC 7517).

use schemars::JsonSchema;
use serde::Serialize;
use shared_utils::http::{Call, Error, Response};

use crate::App;

/// A public key.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Jwk<'a> {
    kty: &'static str,
    crv: &'static str,
    r#use: &'static str,
    alg: &'static str,
    kid: &'a str,
    x: String,
    y: String,
}

/// The public keys.
#[derive(Serialize, JsonSchema)]
pub(crate) struct JwkSet<'a> {
    keys: Vec<Jwk<'a>>,
}

pub(super) async fn handle(app: &App, _: Call) -> Result<Response, Error> {
    let keys = app.context.verifier.public_keys();
    let keys = keys.map(|(kid, x, y)| Jwk { kty: "EC", crv: "P-256", r#use: "sig", alg: "ES256", kid, x, y }).collect();
    Ok(Response::json(200, &JwkSet { keys })?.with_header("cache-control", "public, max-age=300"))
}
