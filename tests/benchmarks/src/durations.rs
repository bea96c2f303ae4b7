//! The developers' clock: how long builds and tests take, from a clean clone.

use std::process::Stdio;
use std::time::Instant;

use local_stack::config::print_line;
use local_stack::declaration::repository;
use tokio::process::Command;

use crate::table::{Bar, Row};

/// Measures `make test` in a clean clone: cold, after one function has changed, and after nothing has. The rest of what a first build needs is there:
/// the toolchain, and the sources of the dependencies. With `ci`, `.ci/run` in another clone.
pub(crate) async fn measure(ci: bool) -> Result<Vec<Row>, String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let clone = Clone::new(folder.path().join("clone")).await?;
    let mut rows = vec![Row::new("make test in a clean clone", clone.seconds("make", &["test"]).await?, "s", Bar::AtMost(600.0))];
    let changed = clone.path.join("functions/messages-router/src/lib.rs");
    let source = std::fs::read_to_string(&changed).map_err(|error| error.to_string())?;
    std::fs::write(&changed, source + "\n/// Changed.\npub fn changed() {}\n").map_err(|error| error.to_string())?;
    rows.push(Row::new("make test after a change of one function", clone.seconds("make", &["test"]).await?, "s", Bar::AtMost(90.0)));
    rows.push(Row::new("make test after no change", clone.seconds("make", &["test"]).await?, "s", Bar::None));
    if ci {
        drop(clone);
        let clone = Clone::new(folder.path().join("ci")).await?;
        rows.push(Row::new(".ci/run in a clean clone", clone.seconds("bash", &[".ci/run"]).await?, "s", Bar::AtMost(1_500.0)));
    }
    Ok(rows)
}

struct Clone {
    path: std::path::PathBuf,
}

impl Clone {
    async fn new(path: std::path::PathBuf) -> Result<Self, String> {
        let clone = Command::new("git").args(["clone", "--quiet"]).arg(repository()).arg(&path).status().await;
        if clone.is_ok_and(|status| status.success()) { Ok(Self { path }) } else { Err("git cannot clone the repository".to_owned()) }
    }

    /// How long a command takes. It must succeed.
    async fn seconds(&self, program: &str, arguments: &[&str]) -> Result<f64, String> {
        print_line(&format!("{program} {} …", arguments.join(" ")));
        let began = Instant::now();
        let mut command = Command::new(program);
        command.args(arguments).current_dir(&self.path).env_remove("CARGO_TARGET_DIR").stdin(Stdio::null()).stdout(Stdio::null());
        let status = command.status().await.map_err(|error| error.to_string())?;
        if status.success() { Ok(began.elapsed().as_secs_f64()) } else { Err(format!("{program} failed: {status}")) }
    }
}
