//! How a page in a browser uploads and downloads a large file.

use end_to_end::upload::{completion, download_url};
use end_to_end::{Page, TestStack};
use reqwest::Method;
use serde_json::{Value, json};

/// The size of the file, in bytes.
const SIZE: usize = 50_000_000;

/// What the page does: content, its checksum, and an upload with progress, which may be aborted after its first progress.
const SCRIPT: &str = "
    const content = new Uint8Array(SIZE)
    for (let at = 0; at < content.length; at += 65536) crypto.getRandomValues(content.subarray(at, Math.min(at + 65536, content.length)))
    const digest = async bytes => btoa(String.fromCharCode(...new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))))
    const upload = (form, abort) => new Promise(resolve => {
        const body = new FormData()
        for (const [name, value] of Object.entries(form.fields)) body.append(name, value)
        body.append('file', new Blob([content]))
        const request = new XMLHttpRequest(), progress = []
        const end = how => () => resolve({ how, status: request.status, progress: progress.length, last: progress.at(-1) })
        request.upload.onprogress = event => {
            progress.push(event.loaded)
            if (abort && event.loaded > 0) request.abort()
        }
        Object.assign(request, { onload: end('load'), onerror: end('error'), onabort: end('abort') })
        request.open('POST', form.url)
        request.send(body)
    })
    const download = async url => {
        const bytes = await (await fetch(url)).arrayBuffer()
        return { size: bytes.byteLength, checksum: await digest(bytes) }
    }
    Object.assign(window, { digest, upload, download, content })
    digest(content)";

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_uploads_a_large_file_and_another_downloads_it() {
    let world = TestStack::start().await;
    let (ana, ben) = (world.login("ana").await, world.login("ben").await);
    let Some(mut page) = Page::open(&world.stack().console_url).await else { return };
    let path = format!("/projects/{}/files", world.project(&ana, "Atrium", &[(&ben, "viewer")]).await);
    let checksum = page.run(&SCRIPT.replace("SIZE", &SIZE.to_string())).await;
    let wanted = json!({"name": "film.mp4", "type": "video/mp4", "size": SIZE, "checksum": checksum});
    let declared = end_to_end::upload::declare(&ana, &path, wanted).await;
    let completed_at = completion(&path, &declared);
    let complete = || ana.request(Method::POST, &completed_at, &[], None);
    let aborted = page.run(&format!("upload({}, true)", declared["upload"])).await;
    assert_eq!(aborted["how"], json!("abort"), "{aborted}");
    complete().await.expect_error(409, "conflict");
    assert!(world.stack().objects.keys("files").is_empty());
    let sent = page.run(&format!("upload({}, false)", declared["upload"])).await;
    assert_eq!((&sent["how"], &sent["status"]), (&json!("load"), &json!(204)), "{sent}");
    assert!(sent["progress"].as_u64() > Some(1) && sent["last"].as_u64() >= u64::try_from(SIZE).ok(), "{sent}");
    let file = complete().await.expect(200);
    let url = download_url(&ben, &format!("{path}/{}", end_to_end::text(&file["fileId"]))).await;
    let Some(mut other) = Page::open(&world.stack().console_url).await else { return };
    other.run(&SCRIPT.replace("SIZE", "1")).await;
    let found = other.run(&format!("download({})", Value::from(url))).await;
    assert_eq!(found, json!({"size": SIZE, "checksum": checksum}));
}
