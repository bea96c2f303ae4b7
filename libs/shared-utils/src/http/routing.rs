//! Route tables: which paths exist, which methods they have, and what each asks of a request before its action runs.

use std::str::FromStr;

use futures_util::future::BoxFuture;
use http::Method;

use super::{Call, Error, Request, Response};

/// What a route takes as its body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Body {
    /// None; one that comes is not read.
    None,
    /// A JSON object of at most this many bytes.
    Json(usize),
    /// As `Json`, but it may be missing, which counts as `{}`.
    OptionalJson(usize),
}

/// Who may call a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Anyone; a token is not looked at.
    Public,
    /// Someone signed in, also while their account waits for approval.
    SignedIn,
    /// Someone signed in whose account is approved.
    Approved,
}

/// What a route does: see [`crate::handler`].
pub type Handler<A> = for<'a> fn(&'a A, Call) -> BoxFuture<'a, Result<Response, Error>>;

/// The handler of a route from the path of an `async fn(&App, Call) -> Result<Response, Error>`.
#[macro_export]
macro_rules! handler {
    ($handle:path) => {
        |app, call| ::std::boxed::Box::pin($handle(app, call))
    };
}

/// One route: a method and a pattern such as `/projects/{id}/budget`, and the handler of the application `A`.
pub struct Route<A: 'static> {
    /// The method.
    pub method: Method,
    /// The path; a segment in braces takes any one segment.
    pub pattern: &'static str,
    /// What it takes.
    pub body: Body,
    /// Who may call it.
    pub access: Access,
    /// What it does.
    pub handler: Handler<A>,
}

impl<A> Route<A> {
    /// A route.
    pub const fn new(method: Method, pattern: &'static str, access: Access, body: Body, handler: Handler<A>) -> Self {
        Self { method, pattern, body, access, handler }
    }
}

/// The segments that a pattern's braces took, by the names in the braces.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Params(Vec<(&'static str, String)>);

impl Params {
    /// The segment of this name as an id; one that is not well-formed does not exist.
    pub fn id<T: FromStr>(&self, name: &str) -> Result<T, Error> {
        self.text(name).parse().map_err(|_| Error::NotFound)
    }

    /// The segment of this name as it is.
    pub fn text(&self, name: &str) -> &str {
        self.0.iter().find(|(known, _)| *known == name).map_or("", |(_, segment)| segment.as_str())
    }
}

/// The segments that `pattern` takes from the path, if it fits.
fn fit(pattern: &'static str, segments: &[String]) -> Option<Params> {
    let mut taken = Vec::new();
    let mut left = segments.iter();
    for part in pattern.trim_start_matches('/').split('/') {
        let segment = left.next()?;
        if let Some(name) = part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) {
            if segment.is_empty() {
                return None;
            }
            taken.push((name, segment.clone()));
        } else if part != segment {
            return None;
        }
    }
    left.next().is_none().then_some(Params(taken))
}

/// The pattern that a path fits: the first in table order, so tables list literal paths before `{…}` (`/projects/list` before
/// `/projects/{id}`). `None` when the path does not exist.
pub(crate) fn pattern<A>(routes: &[Route<A>], segments: &[String]) -> Option<(&'static str, Params)> {
    routes.iter().find_map(|route| fit(route.pattern, segments).map(|params| (route.pattern, params)))
}

/// The methods of a pattern, as `Allow` and preflights list them. `HEAD` goes wherever `GET` does.
pub(crate) fn methods<A>(routes: &[Route<A>], pattern: &str) -> String {
    let mut names: Vec<_> = routes.iter().filter(|route| route.pattern == pattern).map(|route| route.method.as_str()).collect();
    if names.contains(&"GET") {
        names.push("HEAD");
    }
    names.push("OPTIONS");
    names.join(", ")
}

/// The route of a request: 404 when the path does not exist, 405 when it has other methods.
pub(crate) fn find<'a, A>(routes: &'a [Route<A>], request: &Request) -> Result<(&'a Route<A>, Params), Error> {
    let (pattern, params) = pattern(routes, &request.segments).ok_or(Error::NotFound)?;
    let method = if request.method == Method::HEAD { &Method::GET } else { &request.method };
    match routes.iter().find(|route| route.pattern == pattern && route.method == *method) {
        Some(route) => Ok((route, params)),
        None => Err(Error::MethodNotAllowed { allow: methods(routes, pattern) }),
    }
}
