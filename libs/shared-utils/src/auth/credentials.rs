//! Finding the credential in a request.

use crate::http::Error;

/// The token of an `Authorization` header.
///
/// The scheme is case-insensitive and followed by one space. The gateway joins two headers with a comma, so a comma means two
/// credentials. No header, no error attribute (RFC 6750): [`Error::MissingToken`].
pub fn bearer(header: Option<&str>) -> Result<&str, Error> {
    let header = header.ok_or(Error::MissingToken)?;
    match header.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") && !token.contains([',', ' ']) && !token.is_empty() => Ok(token),
        _ => Err(Error::InvalidToken),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_bearer_token_and_nothing_else() {
        assert_eq!(bearer(Some("bEaReR a.b.c")).unwrap(), "a.b.c");
        assert!(matches!(bearer(None), Err(Error::MissingToken)));
        for bad in ["", "Bearer", "Bearer ", "Bearer  a.b.c", "Basic YTpi", "Bearer a.b.c, Bearer d.e.f", "Bearer a.b.c "] {
            assert!(matches!(bearer(Some(bad)), Err(Error::InvalidToken)), "{bad}");
        }
    }
}
