//! A sandbox: one process of a function's binary, one event at a time.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::sync::watch;

use super::runtime_api::RuntimeApi;
use crate::credentials::RoleCredentials;
use crate::programs;

/// The maximum time from the start of a process to its first request for an event.
const INIT_LIMIT: Duration = Duration::from_secs(10);

/// Receives the lines that a function writes: the function's name, then the line.
pub type LineSink = Arc<dyn Fn(&str, &str) + Send + Sync>;

pub(super) struct Sandbox {
    pub(super) api: RuntimeApi,
    /// The access key that signs the sandbox's calls, and identifies them.
    pub(super) access_key: String,
    /// When the binary was built.
    pub(super) built_at: Option<SystemTime>,
    /// The offset of the stack's clock when it was started.
    pub(super) clock_offset_ms: i64,
    /// Becomes true when the process has ended.
    pub(super) ended: watch::Receiver<bool>,
    kill: Arc<tokio::sync::Notify>,
}

/// When a file was last written.
pub(super) fn built_at(binary: &Path) -> Option<SystemTime> {
    std::fs::metadata(binary).and_then(|metadata| metadata.modified()).ok()
}

impl Sandbox {
    /// Starts a process and waits until it requests its first event.
    pub(super) async fn start(
        name: &str,
        binary: &Path,
        (environment, clock_offset_ms): (&BTreeMap<String, String>, i64),
        credentials: RoleCredentials,
        lines: LineSink,
    ) -> Result<Self, String> {
        let api = RuntimeApi::start().await.map_err(|error| error.to_string())?;
        let RoleCredentials { access_key, secret_key, session_token, .. } = credentials;
        let mut child = programs::command(binary)
            .env_clear()
            .envs(environment)
            .env("AWS_LAMBDA_RUNTIME_API", &api.address)
            .env("AWS_ACCESS_KEY_ID", &access_key)
            .env("AWS_SECRET_ACCESS_KEY", secret_key)
            .env("AWS_SESSION_TOKEN", session_token)
            .env("AWS_LAMBDA_LOG_STREAM_NAME", format!("local/[$LATEST]{}", &access_key[4..]))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| format!("{} does not start: {error}", binary.display()))?;
        if let Some(stdout) = child.stdout.take() {
            forward(name.to_owned(), stdout, lines.clone());
        }
        if let Some(stderr) = child.stderr.take() {
            forward(name.to_owned(), stderr, lines);
        }
        let kill = Arc::new(tokio::sync::Notify::new());
        let (ended_sender, ended) = watch::channel(false);
        let killed = kill.clone();
        tokio::spawn(async move {
            tokio::select! {
                _ = child.wait() => {}
                () = killed.notified() => {
                    let _ = child.kill().await;
                }
            }
            let _ = ended_sender.send(true);
        });
        let mut sandbox = Self { api, access_key, built_at: built_at(binary), clock_offset_ms, ended, kill };
        if sandbox.wait_until_asked(1, INIT_LIMIT).await {
            Ok(sandbox)
        } else {
            Err(format!("{name} ended, or asked for no event within {INIT_LIMIT:?}; its log says why"))
        }
    }

    /// Waits until the sandbox has requested events this many times. `false` if its process ends first, or `limit` passes.
    pub(super) async fn wait_until_asked(&mut self, times: u64, limit: Duration) -> bool {
        let (mut asked, mut ended) = (self.api.asked.clone(), self.ended.clone());
        let asked = async { asked.wait_for(|asked| *asked >= times).await.is_ok() };
        let ended = async { ended.wait_for(|ended| *ended).await };
        tokio::select! {
            asked = asked => asked,
            _ = ended => false,
            () = tokio::time::sleep(limit) => false,
        }
    }

    /// Whether the process has ended.
    pub(super) fn has_ended(&self) -> bool {
        *self.ended.borrow()
    }

    /// The notification that kills the process.
    pub(super) fn killer(&self) -> Arc<tokio::sync::Notify> {
        self.kill.clone()
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.kill.notify_one();
    }
}

fn forward(name: String, stream: impl AsyncRead + Unpin + Send + 'static, lines: LineSink) {
    tokio::spawn(async move {
        let mut reader = BufReader::new(stream).lines();
        while let Ok(Some(line)) = reader.next_line().await {
            lines(&name, &line);
        }
    });
}
