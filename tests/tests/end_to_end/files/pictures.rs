//! Pictures of people.

use end_to_end::text;
use end_to_end::upload::{checksum, declaration, declare, download, send, upload};
use serde_json::{Value, json};

use super::{Studio, complete};

const PICTURES: &str = "/auth/me/thumbnail";

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_is_seen_by_others_replaced_and_deleted() {
    let studio = Studio::start().await;
    let (ben, cleo) = (&studio.ben, &studio.cleo);
    let picture = format!("/auth/users/{}/thumbnail", ben.id);
    cleo.get(&picture).await.expect_error(404, "not_found");
    let profile = upload(ben, PICTURES, "me.png", "image/png", b"first").await;
    assert_eq!(download(cleo, &picture).await, b"first");
    let first = studio.objects().await;
    assert_eq!(first, [text(&profile["thumbnail"])]);
    let declared = declare(ben, PICTURES, declaration("me.png", "image/png", b"second")).await;
    complete(ben, PICTURES, &declared).await.expect_error(409, "conflict");
    send(&declared["upload"], b"second").await;
    assert_eq!(download(cleo, &picture).await, b"first", "until the second one is complete");
    let profile = complete(ben, PICTURES, &declared).await.expect(200);
    assert_eq!(download(cleo, &picture).await, b"second");
    assert_eq!(studio.objects().await, [text(&profile["thumbnail"])], "the first one has gone");
    // A repeated completion keeps it.
    complete(ben, PICTURES, &declared).await.expect(200);
    assert_eq!(studio.objects().await.len(), 1);
    assert_eq!(download(cleo, &picture).await, b"second");
    for _ in 0..2 {
        ben.delete(PICTURES).await.expect(204);
        assert!(studio.objects().await.is_empty());
    }
    cleo.get(&picture).await.expect_error(404, "not_found");
    assert_eq!(ben.get("/auth/me").await.expect(200)["thumbnail"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_is_a_small_image_of_ones_own() {
    let studio = Studio::start().await;
    let picture = declaration("me.svg", "image/svg+xml", b"<svg/>");
    let answer = studio.ben.post(PICTURES, picture).await;
    assert_eq!(answer.pointers(), ["/type"], "{}", answer.body);
    answer.expect_error(422, "validation_failed");
    let large = json!({"name": "a.png", "type": "image/png", "size": 5_000_001, "checksum": checksum(b"")});
    studio.ben.post(PICTURES, large).await.expect_error(422, "validation_failed");
    // Nobody completes another one's picture.
    let declared = declare(&studio.ben, PICTURES, declaration("me.png", "image/png", b"me")).await;
    send(&declared["upload"], b"me").await;
    complete(&studio.cleo, PICTURES, &declared).await.expect_error(404, "not_found");
    complete(&studio.ben, PICTURES, &declared).await.expect(200);
}
