use reqwest::Method;

use crate::harness::{CONTENT, Harness, ORIGIN, key, now};

async fn preflight(harness: &Harness, origin: &str, method: &str) -> reqwest::Response {
    let request = harness.browser.request(Method::OPTIONS, format!("{}/mylg-local-files/", harness.s3.url)).header("origin", origin);
    let request = request.header("access-control-request-method", method).header("access-control-request-headers", "content-type,x-requested-with");
    request.send().await.unwrap()
}

#[tokio::test]
async fn an_allowed_origin_may_upload() {
    let harness = Harness::start().await;
    let answer = preflight(&harness, ORIGIN, "POST").await;
    assert_eq!(answer.status(), 200);
    let header = |name: &str| answer.headers()[name].to_str().unwrap();
    assert_eq!(header("access-control-allow-origin"), ORIGIN);
    assert!(header("access-control-allow-methods").contains("POST"));
    assert_eq!(header("access-control-allow-headers"), "content-type,x-requested-with");
    assert!(header("vary").contains("Origin"));
    for content in [CONTENT, b"another"] {
        // Refusals have the headers too, so that the page can read why.
        let answer = harness.post(&harness.form(&key()), content).await;
        assert_eq!(answer.headers()["access-control-allow-origin"], ORIGIN);
    }
}

#[tokio::test]
async fn a_foreign_origin_may_not() {
    let harness = Harness::start().await;
    for (origin, method) in [("https://evil.example", "POST"), ("null", "POST"), (ORIGIN, "DELETE"), (ORIGIN, "PUT")] {
        let answer = preflight(&harness, origin, method).await;
        assert_eq!(answer.status(), 403, "{origin} {method}");
        assert!(!answer.headers().contains_key("access-control-allow-origin"));
    }
    let url = harness.store.presigned_download(&harness.uploaded().await, "a.png", "image/png", 60, now()).unwrap();
    let answer = harness.browser.get(&url).header("origin", "https://evil.example").send().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert!(!answer.headers().contains_key("access-control-allow-origin"));
    let answer = harness.browser.get(&url).header("origin", ORIGIN).send().await.unwrap();
    assert_eq!(answer.headers()["access-control-allow-origin"], ORIGIN);
}
