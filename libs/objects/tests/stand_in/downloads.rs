use objects::ScanVerdict;
use objects::scan::SCAN_TAG;

use crate::harness::{CONTENT, Harness, expect, key, now};

#[tokio::test]
async fn a_download_is_an_attachment_with_its_name() {
    let harness = Harness::start().await;
    let key = harness.uploaded().await;
    let url = harness.store.presigned_download(&key, "Grundriß \"1\".png", "image/png", 60, now()).unwrap();
    let answer = harness.browser.get(url).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let header = |name: &str| answer.headers()[name].to_str().unwrap().to_owned();
    assert_eq!(header("content-disposition"), "attachment; filename=\"Grundri_ _1_.png\"; filename*=UTF-8''Grundri%C3%9F%20_1_.png");
    assert_eq!(header("content-type"), "image/png");
    assert_eq!(header("content-length"), CONTENT.len().to_string());
    assert_eq!(answer.bytes().await.unwrap(), CONTENT);
}

#[tokio::test]
async fn any_name_and_any_type_can_be_signed() {
    let harness = Harness::start().await;
    let key = harness.uploaded().await;
    let names = ["", "..", "a\r\nb: c", "a+b&c=d%20#?.txt", "\u{202e}gpj.exe", "👩\u{200d}🎨", "日本語.pdf", "a'b(c)*;=,.txt", &"ü".repeat(400)];
    for name in names {
        let url = harness.store.presigned_download(&key, name, "text/html", 60, now()).unwrap();
        let answer = harness.browser.get(url).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{name:?}");
        assert_eq!(answer.headers()["content-type"], "application/octet-stream");
        assert!(answer.headers()["content-disposition"].to_str().unwrap().starts_with("attachment; "), "{name:?}");
    }
}

#[tokio::test]
async fn a_part_can_be_downloaded() {
    let harness = Harness::start().await;
    let url = harness.store.presigned_download(&harness.uploaded().await, "a.png", "image/png", 60, now()).unwrap();
    let answer = harness.browser.get(&url).header("range", "bytes=1-3").send().await.unwrap();
    assert_eq!(answer.status(), 206);
    assert_eq!(answer.headers()["content-range"], format!("bytes 1-3/{}", CONTENT.len()));
    assert_eq!(answer.bytes().await.unwrap(), &CONTENT[1..4]);
    expect(harness.browser.get(&url).header("range", "bytes=1000-").send().await.unwrap(), 416, "InvalidRange").await;
}

#[tokio::test]
async fn an_expired_url_is_refused() {
    let harness = Harness::start().await;
    let key = harness.uploaded().await;
    let old = harness.store.presigned_download(&key, "a.png", "image/png", 60, now().plus_seconds(-62)).unwrap();
    expect(harness.browser.get(old).send().await.unwrap(), 403, "AccessDenied").await;
    let url = harness.store.presigned_download(&key, "a.png", "image/png", 60, now()).unwrap();
    harness.s3.storage.set_clock_offset(62);
    expect(harness.browser.get(&url).send().await.unwrap(), 403, "AccessDenied").await;
    harness.s3.storage.set_clock_offset(30);
    assert_eq!(harness.browser.get(&url).send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn a_changed_url_is_refused() {
    let harness = Harness::start().await;
    let (key, other) = (harness.uploaded().await, harness.uploaded().await);
    let url = harness.store.presigned_download(&key, "a.png", "image/png", 60, now()).unwrap();
    for (from, to) in [
        (key.as_str(), other.as_str()),
        ("a.png", "a.exe"),
        ("image%2Fpng", "text%2Fhtml"),
        ("X-Amz-Expires=60", "X-Amz-Expires=6000"),
        ("response-content-disposition=", "response-content-disposition=inline"),
    ] {
        let changed = url.replace(from, to);
        assert_ne!(changed, url);
        expect(harness.browser.get(changed).send().await.unwrap(), 403, "SignatureDoesNotMatch").await;
    }
    expect(harness.browser.delete(&url).send().await.unwrap(), 403, "SignatureDoesNotMatch").await;
    expect(harness.browser.get(format!("{}/mylg-local-files/{key}", harness.s3.url)).send().await.unwrap(), 403, "AccessDenied").await;
}

#[tokio::test]
async fn a_deleted_object_does_not_exist() {
    let harness = Harness::start().await;
    let key = harness.uploaded().await;
    let url = harness.store.presigned_download(&key, "a.png", "image/png", 60, now()).unwrap();
    for _ in 0..2 {
        harness.store.delete(&key).await.unwrap();
        assert_eq!(harness.store.head(&key).await.unwrap(), None);
        // The role may not list the bucket, so it is not told that the object is missing.
        expect(harness.browser.get(&url).send().await.unwrap(), 403, "AccessDenied").await;
    }
    assert!(harness.s3.storage.keys("files").is_empty());
}

#[tokio::test]
async fn the_verdict_of_the_scan_is_a_tag() {
    let harness = Harness::start().await;
    let key = harness.uploaded().await;
    assert_eq!(harness.store.scan_verdict(&key).await.unwrap(), ScanVerdict::Pending);
    for (status, verdict) in [("NO_THREATS_FOUND", ScanVerdict::Clean), ("THREATS_FOUND", ScanVerdict::Refused)] {
        assert!(harness.s3.storage.set_tag("files", key.as_str(), SCAN_TAG, status).unwrap());
        assert_eq!(harness.store.scan_verdict(&key).await.unwrap(), verdict);
    }
    assert!(harness.s3.storage.set_tag("files", key.as_str(), "a<b>&\"'", "ü & <x>").unwrap());
    assert_eq!(harness.store.tags(&key).await.unwrap()["a<b>&\"'"], "ü & <x>");
    assert!(!harness.s3.storage.set_tag("files", self::key().as_str(), "a", "b").unwrap());
    assert!(harness.store.tags(&self::key()).await.is_err());
}
