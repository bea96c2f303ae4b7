//! Release builds of the functions, and where binaries are.

use std::path::PathBuf;
use std::process::Command;

use crate::declaration::repository;

/// Which build.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// Quick to build.
    Debug,
    /// As deployed.
    Release,
}

impl Profile {
    /// The profile that this very binary was built with: tests use their own.
    pub const fn own() -> Self {
        if cfg!(debug_assertions) { Self::Debug } else { Self::Release }
    }

    /// Where its binaries are.
    pub fn directory(self) -> PathBuf {
        let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| repository().join("target"), PathBuf::from);
        target.join(if self == Self::Debug { "debug" } else { "release" })
    }
}

/// Makes the release builds of these functions; what the compiler says goes to the terminal.
///
/// They name no path of this machine, so that the same source gives the same bytes wherever it is built.
pub fn build_release(functions: &[&String]) -> Result<(), String> {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(["build", "--release"]).env("CARGO_ENCODED_RUSTFLAGS", remapped_paths()).current_dir(repository());
    for function in functions {
        // Not the operators' tools: each is a long link.
        command.args(["-p", function, "--bin", function]);
    }
    let status = command.status().map_err(|error| format!("cargo does not start: {error}"))?;
    if status.success() { Ok(()) } else { Err("a function does not build: what the compiler says is above".to_owned()) }
}

/// Compiler flags that replace this machine's paths by fixed ones.
fn remapped_paths() -> String {
    let root = repository();
    let home = std::env::var("HOME").unwrap_or_default();
    let cargo_home = std::env::var("CARGO_HOME").unwrap_or_else(|_| format!("{home}/.cargo"));
    format!("--remap-path-prefix={}=/mylg\u{1f}--remap-path-prefix={cargo_home}=/cargo", root.display())
}
