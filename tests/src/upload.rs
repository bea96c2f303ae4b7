//! Uploads to S3 and downloads from it, as a browser does them: with forms and URLs that the API gives.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::redirect::Policy;
use reqwest::{Client, Response};
use ring::digest::{SHA256, digest};
use serde_json::{Value, json};
use test_harness::form_body;

use crate::{Person, text};

/// The origin of the frontend.
const ORIGIN: &str = "http://localhost:5173";

/// The SHA-256 of some content in base64, as a declaration has it.
pub fn checksum(content: &[u8]) -> String {
    STANDARD.encode(digest(&SHA256, content))
}

/// The declaration of a file.
pub fn declaration(name: &str, media_type: &str, content: &[u8]) -> Value {
    json!({"name": name, "type": media_type, "size": content.len(), "checksum": checksum(content)})
}

/// Declares a file at this path, such as `/projects/{id}/files`. Returns the file and its forms.
///
/// # Panics
/// If the declaration is refused.
pub async fn declare(person: &Person, path: &str, declaration: Value) -> Value {
    let declared = person.post(path, declaration).await.expect(201);
    let variants = declared["variantUploads"].as_object().into_iter().flat_map(|variants| variants.values());
    for form in variants.chain([&declared["upload"]]) {
        // With these fields, anyone can upload in the person's place.
        for name in ["policy", "x-amz-signature"] {
            person.secrets.add(&text(&form["fields"][name]));
        }
    }
    declared
}

/// Posts a form with its content, as a browser does.
///
/// # Panics
/// If there is no response.
pub async fn post_form(form: &Value, content: &[u8]) -> Response {
    let fields: Vec<_> = form["fields"].as_object().into_iter().flatten().map(|(name, value)| (name.as_str(), text(value))).collect();
    let (content_type, body) = form_body(fields.iter().map(|(name, value)| (*name, value.as_str())), content);
    let request = Client::new().post(text(&form["url"])).header("content-type", content_type).header("origin", ORIGIN);
    request.body(body).send().await.unwrap_or_else(|error| panic!("no answer: {error}"))
}

/// Posts a form with its content.
///
/// # Panics
/// If S3 refuses it.
pub async fn send(form: &Value, content: &[u8]) {
    let answer = post_form(form, content).await;
    assert_eq!(answer.status(), 204, "{}", answer.text().await.unwrap_or_default());
}

/// Posts a form with its content, which S3 must refuse with this status and code.
///
/// # Panics
/// If it does not.
pub async fn refused(form: &Value, content: &[u8], status: u16, code: &str) {
    let answer = post_form(form, content).await;
    let (found, text) = (answer.status().as_u16(), answer.text().await.unwrap_or_default());
    assert!(found == status && text.contains(&format!("<Code>{code}</Code>")), "{status} {code} expected, not {found} {text}");
}

/// Declares a file at this path, uploads it and completes it. Returns what the completion returns.
///
/// # Panics
/// If one of the steps is refused.
pub async fn upload(person: &Person, path: &str, name: &str, media_type: &str, content: &[u8]) -> Value {
    let declared = declare(person, path, declaration(name, media_type, content)).await;
    send(&declared["upload"], content).await;
    person.request(reqwest::Method::POST, &completion(path, &declared), &[], None).await.expect(200)
}

/// The path at which a declared file is completed.
pub fn completion(path: &str, declared: &Value) -> String {
    format!("{path}/{}/complete", text(&declared["file"]["fileId"]))
}

/// The URL of a download at this path, such as `/projects/{id}/files/{fileId}`.
///
/// # Panics
/// If the download is refused.
pub async fn download_url(person: &Person, path: &str) -> String {
    let url = text(&person.get(path).await.expect(200)["url"]);
    person.secrets.add(url.split_once("X-Amz-Signature=").map_or("", |(_, signature)| signature.split('&').next().unwrap_or_default()));
    url
}

/// The content of a download at this path.
///
/// # Panics
/// If the download is refused.
pub async fn download(person: &Person, path: &str) -> Vec<u8> {
    let answer = fetch(&download_url(person, path).await).await;
    assert_eq!(answer.status(), 200, "{}", answer.text().await.unwrap_or_default());
    answer.bytes().await.unwrap_or_default().to_vec()
}

/// Requests a URL of a download.
///
/// # Panics
/// If there is no response.
pub async fn fetch(url: &str) -> Response {
    Client::new().get(url).header("origin", ORIGIN).send().await.unwrap_or_else(|error| panic!("no answer: {error}"))
}

/// The same person, whose client does not follow redirects.
///
/// # Panics
/// If there is no such client.
pub fn without_redirects(person: &Person) -> Person {
    let http = Client::builder().redirect(Policy::none()).build().unwrap_or_else(|error| panic!("no client: {error}"));
    Person { http, ..person.clone() }
}
