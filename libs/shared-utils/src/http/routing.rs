//! Route tables: the paths, their methods, and what each route requires of a request before its handler runs.

use std::str::FromStr;

use futures_util::future::BoxFuture;
use http::Method;

use super::{Call, Error, Request, Response};

/// The body that a route takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Body {
    /// No body. A body that is sent is not read.
    None,
    /// A JSON object of at most this many bytes.
    Json(usize),
    /// As `Json`, but the body may be missing, which counts as `{}`.
    OptionalJson(usize),
}

/// Who may call a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Anyone. A token is not read.
    Public,
    /// A signed-in user, even while the account waits for approval.
    SignedIn,
    /// A signed-in user whose account is approved.
    Approved,
}

/// The handler of a route: see [`crate::handler`].
pub type Handler<A> = for<'a> fn(&'a A, Call) -> BoxFuture<'a, Result<Response, Error>>;

/// Makes the handler of a route from the path of an `async fn(&App, Call) -> Result<Response, Error>`.
#[macro_export]
macro_rules! handler {
    ($handle:path) => {
        |app, call| ::std::boxed::Box::pin($handle(app, call))
    };
}

/// A route: a method, a pattern such as `/projects/{id}/budget`, and a handler of the application `A`.
pub struct Route<A: 'static> {
    /// The method.
    pub method: Method,
    /// The path pattern. A segment in braces matches any one segment.
    pub pattern: &'static str,
    /// The body that the route takes.
    pub body: Body,
    /// Who may call the route.
    pub access: Access,
    /// The handler.
    pub handler: Handler<A>,
}

impl<A> Route<A> {
    /// Creates a route.
    pub const fn new(method: Method, pattern: &'static str, access: Access, body: Body, handler: Handler<A>) -> Self {
        Self { method, pattern, body, access, handler }
    }
}

/// The path segments that match the braces of a pattern, by the names in the braces.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Params(Vec<(&'static str, String)>);

impl Params {
    /// The segment of this name as an id. A malformed id counts as an id that does not exist.
    pub fn id<T: FromStr>(&self, name: &str) -> Result<T, Error> {
        self.text(name).parse().map_err(|_| Error::NotFound)
    }

    /// The segment of this name as text.
    pub fn text(&self, name: &str) -> &str {
        self.0.iter().find(|(known, _)| *known == name).map_or("", |(_, segment)| segment.as_str())
    }
}

/// Matches a path against `pattern`. Returns the segments in braces, or `None` if the path does not match.
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

/// Finds the pattern that a path matches, or `None` if the path does not exist. The first match in table order counts, so tables list literal
/// paths before `{…}` (`/projects/list` before `/projects/{id}`).
pub(crate) fn pattern<A>(routes: &[Route<A>], segments: &[String]) -> Option<(&'static str, Params)> {
    routes.iter().find_map(|route| fit(route.pattern, segments).map(|params| (route.pattern, params)))
}

/// The methods of a pattern, for `Allow` and for preflights. `HEAD` is included wherever `GET` is.
pub(crate) fn methods<A>(routes: &[Route<A>], pattern: &str) -> String {
    let mut names: Vec<_> = routes.iter().filter(|route| route.pattern == pattern).map(|route| route.method.as_str()).collect();
    if names.contains(&"GET") {
        names.push("HEAD");
    }
    names.push("OPTIONS");
    names.join(", ")
}

/// Finds the route of a request. 404 if the path does not exist, 405 if the path has only other methods.
pub(crate) fn find<'a, A>(routes: &'a [Route<A>], request: &Request) -> Result<(&'a Route<A>, Params), Error> {
    let (pattern, params) = pattern(routes, &request.segments).ok_or(Error::NotFound)?;
    let method = if request.method == Method::HEAD { &Method::GET } else { &request.method };
    match routes.iter().find(|route| route.pattern == pattern && route.method == *method) {
        Some(route) => Ok((route, params)),
        None => Err(Error::MethodNotAllowed { allow: methods(routes, pattern) }),
    }
}
