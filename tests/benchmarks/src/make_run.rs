//! How long `make run` on a built tree takes until the first answer.

use std::process::Stdio;
use std::time::{Duration, Instant};

use local_stack::declaration::repository;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::client::percentile;
use crate::table::{Bar, Row};

/// The times that it is started. The first one seeds the accounts, and does not count.
const STARTS: usize = 4;
const PATIENCE: Duration = Duration::from_mins(1);

/// The median time from the command to an answer of the HTTP API, with data from an earlier start.
pub(crate) async fn measure() -> Result<Vec<Row>, String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let mut times = Vec::new();
    for _ in 0..STARTS {
        times.push(start(folder.path()).await?);
    }
    Ok(vec![Row::new("make run on a built tree, until the first answer", percentile(&mut times[1..], 0.5), "s", Bar::AtMost(2.0))])
}

async fn start(folder: &std::path::Path) -> Result<f64, String> {
    let ports = ["HTTP_PORT", "WS_PORT", "DYNAMODB_PORT", "CONSOLE_PORT", "S3_PORT", "MAIL_PORT"];
    let began = Instant::now();
    let mut child = Command::new("make")
        .arg("run")
        .current_dir(repository())
        .env("LOCAL_DIR", folder)
        .envs(ports.map(|port| (port, "0")))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| error.to_string())?;
    let answered = tokio::time::timeout(PATIENCE, first_answer(&mut child)).await;
    let took = began.elapsed().as_secs_f64();
    end(&mut child).await?;
    answered.map_err(|_| "make run does not get ready")?.map(|()| took)
}

async fn first_answer(child: &mut Child) -> Result<(), String> {
    let mut lines = BufReader::new(child.stdout.take().ok_or("make has no output")?).lines();
    let mut url = None;
    while let Some(line) = lines.next_line().await.map_err(|error| error.to_string())? {
        if let Some(address) = line.strip_prefix("HTTP API") {
            url = Some(address.trim().to_owned());
        }
        if line.starts_with("ready") {
            let url = url.ok_or("make run does not print the address of the HTTP API")?;
            let response = reqwest::get(format!("{url}/auth/health")).await.map_err(|error| error.to_string())?;
            return if response.status().is_success() { Ok(()) } else { Err(format!("the first answer is {}", response.status())) };
        }
    }
    Err("make run ended".to_owned())
}

/// Ends make and what it has started.
async fn end(child: &mut Child) -> Result<(), String> {
    let group = child.id().and_then(|id| i32::try_from(id).ok()).and_then(rustix::process::Pid::from_raw);
    if let Some(group) = group {
        rustix::process::kill_process_group(group, rustix::process::Signal::TERM).map_err(|error| error.to_string())?;
    }
    child.wait().await.map_err(|error| error.to_string())?;
    Ok(())
}
