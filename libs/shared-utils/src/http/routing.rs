//! Route tables: which paths exist, which methods they have, and what each asks of a request before its action runs.

use std::str::FromStr;

use http::Method;

use super::{Error, Request};

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

/// The longest JSON spelling of a text of so many code points, in bytes: each as two escaped surrogates, with quotes and a comma.
pub const fn spelled(code_points: usize) -> usize {
    12 * code_points + 3
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

/// One route: a method and a pattern such as `/projects/{id}/budget`, and the action behind it.
#[derive(Debug, Clone)]
pub struct Route<A> {
    /// The method.
    pub method: Method,
    /// The path; a segment in braces takes any one segment.
    pub pattern: &'static str,
    /// What it takes.
    pub body: Body,
    /// Who may call it.
    pub access: Access,
    /// What it does.
    pub action: A,
    /// Whether the action itself asks for admission, beside its first read and before any write.
    pub admits_itself: bool,
}

impl<A> Route<A> {
    /// A route.
    pub const fn new(method: Method, pattern: &'static str, access: Access, body: Body, action: A) -> Self {
        Self { method, pattern, body, access, action, admits_itself: false }
    }

    /// A route whose action asks for admission itself, beside its first read and before any write.
    pub const fn admitting(mut self) -> Self {
        self.admits_itself = true;
        self
    }
}

/// The segments that a pattern's braces took, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Params(Vec<String>);

impl Params {
    /// The segment at `index` as an id; one that is not well-formed does not exist.
    pub fn id<T: FromStr>(&self, index: usize) -> Result<T, Error> {
        self.text(index).parse().map_err(|_| Error::NotFound)
    }

    /// The segment at `index` as it is.
    pub fn text(&self, index: usize) -> &str {
        self.0.get(index).map_or("", String::as_str)
    }
}

/// The segments that `pattern` takes from the path, if it fits.
fn fit(pattern: &str, segments: &[String]) -> Option<Params> {
    let mut taken = Vec::new();
    let mut left = segments.iter();
    for part in pattern.trim_start_matches('/').split('/') {
        let segment = left.next()?;
        if part.starts_with('{') {
            if segment.is_empty() {
                return None;
            }
            taken.push(segment.clone());
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
