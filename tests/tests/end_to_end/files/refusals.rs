//! Uploads that S3 refuses, and what expires.

use end_to_end::upload::{declaration, declare, download_url, fetch, post_form, refused, send};
use end_to_end::{is_success, text};
use serde_json::json;

use super::{CONTENT, Studio, complete};

#[tokio::test(flavor = "multi_thread")]
async fn what_was_not_declared_is_refused_and_does_not_count() {
    let studio = Studio::start().await;
    let declared = declare(&studio.ben, &studio.files, declaration("plan.pdf", "application/pdf", CONTENT)).await;
    let form = &declared["upload"];
    let mut other = CONTENT.to_vec();
    other[0] ^= 1;
    refused(form, &other, 400, "BadDigest").await;
    refused(form, &[CONTENT, b"x"].concat(), 400, "EntityTooLarge").await;
    refused(form, &CONTENT[1..], 400, "EntityTooSmall").await;
    let key = text(&form["fields"]["key"]);
    for (name, value) in [
        ("Content-Type", "text/html"),
        ("key", &format!("{key}x")),
        ("key", "people/usr_1/x"),
        ("x-amz-checksum-sha256", &end_to_end::upload::checksum(b"x")),
    ] {
        let mut changed = form.clone();
        assert!(changed["fields"][name].is_string(), "{name}");
        changed["fields"][name] = json!(value);
        refused(&changed, CONTENT, 403, "AccessDenied").await;
    }
    complete(&studio.ben, &studio.files, &declared).await.expect_error(409, "conflict");
    assert!(studio.listed().await.is_empty());
    studio.cleo.get(&studio.path(&declared)).await.expect_error(404, "not_found");
    assert!(studio.objects().await.is_empty());
    // The same form still takes what was declared.
    send(form, CONTENT).await;
    assert!(studio.listed().await.is_empty(), "it does not count before it is completed");
    complete(&studio.ben, &studio.files, &declared).await.expect(200);
    assert_eq!(studio.listed().await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_and_a_link_expire() {
    let studio = Studio::start().await;
    let file = studio.uploaded().await;
    let url = download_url(&studio.cleo, &studio.path(&file)).await;
    let declared = declare(&studio.ben, &studio.files, declaration("b.txt", "text/plain", b"b")).await;
    let clock = |seconds| studio.world.stack().objects.set_clock_offset(seconds);
    clock(30);
    assert_eq!(fetch(&url).await.status(), 200);
    clock(62);
    assert_eq!(fetch(&url).await.status(), 403);
    clock(601);
    refused(&declared["upload"], b"b", 403, "AccessDenied").await;
    clock(570);
    assert!(is_success(post_form(&declared["upload"], b"b").await.status().as_u16()));
    complete(&studio.ben, &studio.files, &declared).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_link_is_refused() {
    let studio = Studio::start().await;
    let [one, other] = [studio.uploaded().await, studio.uploaded().await];
    let url = download_url(&studio.cleo, &studio.path(&one)).await;
    let keys = studio.objects().await;
    let own = keys.iter().find(|key| url.contains(key.as_str())).unwrap();
    let foreign = keys.iter().find(|key| *key != own).unwrap();
    assert_ne!(one["fileId"], other["fileId"]);
    for changed in [url.replace(own, foreign), url.replace("X-Amz-Expires=60", "X-Amz-Expires=6000"), url.split('?').next().unwrap().to_owned()] {
        assert_ne!(changed, url);
        assert_eq!(fetch(&changed).await.status(), 403, "{changed}");
    }
}
