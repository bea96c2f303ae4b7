//! The stand-in for Amazon SES: it takes every mail, and shows it on a page and as JSON. No mail leaves this machine.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use axum::body::Bytes;
use axum::extract::{FromRef, Path, Query, State};
use axum::http::header::{AUTHORIZATION, CONTENT_SECURITY_POLICY, HOST};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::from_fn;
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use shared_utils::clock::Timestamp;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::clock::StackClock;
use crate::credentials::CredentialStore;
use crate::local_only::local_hosts_only;

/// The number of mails that are kept. The oldest ones go.
const KEPT: usize = 1_000;

/// A mail that was sent.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CaughtMail {
    /// Counts from 1.
    pub id: u64,
    /// When it was sent.
    pub at: Timestamp,
    /// The sender.
    pub from: String,
    /// The address to which it was sent.
    pub to: String,
    /// The subject.
    pub subject: String,
    /// The text.
    pub text: String,
    /// The same as HTML.
    pub html: String,
}

/// All mails that were sent. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct MailBox(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    mails: VecDeque<CaughtMail>,
    sent: u64,
    failures: usize,
    clock: StackClock,
}

impl MailBox {
    /// An empty box whose mails have the time of this clock.
    pub(crate) fn of(clock: StackClock) -> Self {
        Self(Arc::new(Mutex::new(Inner { clock, ..Inner::default() })))
    }

    /// The mails to this address, or all mails. The newest comes first.
    pub fn mails(&self, to: Option<&str>) -> Vec<CaughtMail> {
        self.with(|inner| inner.mails.iter().rev().filter(|mail| to.is_none_or(|to| mail.to == to)).cloned().collect())
    }

    /// Refuses the next `count` requests with 503.
    pub fn fail_next(&self, count: usize) {
        self.with(|inner| inner.failures = count);
    }

    /// Removes all mails.
    pub fn clear(&self) {
        self.with(|inner| inner.mails.clear());
    }

    fn with<T>(&self, work: impl FnOnce(&mut Inner) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether this request is to fail.
    fn takes_failure(&self) -> bool {
        self.with(|inner| {
            let fails = inner.failures > 0;
            inner.failures = inner.failures.saturating_sub(1);
            fails
        })
    }

    fn keep(&self, request: SendEmail) -> u64 {
        let SendEmail { from_email_address, destination, content } = request;
        self.with(|inner| {
            for to in destination.to_addresses {
                inner.sent += 1;
                if inner.mails.len() == KEPT {
                    inner.mails.pop_front();
                }
                let Simple { subject, body } = content.simple.clone();
                inner.mails.push_back(CaughtMail {
                    id: inner.sent,
                    at: inner.clock.now(),
                    from: from_email_address.clone(),
                    to,
                    subject: subject.data,
                    text: body.text.data,
                    html: body.html.data,
                });
            }
            inner.sent
        })
    }
}

/// The request of SES's `SendEmail`, as far as it is used.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SendEmail {
    from_email_address: String,
    destination: Destination,
    content: Content,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Destination {
    to_addresses: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Content {
    simple: Simple,
}

#[derive(Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Simple {
    subject: Part,
    body: MailBody,
}

#[derive(Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct MailBody {
    text: Part,
    html: Part,
}

#[derive(Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Part {
    data: String,
}

/// What the routes share.
#[derive(Clone)]
struct Catcher {
    mails: MailBox,
    credentials: CredentialStore,
}

impl FromRef<Catcher> for MailBox {
    fn from_ref(catcher: &Catcher) -> Self {
        catcher.mails.clone()
    }
}

/// Serves SES's interface, the page and the JSON on `listener` until the returned task is aborted.
pub fn serve(listener: TcpListener, mails: MailBox, credentials: CredentialStore) -> JoinHandle<()> {
    let router = Router::new()
        .route("/v2/email/outbound-emails", post(send))
        .route("/", get(page))
        .route("/mails", get(list).delete(clear))
        .route("/mails/{id}/html", get(html))
        .layer(from_fn(local_hosts_only))
        .with_state(Catcher { mails, credentials });
    tokio::spawn(async move {
        let _ = axum::serve(listener, router).await;
    })
}

async fn send(State(Catcher { mails, credentials }): State<Catcher>, headers: HeaderMap, body: Bytes) -> Response {
    if !is_signed(&credentials, &headers, &body) {
        return refusal(StatusCode::FORBIDDEN, "InvalidSignatureException");
    }
    if mails.takes_failure() {
        return refusal(StatusCode::SERVICE_UNAVAILABLE, "ServiceUnavailable");
    }
    match serde_json::from_slice::<SendEmail>(&body) {
        Ok(request) => Json(json!({"MessageId": format!("local-{}", mails.keep(request))})).into_response(),
        Err(error) => refusal(StatusCode::BAD_REQUEST, &format!("BadRequestException: {error}")),
    }
}

fn refusal(status: StatusCode, message: &str) -> Response {
    (status, Json(json!({"message": message}))).into_response()
}

/// Whether the request has the signature of credentials that were given out.
fn is_signed(credentials: &CredentialStore, headers: &HeaderMap, body: &[u8]) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let Some((time, given)) = text("x-amz-date").and_then(time_of).zip(text(AUTHORIZATION.as_str())) else { return false };
    if SystemTime::now().duration_since(time).unwrap_or_else(|early| early.duration()).as_secs() > 15 * 60 {
        return false;
    }
    let part = |name: &str| given.split([' ', ',']).find_map(|part| part.strip_prefix(name)?.strip_prefix('='));
    let (Some(credential), Some(names), Some(signature)) = (part("Credential"), part("SignedHeaders"), part("Signature")) else { return false };
    let scope: Vec<&str> = credential.split('/').collect();
    let [key_id, _, region, "ses", "aws4_request"] = scope[..] else { return false };
    let Some(role) = credentials.find(key_id).filter(|role| text("x-amz-security-token") == Some(role.session_token.as_str())) else { return false };
    let identity = Credentials::new(key_id, role.secret_key, Some(role.session_token), None, "local").into();
    let added = ["x-amz-date", "x-amz-security-token"];
    let signed: Vec<(&str, &str)> = names.split(';').filter(|name| !added.contains(name)).filter_map(|name| Some((name, text(name)?))).collect();
    let params = v4::SigningParams::builder().identity(&identity).region(region).name("ses").time(time).settings(SigningSettings::default()).build();
    let url = format!("http://{}/v2/email/outbound-emails", text(HOST.as_str()).unwrap_or_default());
    let request = SignableRequest::new("POST", url, signed.into_iter(), SignableBody::Bytes(body));
    let (Ok(params), Ok(request)) = (params, request) else { return false };
    sign(request, &params.into()).is_ok_and(|output| output.signature() == signature)
}

/// The time of `20261128T101112Z`.
fn time_of(text: &str) -> Option<SystemTime> {
    let text = text.strip_suffix('Z').filter(|text| text.len() == 15 && text.is_ascii())?;
    let (date, time) = text.split_once('T')?;
    let iso = format!("{}-{}-{}T{}:{}:{}Z", &date[..4], &date[4..6], &date[6..], &time[..2], &time[2..4], &time[4..]);
    let millis = iso.parse::<Timestamp>().ok()?.millis();
    Some(SystemTime::UNIX_EPOCH + std::time::Duration::from_millis(millis.try_into().ok()?))
}

#[derive(Deserialize)]
struct Filter {
    to: Option<String>,
}

async fn list(State(mails): State<MailBox>, Query(filter): Query<Filter>) -> Json<Value> {
    Json(json!({"items": mails.mails(filter.to.as_deref())}))
}

async fn clear(State(mails): State<MailBox>) -> StatusCode {
    mails.clear();
    StatusCode::NO_CONTENT
}

async fn page() -> Html<&'static str> {
    Html(include_str!("mail.html"))
}

/// A mail as its reader sees it. It runs no script and loads nothing.
async fn html(State(mails): State<MailBox>, Path(id): Path<u64>) -> Response {
    match mails.mails(None).into_iter().find(|mail| mail.id == id) {
        Some(mail) => {
            // Links open in a tab of their own, where the app may run scripts.
            let policy = "default-src 'none'; style-src 'unsafe-inline'; sandbox allow-popups allow-popups-to-escape-sandbox; \
                frame-ancestors 'self' http://localhost:* http://127.0.0.1:*";
            ([(CONTENT_SECURITY_POLICY, policy)], Html(format!("<base target=\"_blank\">{}", mail.html))).into_response()
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}
