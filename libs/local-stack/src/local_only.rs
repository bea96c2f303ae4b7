//! Who may call: programs of this machine, and browsers where a server is meant for pages. A page elsewhere could give its own host name this
//! machine's address (DNS rebinding) and would then be of the same origin as a local server.

use axum::extract::Request;
use axum::http::header::{HOST, ORIGIN};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

/// Refuses requests for other hosts than this machine.
pub(crate) async fn local_hosts_only(request: Request, next: Next) -> Response {
    if is_local_host(request.headers()) { next.run(request).await } else { refusal() }
}

/// Refuses requests for other hosts than this machine, and every request of a web page. For servers that only programs call: the database, the
/// Runtime API, `@connections`.
pub(crate) async fn programs_only(request: Request, next: Next) -> Response {
    if is_local_host(request.headers()) && !is_from_a_page(request.headers()) { next.run(request).await } else { refusal() }
}

fn refusal() -> Response {
    (StatusCode::FORBIDDEN, "Only this machine may call.").into_response()
}

/// Whether the host is a name of this machine. Names that end in `.localhost` are reserved for it (RFC 6761).
pub(crate) fn is_local_host(headers: &HeaderMap) -> bool {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let is_port = |port: &str| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    let name = host.rsplit_once(':').filter(|(_, port)| is_port(port)).map_or(host, |(name, _)| name);
    ["localhost", "127.0.0.1", "[::1]"].contains(&name) || name.ends_with(".localhost")
}

/// Whether a browser sent the request for a page. `Origin` is missing where a page only loads something; every browser then sends `Sec-Fetch-Site`.
fn is_from_a_page(headers: &HeaderMap) -> bool {
    headers.contains_key(ORIGIN) || headers.get("sec-fetch-site").is_some_and(|site| site != "none")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (axum::http::HeaderName::from_static(name), value.parse().unwrap())).collect()
    }

    #[test]
    fn only_names_of_this_machine_are_local() {
        let local = |host: &'static str| is_local_host(&headers(&[("host", host)]));
        for host in ["localhost", "localhost:3000", "127.0.0.1:8000", "[::1]:3002", "abc.execute-api.localhost:4"] {
            assert!(local(host), "{host}");
        }
        for host in ["evil.test:3000", "localhost.evil.test", "127.0.0.1.evil.test:3000", "notlocalhost", ""] {
            assert!(!local(host), "{host}");
        }
    }

    #[test]
    fn pages_are_told_from_programs() {
        assert!(is_from_a_page(&headers(&[("origin", "http://evil.test")])));
        assert!(is_from_a_page(&headers(&[("sec-fetch-site", "cross-site")])));
        assert!(!is_from_a_page(&headers(&[("sec-fetch-site", "none")])), "a person who opens the address");
        assert!(!is_from_a_page(&headers(&[])));
    }
}
