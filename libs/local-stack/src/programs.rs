//! The programs of this repository that the stack and its tests start.

use std::ffi::OsStr;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};

use tokio::process::Command;

/// The variable with the directory in which started programs are noted.
const NOTES: &str = "STARTED_PROGRAMS";

/// A command that runs this program.
///
/// `make test` runs a test again when a program that it started has changed: where `STARTED_PROGRAMS` names a directory, the program's name is
/// added to the running test's file there (`<binary id> <test name>`, as nextest says them).
pub fn command(program: &Path) -> Command {
    if let (Some(notes), Some(name)) = (std::env::var_os(NOTES), program.file_name()) {
        // Without its note, the test would not run again when it should.
        note(Path::new(&notes), name).unwrap_or_else(|error| panic!("the start of {} is not noted: {error}", program.display()));
    }
    #[expect(clippy::disallowed_methods, reason = "this is the one place")]
    Command::new(program)
}

fn note(notes: &Path, name: &OsStr) -> std::io::Result<()> {
    let mut line = name.as_encoded_bytes().to_owned();
    line.push(b'\n');
    OpenOptions::new().create(true).append(true).open(notes_of_test(notes)).and_then(|mut file| file.write_all(&line))
}

/// The file of the running test.
fn notes_of_test(notes: &Path) -> PathBuf {
    let [binary, test] = ["NEXTEST_BINARY_ID", "NEXTEST_TEST_NAME"]
        .map(|name| std::env::var(name).unwrap_or_else(|_| panic!("{NOTES} is set, but {name} is not: nextest 0.9.116 sets it")));
    notes.join(format!("{binary} {test}").replace('/', "%"))
}
