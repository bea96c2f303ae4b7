//! Times of starts, interleaved with those of other programs, and memory.

use std::time::Duration;

use crate::packages::Unpacked;
use crate::peers;
use crate::sandbox::{Program, Sandbox};
use crate::scene::Scene;
use crate::table::{Bar, Row};
use crate::tls_front::TlsFront;

const DATABASE: &str = "AWS_ENDPOINT_URL_DYNAMODB";

/// The starts of each program.
const STARTS: usize = 41;
/// The requests before memory is measured.
const REQUESTS: usize = 1_000;

/// Starts in milliseconds and as ratios, and memory after the start.
pub(crate) async fn measure(scene: &Scene, unpacked: &Unpacked) -> Result<Vec<Row>, String> {
    let peers = peers::build()?;
    let mut programs = vec![
        ("an empty handler", scene.program_with_tls("auth-router", &peers.empty)),
        ("lambda_http and axum", scene.program_with_tls("auth-router", &peers.axum)),
    ];
    programs.extend(unpacked.binaries().map(|(function, binary)| (function, scene.program_with_tls(function, &binary))));
    let mut times: Vec<Vec<f64>> = vec![Vec::new(); programs.len()];
    for _ in 0..STARTS {
        for (times, (_, program)) in times.iter_mut().zip(&programs) {
            times.push(Sandbox::start(program).await?.started_in.as_secs_f64() * 1e3);
        }
    }
    let medians: Vec<f64> = times.into_iter().map(median).collect();
    let mut rows: Vec<Row> =
        programs.iter().zip(&medians).map(|((name, _), median)| Row::new(format!("start of {name}"), *median, "ms", Bar::None)).collect();
    for ((name, _), median) in programs.iter().zip(&medians).skip(2) {
        rows.push(Row::new(format!("start of {name}, of the empty handler's"), median / medians[0], "times", Bar::AtMost(1.3)));
        rows.push(Row::new(format!("start of lambda_http and axum, of {name}'s"), medians[1] / median, "times", Bar::AtLeast(4.0)));
    }
    for (name, program) in &programs {
        rows.push(Row::new(format!("memory after the start of {name}"), memory(&Sandbox::start(program).await?)?, "bytes", Bar::None));
    }
    Ok(rows)
}

/// Memory after a thousand of each request.
pub(crate) async fn memory_after_requests(scene: &Scene, unpacked: &Unpacked) -> Result<Vec<Row>, String> {
    let mut rows = Vec::new();
    for request in scene.requests().iter().filter(|request| request.status < 300) {
        let Some(binary) = unpacked.binary(request.function) else { continue };
        let (program, _front) = behind_tls(scene, request.function, &binary).await?;
        let mut sandbox = Sandbox::start(&program).await?;
        for _ in 0..REQUESTS {
            request.send(&mut sandbox).await?;
        }
        rows.push(Row::new(format!("memory after {REQUESTS} of {}", request.name), memory(&sandbox)?, "bytes", Bar::AtMost(12_000_000.0)));
    }
    Ok(rows)
}

/// The first request of a process against a later one, with a database behind TLS.
pub(crate) async fn first_request(scene: &Scene, unpacked: &Unpacked) -> Result<Option<Row>, String> {
    let requests = scene.requests();
    let (Some(request), Some(binary)) = (requests.first(), unpacked.binary("auth-router")) else { return Ok(None) };
    let (program, _front) = behind_tls(scene, request.function, &binary).await?;
    let (mut first, mut warm) = (Vec::new(), Vec::new());
    for _ in 0..STARTS {
        let mut sandbox = Sandbox::start(&program).await?;
        // What a start does beside the first request for an event is done then. Lambda may send an event earlier.
        tokio::time::sleep(Duration::from_millis(20)).await;
        first.push(request.send(&mut sandbox).await?.as_secs_f64());
        for _ in 0..5 {
            request.send(&mut sandbox).await?;
        }
        warm.push(request.send(&mut sandbox).await?.as_secs_f64());
    }
    let (first, warm) = (median(first), median(warm));
    Ok(Some(Row::new(format!("first {} over TLS, 20 ms after the start, of a warm one", request.name), first / warm, "times", Bar::AtMost(1.3))))
}

/// A function whose database is behind TLS, as in AWS.
async fn behind_tls(scene: &Scene, function: &str, binary: &std::path::Path) -> Result<(Program, TlsFront), String> {
    let mut program: Program = scene.program(function, binary);
    let database = program.environment.get(DATABASE).and_then(|url| url.strip_prefix("http://")).ok_or("the database has no address")?;
    let front = TlsFront::start(database).await?;
    program.environment.insert(DATABASE.to_owned(), front.url.clone());
    program.environment.insert("SHARED_UTILS_DIR".to_owned(), front.layer.path().to_string_lossy().into_owned());
    Ok((program, front))
}

#[expect(clippy::cast_precision_loss, reason = "a process has less than 2^52 bytes")]
fn memory(sandbox: &Sandbox) -> Result<f64, String> {
    sandbox.resident_bytes().map(|bytes| bytes as f64).ok_or_else(|| "the memory of a process cannot be read".to_owned())
}

/// The median.
pub(crate) fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}
