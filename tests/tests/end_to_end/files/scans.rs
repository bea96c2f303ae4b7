//! Downloads that wait for the malware scan.

use end_to_end::upload::download;
use objects::scan::SCAN_TAG;

use super::{CONTENT, Studio};

#[tokio::test(flavor = "multi_thread")]
async fn files_of_each_kind_wait_for_the_scan() {
    let studio = Studio::start_with(&[("MALWARE_SCAN", "on")]).await;
    for path in studio.one_of_each_kind().await {
        studio.ana.get(&path).await.expect_error(409, "conflict");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_download_waits_until_the_file_is_found_clean() {
    let studio = Studio::start_with(&[("MALWARE_SCAN", "on")]).await;
    let path = studio.path(&studio.uploaded().await);
    let [key] = <[String; 1]>::try_from(studio.objects().await).unwrap();
    let tag = |status: &str| assert!(studio.world.stack().objects.set_tag("files", &key, SCAN_TAG, status).unwrap());
    studio.cleo.get(&path).await.expect_error(409, "conflict");
    assert_eq!(studio.listed().await.len(), 1, "it is listed already");
    for refusal in ["THREATS_FOUND", "FAILED"] {
        tag(refusal);
        let answer = studio.cleo.get(&path).await;
        assert!(answer.body.get("url").is_none(), "{}", answer.body);
        answer.expect_error(409, "conflict");
    }
    tag("NO_THREATS_FOUND");
    assert_eq!(download(&studio.cleo, &path).await, CONTENT);
    // What was found is deleted as other files are.
    tag("THREATS_FOUND");
    studio.ben.delete(&path).await.expect(204);
    assert!(studio.objects().await.is_empty());
}
