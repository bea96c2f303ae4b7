//! Entity tags and the headers that compare them (RFC 9110, section 13).

use super::{Error, Request};

/// The strong entity tag of a version.
pub fn etag(version: impl std::fmt::Display) -> String {
    format!("\"{version}\"")
}

/// Refuses a request whose `If-Match` names another version. Without the header everything passes.
pub fn check_if_match(request: &Request, current: &str) -> Result<(), Error> {
    check_if_match_with(request, current, |tag| tag == current)
}

/// As [`check_if_match`], for tags that also stand for what a write does not touch: `matches` looks at what it does.
pub fn check_if_match_with(request: &Request, current: &str, matches: impl Fn(&str) -> bool) -> Result<(), Error> {
    let Some(wanted) = request.header("if-match") else { return Ok(()) };
    // Strong comparison: a weak tag never matches.
    let matches = wanted.split(',').map(str::trim).any(|tag| tag == "*" || matches(tag));
    if matches { Ok(()) } else { Err(Error::VersionMismatch { etag: current.to_owned() }) }
}

/// Whether the client has this version already, so that the answer is 304.
pub fn is_not_modified(request: &Request, current: &str) -> bool {
    let Some(known) = request.header("if-none-match") else { return false };
    known.split(',').map(str::trim).any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == current)
}
