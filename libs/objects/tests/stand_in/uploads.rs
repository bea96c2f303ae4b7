use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use objects::{ObjectInfo, PresignedPost, Upload};

use crate::harness::{CONTENT, Harness, expect, key, now, sha256, upload};

#[tokio::test]
async fn an_upload_is_an_object_with_its_checksum() {
    let harness = Harness::start().await;
    let key = harness.uploaded().await;
    let info = ObjectInfo { size: CONTENT.len() as u64, content_type: Some("image/png".to_owned()), sha256: Some(sha256(CONTENT)) };
    assert_eq!(harness.store.head(&key).await.unwrap(), Some(info));
    assert_eq!(harness.s3.storage.keys("files"), [key.to_string()]);
}

#[tokio::test]
async fn another_content_is_refused() {
    let harness = Harness::start().await;
    let form = harness.form(&key());
    let mut other = CONTENT.to_vec();
    other[0] ^= 1;
    harness.refused(&form, &other, 400, "BadDigest").await;
    harness.refused(&form, &[CONTENT, b"x"].concat(), 400, "EntityTooLarge").await;
    harness.refused(&form, &CONTENT[1..], 400, "EntityTooSmall").await;
    harness.refused(&form, b"", 400, "EntityTooSmall").await;
}

#[tokio::test]
async fn another_field_is_refused() {
    let harness = Harness::start().await;
    let form = harness.form(&key());
    let with = |name: &str, value: &str| {
        let mut form = form.clone();
        form.fields.insert(name.to_owned(), value.to_owned());
        form
    };
    let other_key = key().to_string();
    for (name, value) in [
        ("Content-Type", "text/html"),
        ("key", other_key.as_str()),
        ("key", "projects/prj_1/${filename}"),
        ("x-amz-checksum-sha256", &sha256(b"x").to_string()),
        ("x-amz-checksum-algorithm", "CRC32"),
        ("x-amz-security-token", "another"),
        ("bucket", "another"),
        // Fields that the policy does not name.
        ("acl", "public-read"),
        ("x-amz-meta-a", "b"),
        ("success_action_redirect", "https://evil.example"),
        ("x-amz-server-side-encryption", "AES256"),
        ("Content-Disposition", "inline"),
    ] {
        harness.refused(&with(name, value), CONTENT, 403, "AccessDenied").await;
    }
    // A field that is ignored by name may be sent.
    assert_eq!(harness.post(&with("x-ignore-this", "1"), CONTENT).await.status(), 204);
}

#[tokio::test]
async fn every_field_must_be_sent() {
    let harness = Harness::start().await;
    let form = harness.form(&key());
    for name in form.fields.keys() {
        let fields = form.fields.iter().filter(|(field, _)| *field != name).map(|(name, value)| (name.as_str(), value.as_str())).collect::<Vec<_>>();
        let answer = harness.post_fields(&form.url, &fields, CONTENT).await;
        assert!([400, 403].contains(&answer.status().as_u16()), "without {name}: {}", answer.status());
    }
    assert!(harness.s3.storage.keys("files").is_empty());
}

#[tokio::test]
async fn fields_may_come_in_any_order() {
    let harness = Harness::start().await;
    let form = harness.form(&key());
    let fields: Vec<_> = form.fields.iter().rev().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(harness.post_fields(&form.url, &fields, CONTENT).await.status(), 204);
}

fn tampered(form: &PresignedPost, change: impl Fn(String) -> String) -> PresignedPost {
    let policy = String::from_utf8(STANDARD.decode(&form.fields["policy"]).unwrap()).unwrap();
    let changed = change(policy.clone());
    assert_ne!(policy, changed);
    let mut form = form.clone();
    form.fields.insert("policy".to_owned(), STANDARD.encode(changed));
    form
}

#[tokio::test]
async fn a_changed_policy_is_refused() {
    let harness = Harness::start().await;
    let form = harness.form(&key());
    let larger = tampered(&form, |policy| policy.replace(&format!("{0},{0}", CONTENT.len()), "0,1000000000"));
    harness.refused(&larger, CONTENT, 403, "SignatureDoesNotMatch").await;
    let mut unsigned = form.clone();
    unsigned.fields.insert("x-amz-signature".to_owned(), "0".repeat(64));
    harness.refused(&unsigned, CONTENT, 403, "SignatureDoesNotMatch").await;
    let mut unknown = tampered(&form, |policy| policy.replace("ASIA", "ASIB"));
    unknown.fields.insert("x-amz-credential".to_owned(), form.fields["x-amz-credential"].replace("ASIA", "ASIB"));
    harness.refused(&unknown, CONTENT, 403, "InvalidAccessKeyId").await;
}

#[tokio::test]
async fn an_expired_policy_is_refused() {
    let harness = Harness::start().await;
    let old = harness.store.presigned_upload(&upload(&key()), 600, now().plus_seconds(-601));
    harness.refused(&old, CONTENT, 403, "AccessDenied").await;
    let form = harness.form(&key());
    harness.s3.storage.set_clock_offset(601);
    harness.refused(&form, CONTENT, 403, "AccessDenied").await;
    harness.s3.storage.set_clock_offset(590);
    assert_eq!(harness.post(&form, CONTENT).await.status(), 204);
}

#[tokio::test]
async fn an_upload_can_be_repeated_with_the_same_content_alone() {
    let harness = Harness::start().await;
    let form = harness.form(&key());
    for _ in 0..2 {
        assert_eq!(harness.post(&form, CONTENT).await.status(), 204);
    }
    let mut other = CONTENT.to_vec();
    other[0] ^= 1;
    expect(harness.post(&form, &other).await, 400, "BadDigest").await;
    let answer = harness.browser.get(download(&harness)).send().await.unwrap();
    assert_eq!(answer.bytes().await.unwrap(), CONTENT);
}

fn download(harness: &Harness) -> String {
    let key = harness.s3.storage.keys("files")[0].parse().unwrap();
    harness.store.presigned_download(&key, "a.png", "image/png", 60, now()).unwrap()
}

#[tokio::test]
async fn a_content_that_looks_like_boundaries_is_kept() {
    let harness = Harness::start().await;
    for part in ["\r", "\r\n", "\r\n--", "\r\n------WebKitFormBoundary"] {
        let content = part.repeat(4_000_000 / part.len()).into_bytes();
        let upload = Upload { key: key(), content_type: "text/plain".to_owned(), size: content.len() as u64, sha256: sha256(&content) };
        let answer = harness.post(&harness.store.presigned_upload(&upload, 600, now()), &content).await;
        assert_eq!(answer.status(), 204, "{part:?}: {}", answer.text().await.unwrap());
    }
}

#[tokio::test]
async fn large_files_are_quick() {
    let harness = Harness::start().await;
    let content: Vec<u8> = (0..50 * 1024 * 1024_u32).map(|number| (number.wrapping_mul(2_654_435_761) >> 24).to_le_bytes()[0]).collect();
    let large = Upload { key: key(), content_type: "image/png".to_owned(), size: content.len() as u64, sha256: sha256(&content) };
    let started = Instant::now();
    assert_eq!(harness.post(&harness.store.presigned_upload(&large, 600, now()), &content).await.status(), 204);
    let answer = harness.browser.get(download(&harness)).send().await.unwrap();
    assert_eq!(answer.content_length(), Some(large.size));
    assert_eq!(sha256(&answer.bytes().await.unwrap()), large.sha256);
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
}
