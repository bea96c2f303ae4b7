//! Uploads files as a browser does: with a presigned form.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::StatusCode;
use ring::digest::{SHA256, digest};
use serde_json::{Value, json};

use crate::{Person, text};

/// Separates the fields of a form. No content of a test has it.
const BOUNDARY: &str = "------------------------a-boundary-of-the-suite";

/// The declaration of a file with this content.
pub fn declaration(name: &str, media_type: &str, content: &[u8]) -> Value {
    let checksum = STANDARD.encode(digest(&SHA256, content));
    json!({"name": name, "type": media_type, "size": content.len(), "checksum": checksum})
}

/// Posts a presigned form with a content. Returns the status and the body of S3.
///
/// # Panics
/// If S3 cannot be reached.
pub async fn post_form(upload: &Value, content: &[u8]) -> (StatusCode, String) {
    let mut body = Vec::new();
    for (name, value) in upload["fields"].as_object().expect("fields") {
        let part = format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{}\r\n", text(value));
        body.extend_from_slice(part.as_bytes());
    }
    body.extend_from_slice(format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"f\"\r\n\r\n").as_bytes());
    body.extend_from_slice(content);
    body.extend_from_slice(format!("\r\n--{BOUNDARY}--\r\n").as_bytes());
    let request = reqwest::Client::new().post(text(&upload["url"])).header("content-type", format!("multipart/form-data; boundary={BOUNDARY}"));
    let response = request.body(body).send().await.expect("S3");
    (response.status(), response.text().await.unwrap_or_default())
}

/// Declares, uploads and completes a file below this path. Returns the answer of the completion.
///
/// # Panics
/// If a step is refused.
pub async fn upload(person: &Person, path: &str, name: &str, content: &[u8]) -> Value {
    let made = person.post(path, declaration(name, "image/png", content)).await.expect(201);
    let (status, body) = post_form(&made["upload"], content).await;
    assert_eq!(status, StatusCode::NO_CONTENT, "{body}");
    let complete = format!("{path}/{}/complete", text(&made["file"]["fileId"]));
    person.request(reqwest::Method::POST, &complete, &[], None).await.expect(200)
}
