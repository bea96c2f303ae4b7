//! How a refresh token travels: in JSON bodies, or, for clients that ask for it, in a cookie that no script can read.
//!
//! A browser sends cookies along by itself, also for another site's page: so this way asks for a listed `Origin` and for JSON, which
//! such a page cannot send without asking first.

use shared_utils::fields::{FieldLog, Fields, Patch};
use shared_utils::http::{CorsPolicy, Error, Request, Response, is_json};

/// The cookie's name; the prefix makes browsers insist on HTTPS, on this very host and on all its paths.
const COOKIE: &str = "__Host-refresh";

/// The way that a request asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Transport {
    /// In bodies; cookies are not looked at.
    Body,
    /// In the cookie alone.
    Cookie,
}

impl Transport {
    /// The way that `X-Session-Transport` names; in bodies without it.
    pub(crate) fn of(request: &Request) -> Result<Self, Error> {
        match request.headers.get("x-session-transport").map(|value| value.to_str().unwrap_or_default()) {
            None | Some("body") => Ok(Self::Body),
            Some("cookie") => Ok(Self::Cookie),
            Some(_) => Err(Error::parameter("X-Session-Transport is cookie or body.")),
        }
    }

    /// Refuses what another site's page could have had a browser send: [`Error::UnsupportedMediaType`], [`Error::Forbidden`].
    pub(crate) fn guard(self, request: &Request, cors: &CorsPolicy) -> Result<(), Error> {
        if self == Self::Body {
            return Ok(());
        }
        if !is_json(request) {
            return Err(Error::UnsupportedMediaType);
        }
        if request.headers.get("origin").is_some_and(|origin| cors.allows(origin)) { Ok(()) } else { Err(Error::Forbidden) }
    }

    /// The refresh token of a request, wherever it belongs; one in the body is a fault when it belongs into the cookie.
    pub(crate) fn token(self, request: &Request, fields: &mut Fields) -> Patch<String> {
        match self {
            Self::Body => read_token(fields),
            Self::Cookie => {
                fields.refuse(&["refreshToken"], "The refresh token travels in the cookie alone.");
                request.cookie(COOKIE).map_or(Patch::Absent, |token| Patch::Set(token.to_owned()))
            }
        }
    }

    /// The token for the answer's body.
    pub(crate) fn in_body(self, token: String) -> Option<String> {
        (self == Self::Body).then_some(token)
    }

    /// The answer with the token in the cookie, for as many seconds as it may stay unused, where it travels so.
    pub(crate) fn with_token(self, response: Response, token: &str, seconds: i64) -> Response {
        match self {
            Self::Body => response,
            Self::Cookie => response.with_cookie(format!("{COOKIE}={token}; Path=/; Max-Age={seconds}; Secure; HttpOnly; SameSite=Strict")),
        }
    }

    /// The answer, with the cookie taken back.
    pub(crate) fn cleared(self, response: Response) -> Response {
        self.with_token(response, "", 0)
    }

    /// What an action came to; where it failed for want of a good token, the cookie is taken back.
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
