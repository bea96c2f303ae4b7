//! Other programs, built from `peers/`: an empty handler, and the same routes with `lambda_http`, axum and the SDK's defaults.

use std::path::{Path, PathBuf};
use std::process::Command;

use local_stack::build::target_directory;
use local_stack::declaration::repository;

use crate::instructions::of_request;
use crate::packages::Unpacked;
use crate::scene::Scene;
use crate::table::{Bar, Row};

/// The binaries.
pub(crate) struct Peers {
    /// Answers every event with 200.
    pub(crate) empty: PathBuf,
    /// `lambda_http`, axum, aws-config, the SDK with its defaults.
    pub(crate) axum: PathBuf,
}

/// Where other programs are built and installed.
pub(crate) fn folder() -> PathBuf {
    target_directory().join("peers")
}

/// Builds the peers.
pub(crate) fn build() -> Result<Peers, String> {
    let target = folder();
    let manifest = repository().join("tests/benchmarks/peers/Cargo.toml");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let build =
        Command::new(cargo).args(["build", "--release", "--locked", "--manifest-path"]).arg(manifest).arg("--target-dir").arg(&target).status();
    if !build.map_err(|error| error.to_string())?.success() {
        return Err("the peers do not build".to_owned());
    }
    Ok(Peers { empty: target.join("release/peer-empty"), axum: target.join("release/peer-axum") })
}

/// The share of the peer's instructions that each request takes here.
pub(crate) async fn compare(scene: &Scene, unpacked: &Unpacked, profiles: &Path) -> Result<Vec<Row>, String> {
    let peer = build()?.axum;
    let mut rows = Vec::new();
    for request in scene.requests().iter().filter(|request| request.status < 300) {
        let Some(binary) = unpacked.binary(request.function) else { continue };
        let ours = of_request(&scene.program(request.function, &binary), request, profiles).await?;
        let theirs = of_request(&scene.program(request.function, &peer), request, profiles).await?;
        rows.push(Row::new(format!("{} with lambda_http and axum", request.name), theirs, "instructions", Bar::None));
        rows.push(Row::new(format!("{}, share of that", request.name), ours / theirs, "", Bar::AtMost(1.0)));
    }
    Ok(rows)
}
