//! Files from the declaration to the download, as the people of a project use them.

mod pictures;
mod refusals;
mod removals;
mod room;
mod scans;

use end_to_end::upload::{completion, declaration, declare, download, download_url, fetch, send, upload, without_redirects};
use end_to_end::{Answer, Person, TestStack, text};
use local_stack::config::Options;
use reqwest::Method;
use serde_json::{Value, json};

/// The content of most files. It has what separates the fields of a form.
const CONTENT: &[u8] = b"%PDF-1.7\r\n------WebKitFormBoundary\r\n\x00\xff\r\n--\r\n";

/// A project of Ana's with an editor and a viewer. Dana is not in its team.
struct Studio {
    world: TestStack,
    ana: Person,
    ben: Person,
    cleo: Person,
    dana: Person,
    project: String,
    /// `/projects/{id}/files`
    files: String,
}

impl Studio {
    async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// With these variables of the functions.
    async fn start_with(passed: &[(&str, &str)]) -> Self {
        let mut options = Options::for_tests();
        options.passed.extend(passed.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let world = TestStack::start_with(options).await;
        let [ana, ben, cleo, dana] = [world.login("ana").await, world.login("ben").await, world.login("cleo").await, world.login("dana").await];
        let project = world.project(&ana, "Atrium", &[(&ben, "editor"), (&cleo, "viewer")]).await;
        let files = format!("/projects/{project}/files");
        Self { world, ana, ben, cleo, dana, project, files }
    }

    /// The path of a file that was declared or completed.
    fn path(&self, file: &Value) -> String {
        let file = if file["file"].is_null() { file } else { &file["file"] };
        format!("{}/{}", self.files, text(&file["fileId"]))
    }

    /// A file that Ben has uploaded.
    async fn uploaded(&self) -> Value {
        upload(&self.ben, &self.files, "plan.pdf", "application/pdf", CONTENT).await
    }

    /// Files that Ben has uploaded and Ana may see, of a project, a conversation and a person: their paths.
    async fn one_of_each_kind(&self) -> [String; 3] {
        let files = format!("/messages/conversations/{}/files", self.world.direct(&self.ana, &self.ben).await);
        let file = upload(&self.ben, &files, "plan.pdf", "application/pdf", CONTENT).await;
        upload(&self.ben, "/auth/me/thumbnail", "me.png", "image/png", CONTENT).await;
        let of_project = self.path(&self.uploaded().await);
        [of_project, format!("{files}/{}", text(&file["fileId"])), format!("/auth/users/{}/thumbnail", self.ben.id)]
    }

    /// The keys of all objects, after all work in the background.
    async fn objects(&self) -> Vec<String> {
        self.world.settled().await;
        self.world.stack().objects.keys("files")
    }

    /// The listed files.
    async fn listed(&self) -> Vec<Value> {
        listed(&self.cleo, &self.files).await
    }
}

/// The first page of files at this path.
async fn listed(person: &Person, path: &str) -> Vec<Value> {
    person.get(path).await.expect(200)["items"].as_array().unwrap().clone()
}

/// Completes an upload.
async fn complete(person: &Person, path: &str, declared: &Value) -> Answer {
    bare_post(person, &completion(path, declared)).await
}

/// A `POST` without a body.
async fn bare_post(person: &Person, path: &str) -> Answer {
    person.request(Method::POST, path, &[], None).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_uploaded_file_is_listed_and_downloaded_by_others() {
    let studio = Studio::start().await;
    let mut socket = studio.cleo.connect().await;
    let file = upload(&studio.ben, &studio.files, "plan \u{202e}ü\".pdf", "application/pdf", CONTENT).await;
    assert_eq!((&file["size"], &file["uploadedBy"], &file["messageId"]), (&json!(CONTENT.len()), &json!(studio.ben.id), &Value::Null));
    assert_eq!(studio.listed().await, std::slice::from_ref(&file));
    let url = download_url(&studio.cleo, &studio.path(&file)).await;
    let answer = fetch(&url).await;
    let header = |name: &str| answer.headers()[name].to_str().unwrap().to_owned();
    assert_eq!((answer.status().as_u16(), header("content-type")), (200, "application/pdf".to_owned()));
    let disposition = header("content-disposition");
    assert!(disposition.starts_with("attachment; filename=\"plan __") && disposition.contains("filename*=UTF-8''plan%20%C3%BC"), "{disposition}");
    assert_eq!(answer.bytes().await.unwrap(), CONTENT);
    // The URL is for this file, as a download, and for nothing else.
    let inline = url.replace("attachment", "inline");
    assert_ne!(inline, url);
    assert_eq!(fetch(&inline).await.status(), 403);
    // A second completion changes nothing.
    assert_eq!(bare_post(&studio.ben, &format!("{}/complete", studio.path(&file))).await.expect(200), file);
    studio.world.settled().await;
    socket.drain().await;
    let told = socket.notifications.iter().filter(|frame| frame["notification"]["fileId"] == file["fileId"]).count();
    assert_eq!(told, 1, "the team is told once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_may_be_a_redirect() {
    let studio = Studio::start().await;
    let ana = without_redirects(&studio.ana);
    for path in studio.one_of_each_kind().await {
        let answer = ana.request(Method::GET, &path, &[("prefer", "return=minimal")], None).await;
        assert_eq!((answer.status, &answer.body), (302, &Value::Null));
        assert_eq!(fetch(answer.header("location")).await.bytes().await.unwrap(), CONTENT);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_has_its_variants() {
    let studio = Studio::start().await;
    let small = json!({"variant": "small", "type": "image/webp", "size": 5, "checksum": end_to_end::upload::checksum(b"small")});
    let mut wanted = declaration("view.png", "image/png", CONTENT);
    wanted["variants"] = json!([small]);
    let declared = declare(&studio.ben, &studio.files, wanted).await;
    send(&declared["upload"], CONTENT).await;
    complete(&studio.ben, &studio.files, &declared).await.expect_error(409, "conflict");
    send(&declared["variantUploads"]["small"], b"small").await;
    let file = complete(&studio.ben, &studio.files, &declared).await.expect(200);
    assert_eq!(file["variants"], json!([{"variant": "small", "type": "image/webp", "size": 5}]));
    let path = studio.path(&file);
    assert_eq!(download(&studio.cleo, &format!("{path}?variant=small")).await, b"small");
    assert_eq!(download(&studio.cleo, &path).await, CONTENT);
    studio.cleo.get(&format!("{path}?variant=large")).await.expect_error(404, "not_found");
    assert_eq!(studio.objects().await.len(), 2);
    studio.ben.delete(&path).await.expect(204);
    assert!(studio.objects().await.is_empty(), "the variant goes with it");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_team_sees_files_and_viewers_do_not_write() {
    let studio = Studio::start().await;
    let file = studio.uploaded().await;
    let path = studio.path(&file);
    let other = studio.world.project(&studio.dana, "Loft", &[]).await;
    let elsewhere = format!("/projects/{other}/files/{}", text(&file["fileId"]));
    let wanted = declaration("a.txt", "text/plain", b"a");
    for (person, status, code) in [(&studio.dana, 404, "not_found"), (&studio.cleo, 403, "forbidden")] {
        person.post(&studio.files, wanted.clone()).await.expect_error(status, code);
        bare_post(person, &format!("{path}/complete")).await.expect_error(status, code);
        person.delete(&path).await.expect_error(status, code);
    }
    for unseen in [&studio.files, &path] {
        studio.dana.get(unseen).await.expect_error(404, "not_found");
        studio.cleo.get(unseen).await.expect(200);
    }
    // Nor by way of a project of one's own.
    studio.dana.get(&elsewhere).await.expect_error(404, "not_found");
    studio.dana.delete(&elsewhere).await.expect_error(404, "not_found");
    // Nobody completes what another one uploads.
    let declared = declare(&studio.ben, &studio.files, wanted).await;
    send(&declared["upload"], b"a").await;
    complete(&studio.ana, &studio.files, &declared).await.expect_error(404, "not_found");
    complete(&studio.ben, &studio.files, &declared).await.expect(200);
    // Who leaves the team loses the files.
    studio.ana.delete(&format!("/projects/{}/team/{}", studio.project, studio.ben.id)).await;
    studio.ben.get(&path).await.expect_error(404, "not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_project_shows_its_own_files_only() {
    let studio = Studio::start().await;
    let project = format!("/projects/{}", studio.project);
    let thumbnails = |file: &Value| json!({"thumbnails": [file["fileId"]]});
    let file = studio.uploaded().await;
    let shown = studio.ben.patch(&project, thumbnails(&file)).await.expect(200);
    assert_eq!(shown["thumbnails"], json!([file["fileId"]]));
    let other = studio.world.project(&studio.ben, "Loft", &[]).await;
    let foreign = upload(&studio.ben, &format!("/projects/{other}/files"), "a.txt", "text/plain", b"a").await;
    let pending = declare(&studio.ben, &studio.files, declaration("b.txt", "text/plain", b"b")).await["file"].clone();
    for unusable in [foreign, pending] {
        let answer = studio.ben.patch(&project, thumbnails(&unusable)).await;
        assert_eq!(answer.pointers(), ["/thumbnails/0"], "{}", answer.body);
        answer.expect_error(422, "validation_failed");
    }
    assert_eq!(studio.cleo.get(&project).await.expect(200)["thumbnails"], json!([file["fileId"]]));
}
