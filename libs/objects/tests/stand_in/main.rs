//! Uploads and downloads against the local S3: it checks what S3 checks.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics, in its helpers too")]

mod browsers;
mod downloads;
mod harness;
mod roles;
mod uploads;
