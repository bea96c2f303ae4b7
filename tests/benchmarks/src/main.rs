//! `make bench-quick`: what the packages in `build/` cost in bytes and instructions, against committed figures. `make bench`: all figures, with
//! times, against other programs, written to `docs/performance.md`.
#![allow(clippy::disallowed_methods, reason = "no benchmark is a test")]

mod client;
mod committed;
mod console;
mod contention;
mod durations;
mod emulators;
mod fan_out;
mod growth;
mod instructions;
mod load;
mod make_run;
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
benchmarks [--all | --only <subject> [--write] | --durations [--ci]] [--update] [--binaries <folder>] [--profiles <folder>]

Measures the packages in build/: bytes, and instructions of a start and of warm requests (needs valgrind). Fails where a figure is more than two
per cent over the committed one. --update commits what was measured. --all measures times and the local stack too, compares with other programs,
writes docs/performance.md, and fails where a bar fails. --only measures one subject: first-request, memory, make-run,
local-stack, console, emulators, fan-out, contention or growth; --write puts
its rows into the table. --durations measures make test in a clean
clone, with --ci .ci/run too, and writes that table. --binaries measures the binaries in a folder, without packages. --profiles keeps the
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
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
struct Arguments {
    all: bool,
    only: Option<String>,
    write: bool,
    durations: bool,
    ci: bool,
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
            Long("only") => arguments.only = Some(parser.value().and_then(lexopt::ValueExt::string).map_err(|error| error.to_string())?),
            Long("write") => arguments.write = true,
            Long("durations") => arguments.durations = true,
            Long("ci") => arguments.ci = true,
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
    if let Some(subject) = &arguments.only {
        let rows = only(subject).await?;
        table::print(&rows);
        if arguments.write {
            report::write_subject(subject, &rows)?;
        }
        return Ok(rows.iter().all(Row::passes));
    }
    if arguments.durations {
        let rows = durations::measure(arguments.ci).await?;
        table::print(&rows);
        report::write(&report::DURATIONS, &rows)?;
        return Ok(rows.iter().all(Row::passes));
    }
    let temporary = tempfile::tempdir().map_err(|error| error.to_string())?;
    let profiles = arguments.profiles.clone().unwrap_or_else(|| temporary.path().to_owned());
    let unpacked = Unpacked::new(arguments.binaries.as_deref())?;
    let scene = Scene::start().await?;
    let mut rows = quick(&scene, &unpacked, &profiles).await?;
    if arguments.all {
        rows.extend(peers::compare(&scene, &unpacked, &profiles).await?);
        rows.extend(times::measure(&scene, &unpacked).await?);
        for subject in SUBJECTS {
            rows.extend(only(subject).await?);
        }
    }
    table::print(&rows);
    if arguments.all {
        report::write(&report::FIGURES, &rows)?;
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

/// What can be measured alone.
const SUBJECTS: [&str; 9] = ["first-request", "memory", "make-run", "local-stack", "console", "emulators", "fan-out", "contention", "growth"];

async fn only(subject: &str) -> Result<Vec<Row>, String> {
    match subject {
        "memory" => times::memory_after_requests(&Scene::start().await?, &Unpacked::new(None)?).await,
        "make-run" => make_run::measure().await,
        "local-stack" => throughput::measure().await,
        "console" => console::measure().await,
        "emulators" => emulators::measure().await,
        "fan-out" => fan_out::measure().await,
        "contention" => contention::measure().await,
        "growth" => growth::measure().await,
        "first-request" => Ok(times::first_request(&Scene::start().await?, &Unpacked::new(None)?).await?.into_iter().collect()),
        _ => Err(format!("there is no subject {subject:?}: {}", SUBJECTS.join(", "))),
    }
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
