//! `make test-durability`: sends hundreds of thousands of messages to a backend with many kinds of faults, and checks the result.

use std::process::ExitCode;

use end_to_end::losses::{Settings, run};
use local_stack::config::print_line;

const HELP: &str = "\
loss-checker [--messages 200000] [--writers 8] [--readers 6] [--seed 1] [--no-faults] [--expect-losses]

Writes over HTTP and sockets, reads live with lost connections and catches up, while tables throttle, fail, answer late or not at all,
connections seem gone, processes die between two calls and their clocks disagree. Ends with 0 when nothing was lost, doubled or disordered; with
--expect-losses, for a backend that was broken on purpose, when something was.";

#[tokio::main]
async fn main() -> ExitCode {
    let (settings, expects_losses) = match settings() {
        Ok(Some(found)) => found,
        Ok(None) => {
            print_line(HELP);
            return ExitCode::SUCCESS;
        }
        Err(reason) => {
            print_line(&format!("error: {reason}\n\n{HELP}"));
            return ExitCode::from(2);
        }
    };
    print_line(&format!("{settings:?}"));
    let report = run(&settings, |acknowledged| print_line(&format!("{acknowledged} acknowledged"))).await;
    print_line(&report.to_string());
    if report.verdict.is_clean() == expects_losses { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// The settings in the arguments, and whether losses are expected.
fn settings() -> Result<Option<(Settings, bool)>, String> {
    use lexopt::prelude::*;
    let mut settings = Settings { messages: 200_000, writers: 8, readers: 6, seed: 1, faults: true };
    let mut expects_losses = false;
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next().map_err(|error| error.to_string())? {
        match argument {
            Long("messages") => settings.messages = number(&mut parser)?,
            Long("writers") => settings.writers = people(&mut parser)?,
            Long("readers") => settings.readers = people(&mut parser)?,
            Long("seed") => settings.seed = number(&mut parser)?,
            Long("no-faults") => settings.faults = false,
            Long("expect-losses") => expects_losses = true,
            Long("help") | Short('h') => return Ok(None),
            other => return Err(other.unexpected().to_string()),
        }
    }
    Ok(Some((settings, expects_losses)))
}

fn number(parser: &mut lexopt::Parser) -> Result<u64, String> {
    use lexopt::ValueExt;
    parser.value().and_then(|value| value.parse()).map_err(|error| error.to_string())
}

fn people(parser: &mut lexopt::Parser) -> Result<usize, String> {
    usize::try_from(number(parser)?).ok().filter(|count| (1..=40).contains(count)).ok_or_else(|| "1 to 40 people".to_owned())
}
