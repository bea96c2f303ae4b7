//! A browser's view: listed origins are allowed, and any other origin gets no CORS header.

use end_to_end::{Answer, TestStack};
use local_stack::config::Options;
use reqwest::Method;

const LISTED: &str = "https://app.mylg.studio";

fn cors_headers(answer: &Answer) -> Vec<String> {
    answer.headers.keys().map(ToString::to_string).filter(|name| name.starts_with("access-control-")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn only_listed_origins_get_cors_headers() {
    let options = Options { origins: Some(format!("{LISTED},https://*.preview.mylg.studio")), ..Options::for_tests() };
    let world = TestStack::start_with(options).await;
    let ana = world.login("ana").await;
    let console = world.stack().console_url.clone();
    for origin in [LISTED, "https://pr-1.preview.mylg.studio", &console] {
        let ask = [("origin", origin), ("access-control-request-method", "PATCH"), ("access-control-request-headers", "authorization,content-type")];
        let preflight = world.anonymous().request(Method::OPTIONS, "/projects/prj_x", &ask, None).await;
        assert_eq!(preflight.status, 204);
        assert_eq!(preflight.header("access-control-allow-origin"), origin);
        assert_eq!(preflight.header("access-control-allow-credentials"), "true");
        assert_eq!(preflight.header("access-control-allow-methods"), "GET, PATCH, DELETE, HEAD, OPTIONS");
        assert_eq!(preflight.header("access-control-max-age"), "7200");
        for wanted in ["Authorization", "Content-Type", "If-Match", "Idempotency-Key", "X-Requested-With", "X-CSRF-Token", "X-Session-Transport"] {
            assert!(preflight.header("access-control-allow-headers").contains(wanted), "{wanted}");
        }
        // Errors have the headers too.
        for path in ["/auth/me", "/projects/prj_x", "/projects/nothing/here"] {
            let answer = ana.request(Method::GET, path, &[("origin", origin)], None).await;
            assert_eq!((answer.header("access-control-allow-origin"), answer.header("vary")), (origin, "Origin"), "{path}");
            for shown in ["ETag", "Date"] {
                assert!(answer.header("access-control-expose-headers").split(", ").any(|name| name == shown), "{shown}");
            }
        }
    }
    for origin in ["https://evil.test", "null", "http://app.mylg.studio", "https://a.b.preview.mylg.studio", "http://192.168.0.7:3000"] {
        let preflight =
            world.anonymous().request(Method::OPTIONS, "/projects/list", &[("origin", origin), ("access-control-request-method", "GET")], None).await;
        assert_eq!((preflight.status, cors_headers(&preflight)), (204, vec![]), "{origin}");
        let answer = ana.request(Method::GET, "/auth/me", &[("origin", origin)], None).await;
        assert_eq!((answer.status, cors_headers(&answer), answer.header("vary")), (200, vec![], "Origin"), "{origin}");
    }
    let without = ana.get("/auth/me").await;
    assert_eq!((cors_headers(&without), without.header("vary")), (vec![], "Origin"));
}

#[tokio::test(flavor = "multi_thread")]
async fn sockets_from_other_origins_are_refused() {
    let world = TestStack::start().await;
    let ana = world.login("ana").await;
    let query = format!("?token={}", ana.token.clone().unwrap());
    assert_eq!(ana.try_connect(&query, &[("origin", "https://evil.test")]).await.err(), Some(403));
    assert_eq!(ana.try_connect(&query, &[("origin", "null")]).await.err(), Some(403));
    let console = world.stack().console_url.clone();
    assert!(ana.try_connect(&query, &[("origin", &console)]).await.is_ok());
}
