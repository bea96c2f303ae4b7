//! A page to try the backend by hand. Its origin is not the API's.

use axum::Router;
use axum::response::Html;
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// Serves the page on `listener` until the returned task is aborted.
pub fn serve(listener: TcpListener, http_url: &str, websocket_url: &str) -> JoinHandle<()> {
    let page = include_str!("console.html").replace("__HTTP__", http_url).replace("__WS__", websocket_url);
    let router = Router::new().route("/", get(async move || Html(page)));
    tokio::spawn(async move {
        let _ = axum::serve(listener, router).await;
    })
}
