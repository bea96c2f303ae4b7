//! Release builds of the functions, and the directories of binaries.

use std::path::PathBuf;
use std::process::Command;

use crate::declaration::repository;

/// A build profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// The profile that builds quickly.
    Debug,
    /// The profile that is deployed.
    Release,
}

impl Profile {
    /// The profile of this binary. Tests use the binaries of their own profile.
    pub const fn own() -> Self {
        if cfg!(debug_assertions) { Self::Debug } else { Self::Release }
    }

    /// The directory of the profile's binaries.
    pub fn directory(self) -> PathBuf {
        let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| repository().join("target"), PathBuf::from);
        target.join(if self == Self::Debug { "debug" } else { "release" })
    }
}

/// Builds these functions in release mode. The compiler's output goes to the terminal.
///
/// The binaries contain no path of this machine, so that the same source gives the same bytes on every machine.
pub fn build_release(functions: &[&String]) -> Result<(), String> {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(["build", "--release"]).env("CARGO_ENCODED_RUSTFLAGS", remapped_paths()).current_dir(repository());
    for function in functions {
        // Only the function itself is built. Linking each operator tool takes long.
        command.args(["-p", function, "--bin", function]);
    }
    let status = command.status().map_err(|error| format!("cargo does not start: {error}"))?;
    if status.success() { Ok(()) } else { Err("a function does not build: what the compiler says is above".to_owned()) }
}

/// Compiler flags that replace this machine's paths with fixed ones.
fn remapped_paths() -> String {
    let root = repository();
    let home = std::env::var("HOME").unwrap_or_default();
    let cargo_home = std::env::var("CARGO_HOME").unwrap_or_else(|_| format!("{home}/.cargo"));
    format!("--remap-path-prefix={}=/mylg\u{1f}--remap-path-prefix={cargo_home}=/cargo", root.display())
}
