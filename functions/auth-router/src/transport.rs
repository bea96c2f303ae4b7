//! How a refresh token is transported: in JSON bodies or, if the client asks for it, in an `HttpOnly` cookie.
//!
//! A browser sends cookies also with requests from another site's page (CSRF). So cookie transport requires an allowed `Origin` and a JSON body,
//! which such a page cannot send without a CORS preflight.

use shared_utils::fields::{FieldLog, Fields, Patch};
use shared_utils::http::{CorsPolicy, Error, Request, Response, is_json};

/// The cookie's name. With the `__Host-` prefix, browsers require HTTPS, this exact host and the path `/`.
const COOKIE: &str = "__Host-refresh";

/// The transport that a request asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Transport {
    /// In bodies. Cookies are ignored.
    Body,
    /// Only in the cookie.
    Cookie,
}

impl Transport {
    /// Reads the transport from the header `X-Session-Transport`. Default: `Body`.
    pub(crate) fn of(request: &Request) -> Result<Self, Error> {
        match request.headers.get("x-session-transport").map(|value| value.to_str().unwrap_or_default()) {
            None | Some("body") => Ok(Self::Body),
            Some("cookie") => Ok(Self::Cookie),
            Some(_) => Err(Error::parameter("X-Session-Transport is cookie or body.")),
        }
    }

    /// Refuses requests that another site's page could have caused: [`Error::UnsupportedMediaType`], [`Error::Forbidden`].
    pub(crate) fn guard(self, request: &Request, cors: &CorsPolicy) -> Result<(), Error> {
        if self == Self::Body {
            return Ok(());
        }
        if !is_json(request) {
            return Err(Error::UnsupportedMediaType);
        }
        if request.headers.get("origin").is_some_and(|origin| cors.allows(origin)) { Ok(()) } else { Err(Error::Forbidden) }
    }

    /// The refresh token of a request, from the body or the cookie. With cookie transport, a token in the body is a field error.
    pub(crate) fn token(self, request: &Request, fields: &mut Fields) -> Patch<String> {
        match self {
            Self::Body => read_token(fields),
            Self::Cookie => {
                fields.refuse(&["refreshToken"], "The refresh token travels in the cookie alone.");
                request.cookie(COOKIE).map_or(Patch::Absent, |token| Patch::Set(token.to_owned()))
            }
        }
    }

    /// The token for the response's body; `None` with cookie transport.
    pub(crate) fn in_body(self, token: String) -> Option<String> {
        (self == Self::Body).then_some(token)
    }

    /// Adds the token to the response as a cookie that expires after `seconds`. Only with cookie transport.
    pub(crate) fn with_token(self, response: Response, token: &str, seconds: i64) -> Response {
        match self {
            Self::Body => response,
            Self::Cookie => response.with_cookie(format!("{COOKIE}={token}; Path=/; Max-Age={seconds}; Secure; HttpOnly; SameSite=Strict")),
        }
    }

    /// Clears the cookie.
    pub(crate) fn cleared(self, response: Response) -> Response {
        self.with_token(response, "", 0)
    }

    /// The outcome of an action. With cookie transport, a 401 error also clears the cookie.
    pub(crate) fn cleared_on_401(self, outcome: Result<Response, Error>, request_id: &str) -> Result<Response, Error> {
        match outcome {
            Err(error) if self == Self::Cookie && error.status() == 401 => Ok(self.cleared(Response::problem(&error, request_id))),
            outcome => outcome,
        }
    }
}

/// A refresh token that travels in the body. Whether it is one is for the chain to say.
pub(crate) fn read_token<L: FieldLog>(fields: &mut Fields<L>) -> Patch<String> {
    fields.string("refreshToken", 0..=usize::MAX)
}
