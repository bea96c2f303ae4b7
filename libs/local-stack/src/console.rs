//! A page for manual tests of the backend, and an explorer of its contract. Their origin is not that of the API.

use axum::Router;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{Html, IntoResponse};
use axum::routing::get;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::control::{self, Control};
use crate::declaration::repository;

/// Serves the pages and the control interface on `listener` until the returned task is aborted.
pub(crate) fn serve(listener: TcpListener, http_url: &str, websocket_url: &str, control: Control) -> JoinHandle<()> {
    let with_addresses = |page: &str| page.replace("__HTTP__", http_url).replace("__WS__", websocket_url);
    let (console, explorer) = (with_addresses(include_str!("console.html")), with_addresses(include_str!("explorer.html")));
    let (http_url, host) = (http_url.to_owned(), websocket_url.trim_start_matches("ws://").to_owned());
    let router = Router::new()
        .route("/", get(async move || Html(console)))
        .route("/explorer", get(async move || Html(explorer)))
        .route("/scalar.js", get(script))
        .route("/openapi.json", get(async move || document("openapi.json", |document| document["servers"] = json!([{"url": http_url}]))))
        .route("/asyncapi.json", get(async move || document("asyncapi.json", |document| document["servers"]["local"]["host"] = json!(host))))
        .merge(control::router(control));
    tokio::spawn(async move {
        let _ = axum::serve(listener, router).await;
    })
}

/// The explorer's own script.
async fn script() -> impl IntoResponse {
    match scalar_api_reference::get_asset_with_mime("scalar.js") {
        Some((kind, text)) => ([(CONTENT_TYPE, kind)], text).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

/// A document of the contract as it is now in `docs/`, with the addresses of this stack.
fn document(name: &str, change: impl FnOnce(&mut Value)) -> axum::response::Response {
    let text = std::fs::read_to_string(repository().join("docs").join(name)).unwrap_or_default();
    let Ok(mut document) = serde_json::from_str::<Value>(&text) else { return StatusCode::NOT_FOUND.into_response() };
    change(&mut document);
    axum::Json(document).into_response()
}
