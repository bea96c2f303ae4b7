//! Development only: the API's contract, generated from the code that reads and answers.
//!
//! | module | what it has |
//! | --- | --- |
//! | [`openapi`] | the HTTP API: `docs/openapi.json` |
//! | [`asyncapi`] | the socket: `docs/asyncapi.json` |
//! | [`breaking`] | what breaks a client of an older document |
//! | [`codes`] | every error code: when it comes, and what a client does |
//! | [`examples`] | examples, recorded from a run of the suite |
//! | `fields` | what each field of a request is |
//! | [`seen`] | what a run of the suite has seen of the contract |
//! | `schemas` | the schemas of types, as both documents have them |
//!
//! `make contract` writes both documents; a test compares them with the committed ones.

pub mod asyncapi;
pub mod breaking;
pub mod codes;
pub mod examples;
mod fields;
pub mod openapi;
mod schemas;
pub mod seen;

use serde_json::Value;

/// A document as it is committed.
pub fn text(document: &Value) -> String {
    format!("{document:#}\n")
}
