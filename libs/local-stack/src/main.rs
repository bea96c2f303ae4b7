//! `make run`: the whole backend on this machine.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;
use std::str::FromStr;

use local_stack::build::{Architecture, Profile};
use local_stack::config::{Options, SANDBOXES, print_line};
use local_stack::declaration::{Declaration, FORWARDED_ENV, repository};
use local_stack::people::{PASSWORD, PEOPLE};
use local_stack::stack::Stack;
use local_stack::websocket_api::Limits;

const HELP: &str = "\
local-stack [--release] [--in-memory]

Runs the backend on this machine: DynamoDB, S3, Lambda, the HTTP API and the WebSocket API around the real binaries.

  --release     run release builds: `make run RELEASE=1` builds them first
  --in-memory   keep no data

HTTP_PORT (3000), WS_PORT (3001), DYNAMODB_PORT (8000), CONSOLE_PORT (3002), S3_PORT (3003), MAIL_PORT (3004): ports; 0 is any free one
LOCAL_DIR (.local): data and signing key
ALLOWED_ORIGINS (http://localhost:5173): browser origins besides the console's
SEED_USERS (0): so many more people
SANDBOXES (1000): how many events all functions together may handle at once; further events wait
ACCESS_TTL_S (600), REFRESH_IDLE_S (604800), REFRESH_ABSOLUTE_S (2592000), GRACE_S (30), TICKET_TTL_S (30): lifetimes in seconds
LOGIN_RATE, REFRESH_RATE, SESSION_REFRESH_RATE, TICKET_RATE, MAIL_RATE, CONNECT_RATE, ACTION_RATE, SEND_RATE: rates such as 20/min, 1/s:10, off
FILE_MAX_BYTES, PROJECT_FILES_MAX_BYTES, CONVERSATION_FILES_MAX_BYTES, PICTURE_MAX_BYTES: limits of files in bytes
SIGN_UP (off): open lets anybody ask for an account
ADMIN_MFA (optional): required makes administrators set up a second factor
MALWARE_SCAN (off): on refuses downloads until a scan has tagged the object";

struct Arguments {
    binaries: PathBuf,
    in_memory: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            print_line(&format!("error: {reason}"));
            ExitCode::FAILURE
        }
    }
}

fn arguments() -> Result<Option<Arguments>, String> {
    use lexopt::prelude::*;
    let mut arguments = Arguments { binaries: Profile::own().directory(), in_memory: false };
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next().map_err(|error| error.to_string())? {
        match argument {
            Long("release") => arguments.binaries = Architecture::own().directory(),
            Long("in-memory") => arguments.in_memory = true,
            Long("help") | Short('h') => return Ok(None),
            other => return Err(format!("{}\n\n{HELP}", other.unexpected())),
        }
    }
    Ok(Some(arguments))
}

fn variable<T: FromStr>(name: &str, default: T) -> Result<T, String> {
    match std::env::var(name) {
        Ok(value) if !value.is_empty() => value.parse().map_err(|_| format!("{name} is not usable: {value:?}")),
        _ => Ok(default),
    }
}

async fn run() -> Result<(), String> {
    let Some(arguments) = arguments()? else {
        print_line(HELP);
        return Ok(());
    };
    let declaration = Declaration::read().map_err(|error| error.to_string())?;
    let passed: BTreeMap<String, String> = declaration
        .functions
        .values()
        .flat_map(|function| &function.environment)
        .filter(|(_, source)| FORWARDED_ENV.contains(&source.as_str()))
        .filter_map(|(name, _)| Some((name.clone(), std::env::var(name).ok()?)))
        .collect();
    let options = Options {
        binaries: arguments.binaries,
        folder: Some(variable("LOCAL_DIR", repository().join(".local"))?),
        in_memory: arguments.in_memory,
        ports: [
            variable("HTTP_PORT", 3000)?,
            variable("WS_PORT", 3001)?,
            variable("DYNAMODB_PORT", 8000)?,
            variable("CONSOLE_PORT", 3002)?,
            variable("MAIL_PORT", 3004)?,
            variable("S3_PORT", 3003)?,
        ],
        origins: std::env::var("ALLOWED_ORIGINS").ok().filter(|origins| !origins.is_empty()),
        more_people: variable("SEED_USERS", 0)?,
        passed,
        skew_ms: 0,
        seed: 0,
        sandboxes: variable("SANDBOXES", SANDBOXES)?.max(1),
        limits: Limits::default(),
        keep: false,
        print: true,
    };
    let folder: Option<PathBuf> = options.folder.clone();
    let stack = Stack::start(options).await.map_err(|error| error.to_string())?;
    print_line("");
    print_line(&format!("HTTP API       {}", stack.http_url));
    print_line(&format!("WebSocket API  {}", stack.websocket_url));
    print_line(&format!("DynamoDB       {}", stack.database_url));
    print_line(&format!("Console        {}/#token={}", stack.console_url, stack.control_token));
    print_line(&format!("Mails          {}", stack.mail_url));
    print_line(&format!("S3             {}", stack.s3_url));
    let place = if arguments.in_memory { "memory".into() } else { folder.unwrap_or_default() };
    print_line(&format!("Data           {}", place.display()));
    for (email, role, _, _) in PEOPLE {
        print_line(&format!("Person         {email} ({role}), password {PASSWORD}"));
    }
    print_line("ready (Ctrl-C ends everything)");
    wait_for_end().await;
    drop(stack);
    Ok(())
}

/// Waits for Ctrl-C, or for SIGTERM from a supervisor.
async fn wait_for_end() {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
        }
        Err(_) => {
            let _ = tokio::signal::ctrl_c().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_help_lists_every_variable() {
        let declaration = Declaration::read().unwrap();
        let forwarded = declaration.functions.values().flat_map(|function| &function.environment);
        let forwarded = forwarded.filter(|(_, source)| FORWARDED_ENV.contains(&source.as_str())).map(|(variable, _)| variable.as_str());
        let own = [
            "HTTP_PORT",
            "WS_PORT",
            "DYNAMODB_PORT",
            "CONSOLE_PORT",
            "MAIL_PORT",
            "S3_PORT",
            "LOCAL_DIR",
            "ALLOWED_ORIGINS",
            "SEED_USERS",
            "SANDBOXES",
        ];
        let missing: Vec<&str> = forwarded.chain(own).filter(|variable| !HELP.contains(variable)).collect();
        assert!(missing.is_empty(), "not in the help: {missing:?}");
    }
}
