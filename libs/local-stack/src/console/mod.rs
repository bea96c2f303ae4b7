//! The console: a page to look into the stack, an explorer of the contract, and the control interface. Their origin is not that of the API.
//!
//! The page's sources are in `libs/client-ts/console`; `npm run console` builds them into `page/`, which is committed: `make run` needs no npm.

use axum::Router;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::middleware::from_fn;
use axum::response::{Html, IntoResponse};
use axum::routing::get;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::control::{self, Control};
use crate::declaration::repository;
use crate::local_only::local_hosts_only;

/// The built page: path, content type, content.
const PAGE: [(&str, &str, &str); 7] = [
    ("/", "text/html; charset=utf-8", include_str!("page/index.html")),
    ("/pane.html", "text/html; charset=utf-8", include_str!("page/pane.html")),
    ("/assets/console.js", "text/javascript", include_str!("page/assets/console.js")),
    ("/assets/pane.js", "text/javascript", include_str!("page/assets/pane.js")),
    ("/assets/jsx-runtime.js", "text/javascript", include_str!("page/assets/jsx-runtime.js")),
    ("/assets/console.css", "text/css", include_str!("page/assets/console.css")),
    ("/assets/pane.css", "text/css", include_str!("page/assets/pane.css")),
];

/// The page loads and calls nothing but this machine, and no other origin may put it in a frame.
const PAGE_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob: http://localhost:*; \
    connect-src 'self' http://localhost:* ws://localhost:*; frame-src 'self' http://localhost:*; frame-ancestors 'self'; base-uri 'none'; form-action 'none'";

/// The same for the explorer, whose script makes styles and code of its own.
const EXPLORER_POLICY: &str = "default-src 'self' 'unsafe-inline' data: blob: http://localhost:*; \
    script-src 'self' 'unsafe-inline' 'unsafe-eval'; frame-ancestors 'self'; base-uri 'none'; form-action 'none'";

/// Serves the pages and the control interface on `listener` until the returned task is aborted.
pub(crate) fn serve(listener: TcpListener, http_url: &str, websocket_url: &str, control: Control) -> JoinHandle<()> {
    let explorer = include_str!("explorer.html").replace("__HTTP__", http_url);
    let (http_url, host) = (http_url.to_owned(), websocket_url.trim_start_matches("ws://").to_owned());
    let mut router = Router::new()
        .route("/explorer", get(async move || ([(CONTENT_SECURITY_POLICY, EXPLORER_POLICY)], Html(explorer))))
        .route("/scalar.js", get(script))
        .route("/openapi.json", get(async move || document("openapi.json", |document| document["servers"] = json!([{"url": http_url}]))))
        .route("/asyncapi.json", get(async move || document("asyncapi.json", |document| document["servers"]["local"]["host"] = json!(host))));
    for (path, kind, content) in PAGE {
        // Another build may be served at the same address tomorrow.
        let headers = [(CONTENT_TYPE, kind), (CONTENT_SECURITY_POLICY, PAGE_POLICY), (CACHE_CONTROL, "no-cache")];
        router = router.route(path, get(async move || (headers, content)));
    }
    let router = router.merge(control::router(control)).layer(from_fn(local_hosts_only));
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
