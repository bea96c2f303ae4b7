//! `import-projects`: imports the old system's projects and budgets from exports of its tables.
//!
//! Prints one line per row or value that is not imported unchanged, and a summary. Writes nothing without `--apply`.

use std::collections::BTreeMap;
use std::io::Write;
use std::process::ExitCode;

use access::teams::TeamRole;
use importer::{Export, Fate, Importer, ObjectCopy, OldObjects, Settings, Summary, read_export};
use shared_utils::env::Environment;
use shared_utils::ids::UserId;

const HELP: &str = "\
import-projects --projects FILE --budgets FILE --people FILE --owner usr_… [--members-as viewer|editor] [--objects FILE --copies FILE] [--apply]

  --projects, --budgets   exports of the old tables: the output of `aws dynamodb scan`, or the unzipped files of an export to S3
  --people                a JSON object: user id there -> user id here, of everyone who takes part
  --owner                 who will own the projects: an account here
  --members-as            what the others in a team may do (viewer); editors see budgets
  --objects               the old bucket: the output of `aws s3api list-objects-v2`; what fields name of it becomes a file of the project
  --copies                where the list of objects to copy is written: {\"from\", \"to\", \"contentType\"}, one a line
  --apply                 write; without it only the report is made

PROJECTS_TABLE, AUTH_TABLE, AWS_REGION and credentials come from the environment.";

struct Arguments {
    projects: Export,
    budgets: Export,
    settings: Settings,
    copies: Option<String>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments = match arguments() {
        Ok(Some(arguments)) => arguments,
        Ok(None) => return print(&[HELP.to_owned()]),
        Err(reason) => return fail(&reason),
    };
    let importer = match Importer::from_env(&Environment::of_process()) {
        Ok(importer) => importer,
        Err(error) => return fail(&error.to_string()),
    };
    match importer.run(arguments.projects, arguments.budgets, &arguments.settings).await {
        Ok(summary) => {
            let printed = print(&lines(&summary, arguments.settings.apply));
            if let Some(Err(reason)) = arguments.copies.map(|path| write_copies(&path, &summary.copies)) {
                return fail(&reason);
            }
            if summary.stopped {
                return fail("the table cannot be reached; what was written until then stays, and is not written again");
            }
            if summary.failed == 0 { printed } else { fail(&format!("{} projects could not be imported", summary.failed)) }
        }
        Err(error) => fail(&error.to_string()),
    }
}

fn arguments() -> Result<Option<Arguments>, String> {
    use lexopt::prelude::*;
    let (mut projects, mut budgets, mut people, mut owner) = (None, None, None, None);
    let (mut objects, mut copies) = (OldObjects::default(), None);
    let (mut member_role, mut apply) = (TeamRole::Viewer, false);
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next().map_err(|error| error.to_string())? {
        let name = match argument {
            Long("apply") => {
                apply = true;
                continue;
            }
            Long("help") | Short('h') => return Ok(None),
            Long(name) if ["projects", "budgets", "people", "owner", "members-as", "objects", "copies"].contains(&name) => name.to_owned(),
            other => return Err(format!("{}\n\n{HELP}", other.unexpected())),
        };
        let value = parser.value().and_then(ValueExt::string).map_err(|error| error.to_string())?;
        match name.as_str() {
            "projects" => projects = Some(export(&value)?),
            "budgets" => budgets = Some(export(&value)?),
            "objects" => objects = OldObjects::read(&read(&value)?).map_err(|error| format!("{value}: {error}"))?,
            "copies" => copies = Some(value),
            "people" => people = Some(read_people(&value)?),
            "owner" => owner = Some(value.parse::<UserId>().map_err(|_| "--owner is the id of an account here: usr_…")?),
            _ => {
                let role = value.parse().ok().filter(|role| *role != TeamRole::Owner);
                member_role = role.ok_or("--members-as is viewer or editor")?;
            }
        }
    }
    let missing = |name: &str| format!("{name} is missing\n\n{HELP}");
    let settings =
        Settings { people: people.ok_or_else(|| missing("--people"))?, owner: owner.ok_or_else(|| missing("--owner"))?, member_role, objects, apply };
    Ok(Some(Arguments {
        projects: projects.ok_or_else(|| missing("--projects"))?,
        budgets: budgets.ok_or_else(|| missing("--budgets"))?,
        settings,
        copies,
    }))
}

fn read(path: &str) -> Result<String, String> {
    std::fs::read_to_string(path).map_err(|error| format!("{path} cannot be read: {error}"))
}

fn export(path: &str) -> Result<Export, String> {
    read_export(&read(path)?).map_err(|error| format!("{path}: {error}"))
}

fn read_people(path: &str) -> Result<BTreeMap<String, UserId>, String> {
    serde_json::from_str(&read(path)?).map_err(|error| format!("{path} is not an object of user ids: {error}"))
}

fn write_copies(path: &str, copies: &[ObjectCopy]) -> Result<(), String> {
    let lines: Vec<String> = copies.iter().filter_map(|copy| serde_json::to_string(copy).ok()).map(|line| line + "\n").collect();
    std::fs::write(path, lines.concat()).map_err(|error| format!("{path} cannot be written: {error}"))
}

fn lines(summary: &Summary, applied: bool) -> Vec<String> {
    let mut lines: Vec<String> = summary.report.findings().iter().map(ToString::to_string).collect();
    let (verb, end) = if applied { ("written", "") } else { ("would be written", "\nnothing was written: run again with --apply") };
    let counts = [Fate::Changed, Fate::LeftOut, Fate::Refused].map(|fate| format!("{} {fate}", summary.report.count(fate))).join(", ");
    lines.push(format!(
        "{} projects with {} budget lines {verb}, {} were there already; of what they hold: {counts}{end}",
        summary.projects, summary.lines, summary.already_there
    ));
    lines
}

/// Prints lines. A closed output must not cause a panic.
fn print(lines: &[String]) -> ExitCode {
    let mut out = std::io::stdout().lock();
    if lines.iter().all(|line| writeln!(out, "{line}").is_ok()) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn fail(reason: &str) -> ExitCode {
    let _ = writeln!(std::io::stderr().lock(), "error: {reason}");
    ExitCode::FAILURE
}
