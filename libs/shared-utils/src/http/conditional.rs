//! Entity tags and the headers that compare them (RFC 9110, sections 8.8.3 and 13).

use super::{Error, Request};

/// The strong entity tag of a version.
pub fn etag(version: impl std::fmt::Display) -> String {
    format!("\"{version}\"")
}

/// An entity tag in a header. `opaque` includes the quotes, but not `W/`.
#[derive(Debug, PartialEq, Eq)]
struct EntityTag<'a> {
    is_weak: bool,
    /// Bytes, because a tag may contain any byte from 0x80 on.
    opaque: &'a [u8],
}

/// A parsed list of entity tags.
#[derive(Debug, PartialEq, Eq)]
enum TagList<'a> {
    /// The wildcard `*`.
    Any,
    Tags(Vec<EntityTag<'a>>),
    Malformed,
}

/// Reads `*` or `#entity-tag`.
fn tag_list(header: &[u8]) -> TagList<'_> {
    let mut rest = header.trim_ascii();
    if rest == b"*" {
        return TagList::Any;
    }
    let mut tags = Vec::new();
    loop {
        // List elements may be empty.
        rest = rest.trim_ascii_start();
        if let Some(behind) = rest.strip_prefix(b",") {
            rest = behind;
            continue;
        }
        if rest.is_empty() {
            return if tags.is_empty() { TagList::Malformed } else { TagList::Tags(tags) };
        }
        let (is_weak, quoted) = rest.strip_prefix(b"W/").map_or((false, rest), |quoted| (true, quoted));
        let end = quoted.strip_prefix(b"\"").and_then(|inside| inside.iter().position(|byte| *byte == b'"'));
        let Some(end) = end else { return TagList::Malformed };
        let (opaque, behind) = quoted.split_at(end + 2);
        let is_tag_byte = |byte: &u8| *byte == 0x21 || (0x23..=0x7e).contains(byte) || *byte >= 0x80;
        let behind = behind.trim_ascii_start();
        if !opaque[1..=end].iter().all(is_tag_byte) || !(behind.is_empty() || behind.starts_with(b",")) {
            return TagList::Malformed;
        }
        tags.push(EntityTag { is_weak, opaque });
        rest = behind;
    }
}

/// Refuses a request whose `If-Match` does not name the current version. A request without the header passes.
pub fn check_if_match(request: &Request, current: &str) -> Result<(), Error> {
    check_if_match_with(request, current, |tag| tag == current)
}

/// As [`check_if_match`], for tags that also cover state that the write does not change. `matches` compares only the state that it changes.
///
/// A malformed header matches no version.
pub fn check_if_match_with(request: &Request, current: &str, matches: impl Fn(&str) -> bool) -> Result<(), Error> {
    let Some(header) = request.headers.get("if-match") else { return Ok(()) };
    let matches = match tag_list(header.as_bytes()) {
        TagList::Any => true,
        // Strong comparison: a weak tag never matches.
        TagList::Tags(tags) => tags.iter().any(|tag| !tag.is_weak && std::str::from_utf8(tag.opaque).is_ok_and(&matches)),
        TagList::Malformed => false,
    };
    if matches { Ok(()) } else { Err(Error::VersionMismatch { etag: current.to_owned() }) }
}

/// Whether the client already has this version, so that the response is 304.
pub fn is_not_modified(request: &Request, current: &str) -> bool {
    let Some(header) = request.headers.get("if-none-match") else { return false };
    match tag_list(header.as_bytes()) {
        TagList::Any => true,
        TagList::Tags(tags) => tags.iter().any(|tag| tag.opaque == current.as_bytes()),
        TagList::Malformed => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strong(opaque: &str) -> EntityTag<'_> {
        EntityTag { is_weak: false, opaque: opaque.as_bytes() }
    }

    #[test]
    fn entity_tag_lists_follow_the_grammar() {
        assert_eq!(tag_list(b" * "), TagList::Any);
        assert_eq!(tag_list(b"\"0\""), TagList::Tags(vec![strong("\"0\"")]));
        assert_eq!(tag_list(b"\"0,*,1\""), TagList::Tags(vec![strong("\"0,*,1\"")]));
        assert_eq!(tag_list("\"0\", \"é\"".as_bytes()), TagList::Tags(vec![strong("\"0\""), strong("\"é\"")]));
        assert_eq!(tag_list(b", \"\",,W/\"1\" ,"), TagList::Tags(vec![strong("\"\""), EntityTag { is_weak: true, opaque: b"\"1\"" }]));
        for malformed in ["", ",", "0", "\"0", "\"0\"1", "\"0\" \"1\"", "*, \"0\"", "\"0\", *", "w/\"0\"", "W/ \"0\"", "\"a b\"", "'0'"] {
            assert_eq!(tag_list(malformed.as_bytes()), TagList::Malformed, "{malformed}");
        }
        assert_eq!(tag_list(b"\"\xff\""), TagList::Tags(vec![EntityTag { is_weak: false, opaque: b"\"\xff\"" }]));
    }
}
