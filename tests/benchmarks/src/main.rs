//! `make bench-quick`: what the packages in `build/` cost in bytes and instructions, against committed figures. `make bench`: all figures, with
//! times, against other programs, written to `docs/performance.md`.

mod committed;
mod instructions;
mod packages;
mod peers;
mod report;
mod sandbox;
mod scene;
mod table;
mod throughput;
mod times;
mod tls_front;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use local_stack::config::print_line;
use packages::Unpacked;
use scene::Scene;
use table::Row;

const HELP: &str = "\
benchmarks [--all] [--update] [--binaries <folder>] [--profiles <folder>]

Measures the packages in build/: bytes, and instructions of a start and of warm requests (needs valgrind). Fails where a figure is more than two
per cent over the committed one. --update commits what was measured. --all measures times and the local stack too, compares with other programs,
writes docs/performance.md, and fails where a bar fails. --binaries measures the binaries in a folder, without packages. --profiles keeps the
profiles of callgrind in a folder.";

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(reason) => {
            print_line(&format!("error: {reason}"));
            ExitCode::from(2)
        }
    }
}

#[derive(Default)]
struct Arguments {
    all: bool,
    update: bool,
    binaries: Option<PathBuf>,
    profiles: Option<PathBuf>,
}

fn arguments() -> Result<Arguments, String> {
    use lexopt::prelude::*;
    let mut arguments = Arguments::default();
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next().map_err(|error| error.to_string())? {
        match argument {
            Long("all") => arguments.all = true,
            Long("update") => arguments.update = true,
            Long("binaries") => arguments.binaries = Some(parser.value().map_err(|error| error.to_string())?.into()),
            Long("profiles") => arguments.profiles = Some(parser.value().map_err(|error| error.to_string())?.into()),
            other => return Err(format!("{}\n\n{HELP}", other.unexpected())),
        }
    }
    Ok(arguments)
}

async fn run() -> Result<bool, String> {
    let arguments = arguments()?;
    let temporary = tempfile::tempdir().map_err(|error| error.to_string())?;
    let profiles = arguments.profiles.clone().unwrap_or_else(|| temporary.path().to_owned());
    let unpacked = Unpacked::new(arguments.binaries.as_deref())?;
    let scene = Scene::start().await;
    let mut rows = quick(&scene, &unpacked, &profiles).await?;
    if arguments.all {
        rows.extend(peers::compare(&scene, &unpacked, &profiles).await?);
        rows.extend(times::measure(&scene, &unpacked).await?);
        rows.extend(throughput::measure().await?);
    }
    table::print(&rows);
    if arguments.all {
        report::write(&rows)?;
        return Ok(rows.iter().all(Row::passes));
    }
    if arguments.update {
        committed::write(&rows)?;
        return Ok(true);
    }
    if arguments.binaries.is_some() {
        return Ok(true);
    }
    let slower = committed::compare(&rows)?;
    for line in &slower {
        print_line(line);
    }
    Ok(slower.is_empty())
}

/// Bytes and instructions.
async fn quick(scene: &Scene, unpacked: &Unpacked, profiles: &Path) -> Result<Vec<Row>, String> {
    let mut rows = unpacked.sizes()?;
    for (function, binary) in unpacked.binaries() {
        rows.push(instructions::start(scene, &binary, function, profiles).await?);
    }
    for request in scene.requests() {
        if let Some(binary) = unpacked.binary(request.function) {
            rows.push(instructions::warm(scene, &binary, &request, profiles).await?);
        }
    }
    Ok(rows)
}
