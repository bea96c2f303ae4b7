//! A function's process behind a Runtime API that does nothing else, optionally under callgrind.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use local_stack::lambda::RuntimeApi;
use serde_json::Value;
use tokio::process::{Child, Command};

/// How long a process may take for what it is asked to do. Callgrind makes it fifty times as slow.
const PATIENCE: Duration = Duration::from_mins(1);

/// What a process is started with.
#[derive(Clone)]
pub(crate) struct Program {
    /// The binary.
    pub(crate) binary: PathBuf,
    /// Its whole environment, besides the address of the Runtime API.
    pub(crate) environment: BTreeMap<String, String>,
}

/// A process that has asked for its first event.
pub(crate) struct Sandbox {
    api: RuntimeApi,
    child: Child,
    /// From the start of the process to its first request for an event.
    pub(crate) started_in: Duration,
    asked: u64,
    profile: Option<PathBuf>,
}

impl Sandbox {
    /// Starts a process, and waits until it asks for an event.
    pub(crate) async fn start(program: &Program) -> Result<Self, String> {
        Self::spawn(program, Command::new(&program.binary), None).await
    }

    /// As [`Self::start`], counting instructions. Callgrind writes the counts to this file.
    pub(crate) async fn start_counting(program: &Program, profile: &Path) -> Result<Self, String> {
        let mut command = Command::new("valgrind");
        command.arg("--quiet").arg("--tool=callgrind").arg(format!("--callgrind-out-file={}", profile.display())).arg(&program.binary);
        Self::spawn(program, command, Some(profile.to_owned())).await
    }

    async fn spawn(program: &Program, mut command: Command, profile: Option<PathBuf>) -> Result<Self, String> {
        let api = RuntimeApi::start().await.map_err(|error| error.to_string())?;
        command.env_clear().envs(&program.environment).env("AWS_LAMBDA_RUNTIME_API", api.address());
        let began = Instant::now();
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| format!("{} does not start: {error}", program.binary.display()))?;
        let mut sandbox = Self { api, child, started_in: Duration::ZERO, asked: 0, profile };
        sandbox.wait_until_idle().await?;
        sandbox.started_in = began.elapsed();
        Ok(sandbox)
    }

    async fn wait_until_idle(&mut self) -> Result<(), String> {
        self.asked += 1;
        let mut asked = self.api.asked();
        let asked = async { asked.wait_for(|times| *times >= self.asked).await.is_ok() };
        tokio::select! {
            true = asked => Ok(()),
            ended = self.child.wait() => Err(format!("a function ended: {ended:?}")),
            () = tokio::time::sleep(PATIENCE) => Err("a function does not ask for an event".to_owned()),
        }
    }

    /// The response to an event. Returns when the process asks for the next one, so the work after the response is done.
    pub(crate) async fn invoke(&mut self, event: &Value) -> Result<Value, String> {
        let answer = self.api.invoke(event).await?;
        self.wait_until_idle().await?;
        Ok(answer)
    }

    /// The memory that the process uses, in bytes.
    pub(crate) fn resident_bytes(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()?)).ok()?;
        let kilobytes: u64 = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?.trim().strip_suffix(" kB")?.trim().parse().ok()?;
        Some(kilobytes * 1024)
    }

    /// Ends the process, and returns how many instructions it has executed.
    pub(crate) async fn instructions(mut self) -> Result<f64, String> {
        let id = self.child.id().and_then(|id| i32::try_from(id).ok()).and_then(rustix::process::Pid::from_raw).ok_or("the process has ended")?;
        // Callgrind writes its counts when a signal ends the process.
        rustix::process::kill_process(id, rustix::process::Signal::TERM).map_err(|error| error.to_string())?;
        self.child.wait().await.map_err(|error| error.to_string())?;
        let profile = self.profile.take().ok_or("the process was not counted")?;
        let text = std::fs::read_to_string(&profile).map_err(|error| format!("callgrind wrote nothing: {error}"))?;
        let total = text.lines().find_map(|line| line.strip_prefix("totals:").or_else(|| line.strip_prefix("summary:")));
        total.and_then(|total| total.split_whitespace().next()?.parse().ok()).ok_or_else(|| "callgrind wrote no total".to_owned())
    }
}
