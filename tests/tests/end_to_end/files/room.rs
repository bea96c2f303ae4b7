//! The limits: of one file, and of all files of a project.

use end_to_end::upload::{declaration, declare, upload};
use futures_util::future::join_all;
use serde_json::{Value, json};

use super::Studio;

#[tokio::test(flavor = "multi_thread")]
async fn parallel_declarations_never_exceed_the_limit() {
    let studio = Studio::start_with(&[("FILE_MAX_BYTES", "1000"), ("PROJECT_FILES_MAX_BYTES", "5500")]).await;
    let content = vec![b'x'; 1000];
    let wanted = declaration("x.txt", "text/plain", &content);
    let answers = join_all((0..16).map(|number| {
        let (person, wanted) = (if number % 2 == 0 { &studio.ana } else { &studio.ben }, wanted.clone());
        let path = &studio.files;
        async move {
            loop {
                let answer = person.post(path, wanted.clone()).await;
                // So many at once may be asked to try again.
                if answer.status != 503 {
                    return answer;
                }
            }
        }
    }))
    .await;
    let declared: Vec<Value> = answers.iter().filter(|answer| answer.status == 201).map(|answer| answer.body.clone()).collect();
    assert_eq!(declared.len(), 5, "{answers:?}");
    for answer in answers.into_iter().filter(|answer| answer.status != 201) {
        answer.expect_error(409, "conflict");
    }
    // A deletion gives room back, to the byte.
    studio.ana.delete(&studio.path(&declared[0])).await.expect(204);
    studio.ana.post(&studio.files, declaration("y.txt", "text/plain", &content)).await.expect(201);
    studio.ana.post(&studio.files, declaration("z.txt", "text/plain", &content[..501])).await.expect_error(409, "conflict");
    let last = upload(&studio.ana, &studio.files, "z.txt", "text/plain", &content[..500]).await;
    studio.ana.post(&studio.files, declaration("o.txt", "text/plain", b"o")).await.expect_error(409, "conflict");
    // So does the deletion of a completed file, and two deletions at once give it back once.
    let path = studio.path(&last);
    let deleted = join_all([studio.ana.delete(&path), studio.ben.delete(&path)]).await;
    let mut statuses: Vec<u16> = deleted.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [204, 404]);
    studio.ana.post(&studio.files, declaration("z.txt", "text/plain", &content[..501])).await.expect_error(409, "conflict");
    declare(&studio.ana, &studio.files, declaration("z.txt", "text/plain", &content[..500])).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_has_a_largest_size_and_variants_count() {
    let studio = Studio::start_with(&[("FILE_MAX_BYTES", "1000"), ("PROJECT_FILES_MAX_BYTES", "1500")]).await;
    let answer = studio.ben.post(&studio.files, declaration("x.txt", "text/plain", &[0; 1001])).await;
    assert_eq!(answer.pointers(), ["/size"], "{}", answer.body);
    answer.expect_error(422, "validation_failed");
    studio.ben.post(&studio.files, declaration("x.txt", "text/plain", b"")).await.expect_error(422, "validation_failed");
    let mut wanted = declaration("x.png", "image/png", &[0; 1000]);
    wanted["variants"] = json!([{"variant": "small", "type": "image/png", "size": 501, "checksum": end_to_end::upload::checksum(&[0; 501])}]);
    studio.ben.post(&studio.files, wanted.clone()).await.expect_error(409, "conflict");
    wanted["variants"][0]["size"] = json!(500);
    declare(&studio.ben, &studio.files, wanted).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn conversations_and_people_have_limits_too() {
    let studio = Studio::start_with(&[("CONVERSATION_FILES_MAX_BYTES", "1000")]).await;
    let files = format!("/messages/conversations/{}/files", studio.world.direct(&studio.ana, &studio.ben).await);
    declare(&studio.ana, &files, declaration("x.txt", "text/plain", &[0; 1000])).await;
    studio.ben.post(&files, declaration("y.txt", "text/plain", b"y")).await.expect_error(409, "conflict");
    // Fifty megabytes of pictures a person, five megabytes each.
    let mut picture = declaration("me.png", "image/png", b"x");
    picture["size"] = json!(5_000_000);
    for _ in 0..10 {
        declare(&studio.cleo, "/auth/me/thumbnail", picture.clone()).await;
    }
    studio.cleo.post("/auth/me/thumbnail", picture).await.expect_error(409, "conflict");
}
