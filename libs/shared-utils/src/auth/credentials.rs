//! Reads the credential of a request.

use http::HeaderValue;

use crate::http::Error;

/// Returns the token of an `Authorization` header.
///
/// The scheme is case-insensitive, and one space follows it. The gateway joins repeated headers with a comma, so a comma means two credentials.
/// A missing header is [`Error::MissingToken`], without an error attribute (RFC 6750). An unreadable header is [`Error::InvalidToken`].
pub fn bearer(header: Option<&HeaderValue>) -> Result<&str, Error> {
    let header = header.ok_or(Error::MissingToken)?.to_str().map_err(|_| Error::InvalidToken)?;
    match header.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") && !token.contains([',', ' ']) && !token.is_empty() => Ok(token),
        _ => Err(Error::InvalidToken),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn authorization_holds_exactly_one_bearer_token() {
        assert_eq!(bearer(Some(&HeaderValue::from_static("bEaReR a.b.c"))).unwrap(), "a.b.c");
        assert!(matches!(bearer(None), Err(Error::MissingToken)));
        for bad in ["", "Bearer", "Bearer ", "Bearer  a.b.c", "Basic YTpi", "Bearer a.b.c, Bearer d.e.f", "Bearer a.b.c "] {
            assert!(matches!(bearer(Some(&HeaderValue::from_static(bad))), Err(Error::InvalidToken)), "{bad}");
        }
        let unreadable = HeaderValue::from_bytes("Bearer é".as_bytes()).unwrap();
        assert!(matches!(bearer(Some(&unreadable)), Err(Error::InvalidToken)));
    }
}
