//! A real browser, driven over its debugging protocol. It shows what a page sees and an HTTP client does not.

use std::process::Stdio;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

/// The program names of Chromium on different systems.
const NAMES: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
/// The maximum time for one operation of the browser.
const PATIENCE: Duration = Duration::from_mins(1);

/// A page in its own browser.
pub struct Page {
    socket: WebSocketStream<MaybeTlsStream<tokio::net::TcpStream>>,
    calls: u64,
    /// The browser, which ends together with the page.
    _browser: Child,
    _profile: tempfile::TempDir,
}

impl Page {
    /// Opens a page at this address. `None`, with a printed line, if there is no Chromium.
    ///
    /// # Panics
    /// If the browser fails, and in CI also if no browser is installed.
    pub async fn open(address: &str) -> Option<Self> {
        let profile = tempfile::tempdir().expect("a folder");
        let start = |name: &str| {
            #[expect(clippy::disallowed_methods, reason = "the browser is no program of this repository")]
            Command::new(name)
                .args(["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--remote-debugging-port=0"])
                .arg(format!("--user-data-dir={}", profile.path().display()))
                .arg("about:blank")
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::piped())
                .kill_on_drop(true)
                .spawn()
                .ok()
        };
        let Some(mut browser) = NAMES.iter().find_map(|name| start(name)) else {
            assert!(std::env::var_os("CI").is_none(), "there is no Chromium");
            local_stack::config::print_line("skipped: there is no Chromium");
            return None;
        };
        let mut lines = BufReader::new(browser.stderr.take().expect("a pipe")).lines();
        let endpoint = tokio::time::timeout(PATIENCE, async {
            loop {
                let line = lines.next_line().await.expect("a readable pipe").expect("the browser runs");
                if let Some((_, endpoint)) = line.split_once("DevTools listening on ws://") {
                    return endpoint.split('/').next().unwrap_or_default().to_owned();
                }
            }
        });
        let endpoint = endpoint.await.expect("the browser starts");
        // The rest of the output must be read, because a full pipe would stop the browser.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        let targets: Value = reqwest::get(format!("http://{endpoint}/json/list")).await.expect("targets").json().await.expect("JSON");
        let page = targets.as_array().into_iter().flatten().find(|target| target["type"] == "page").expect("a page");
        let (socket, _) = connect_async(page["webSocketDebuggerUrl"].as_str().expect("an address")).await.expect("the page can be driven");
        let mut page = Self { socket, calls: 0, _browser: browser, _profile: profile };
        page.call("Page.enable", json!({})).await;
        page.call("Page.navigate", json!({"url": address})).await;
        page.until("Page.loadEventFired").await;
        Some(page)
    }

    /// Runs a script in the page and returns its value. A promise is awaited.
    ///
    /// # Panics
    /// If the script throws.
    pub async fn run(&mut self, script: &str) -> Value {
        let answer = self.call("Runtime.evaluate", json!({"expression": script, "awaitPromise": true, "returnByValue": true})).await;
        assert!(answer.get("exceptionDetails").is_none(), "{script}: {answer}");
        answer["result"]["value"].clone()
    }

    async fn call(&mut self, method: &str, params: Value) -> Value {
        self.calls += 1;
        let id = self.calls;
        let call = json!({"id": id, "method": method, "params": params}).to_string();
        self.socket.send(Message::text(call)).await.expect("the browser listens");
        loop {
            let message = self.next().await;
            if message["id"] == json!(id) {
                return message["result"].clone();
            }
        }
    }

    async fn until(&mut self, event: &str) {
        while self.next().await["method"] != event {}
    }

    async fn next(&mut self) -> Value {
        let message = tokio::time::timeout(PATIENCE, self.socket.next()).await.expect("the browser answers");
        let message = message.expect("the browser runs").expect("a message");
        serde_json::from_str(message.to_text().unwrap_or_default()).unwrap_or_default()
    }
}
