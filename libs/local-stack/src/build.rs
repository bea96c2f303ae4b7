//! Building the functions' binaries, and where they are.

use std::path::PathBuf;
use std::process::Command;

use crate::declaration::{Declaration, repository};

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

/// Builds every declared function with its tools; what the compiler says goes to the terminal.
///
/// Release builds name no path of this machine, so that the same source gives the same bytes wherever it is built.
pub fn build(declaration: &Declaration, profile: Profile) -> Result<(), String> {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.arg("build").current_dir(repository());
    for function in declaration.functions.keys() {
        // Not the operators' other tools: each is a long link.
        command.args(["-p", function, "--bin", function]);
    }
    command.args(["--bin", "create-user"]);
    if profile == Profile::Release {
        command.arg("--release").env("CARGO_ENCODED_RUSTFLAGS", remapped_paths());
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
