//! Instructions of starts and of warm requests, counted by callgrind.

use std::path::Path;

use crate::sandbox::{Program, Sandbox};
use crate::scene::{Request, Scene};
use crate::table::{Bar, Row};

/// The requests of the shorter and of the longer run. The difference of their instructions belongs to the difference of these.
const RUNS: (u32, u32) = (5, 85);
/// The starts of each function that are counted.
const STARTS: usize = 5;
/// The most instructions of a start.
const START: f64 = 1_600_000.0;

/// From the start of a process to its first request for an event. The process is ended then, but what it does beside that request has begun: the
/// least of several starts has the least of it.
pub(crate) async fn start(scene: &Scene, binary: &Path, function: &str, profiles: &Path) -> Result<Row, String> {
    let program = scene.program_with_tls(function, binary);
    let mut instructions = f64::INFINITY;
    for _ in 0..STARTS {
        let sandbox = Sandbox::start_counting(&program, &profiles.join(format!("start-{function}"))).await?;
        instructions = instructions.min(sandbox.instructions().await?);
    }
    Ok(Row::new(format!("start of {function}"), instructions, "instructions", Bar::AtMost(START)))
}

/// One warm request, with what follows its response.
pub(crate) async fn warm(scene: &Scene, binary: &Path, request: &Request, profiles: &Path) -> Result<Row, String> {
    let instructions = of_request(&scene.program(request.function, binary), request, profiles).await?;
    Ok(Row::new(request.name, instructions, "instructions", request.bar))
}

/// One warm request of this program.
pub(crate) async fn of_request(program: &Program, request: &Request, profiles: &Path) -> Result<f64, String> {
    let profile = profiles.join(request.name.replace([' ', '/'], "-"));
    let shorter = after(program, &profile, request, RUNS.0).await?;
    let longer = after(program, &profile, request, RUNS.1).await?;
    Ok((longer - shorter) / f64::from(RUNS.1 - RUNS.0))
}

async fn after(program: &Program, profile: &Path, request: &Request, times: u32) -> Result<f64, String> {
    let mut sandbox = Sandbox::start_counting(program, profile).await?;
    for _ in 0..times {
        request.send(&mut sandbox).await?;
    }
    sandbox.instructions().await
}
