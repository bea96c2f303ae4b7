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

    /// The directory of the profile's binaries for this machine.
    pub fn directory(self) -> PathBuf {
        target_directory().join(if self == Self::Debug { "debug" } else { "release" })
    }
}

/// Where cargo builds.
pub fn target_directory() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| repository().join("target"), PathBuf::from)
}

/// An instruction set that Lambda offers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Architecture {
    /// x86-64.
    X86,
    /// 64-bit Arm.
    Arm,
}

impl Architecture {
    /// The name that Lambda and Terraform use.
    pub const fn name(self) -> &'static str {
        match self {
            Self::X86 => "x86_64",
            Self::Arm => "arm64",
        }
    }

    /// The architecture of this name.
    pub fn named(name: &str) -> Option<Self> {
        [Self::X86, Self::Arm].into_iter().find(|architecture| architecture.name() == name)
    }

    /// `e_machine` of its ELF binaries.
    pub const fn elf_machine(self) -> u16 {
        match self {
            Self::X86 => 62,
            Self::Arm => 183,
        }
    }

    const fn target(self) -> &'static str {
        match self {
            Self::X86 => "x86_64-unknown-linux-gnu",
            Self::Arm => "aarch64-unknown-linux-gnu",
        }
    }

    /// Whether the compiler of this machine builds for it without more tools.
    const fn is_own(self) -> bool {
        cfg!(all(target_os = "linux", target_env = "gnu"))
            && match self {
                Self::X86 => cfg!(target_arch = "x86_64"),
                Self::Arm => cfg!(target_arch = "aarch64"),
            }
    }

    /// The architecture of this machine.
    pub const fn own() -> Self {
        if cfg!(target_arch = "aarch64") { Self::Arm } else { Self::X86 }
    }

    /// The directory of the binaries that [`build_release`] makes.
    pub fn directory(self) -> PathBuf {
        target_directory().join(self.target()).join("release")
    }
}

/// Builds these functions in release mode. The compiler's output goes to the terminal. For an architecture that is not this machine's, the build
/// uses `cargo zigbuild` with the symbols of glibc `major.minor`.
///
/// The binaries contain no path of this machine, so that the same source gives the same bytes on every machine.
pub fn build_release(functions: &[&String], architecture: Architecture, (major, minor): (u32, u32)) -> Result<(), String> {
    #[expect(clippy::disallowed_methods, reason = "cargo is no program of this repository")]
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    // The target is always named: without it, the flags would also be those of build scripts and macros, which cannot be linked with them.
    if architecture.is_own() {
        command.args(["build", "--target", architecture.target()]);
    } else {
        command.args(["zigbuild", "--target", &format!("{}.{major}.{minor}", architecture.target())]);
    }
    command.arg("--release").env("CARGO_ENCODED_RUSTFLAGS", flags(architecture).join("\u{1f}")).current_dir(repository());
    for function in functions {
        // Only the function itself is built. Linking each operator tool takes long.
        command.args(["-p", function, "--bin", function]);
    }
    let status = command.status().map_err(|error| format!("cargo does not start: {error}"))?;
    if status.success() { Ok(()) } else { Err("a function does not build: what the compiler says is above".to_owned()) }
}

/// Compiler flags that replace this machine's paths with fixed ones, and that make binaries smaller and their start faster.
fn flags(architecture: Architecture) -> Vec<String> {
    let root = repository();
    let home = std::env::var("HOME").unwrap_or_default();
    let cargo_home = std::env::var("CARGO_HOME").unwrap_or_else(|_| format!("{home}/.cargo"));
    let mut flags = vec![format!("--remap-path-prefix={}=/mylg", root.display()), format!("--remap-path-prefix={cargo_home}=/cargo")];
    if architecture.is_own() {
        // At a fixed address, nothing is relocated at the start, and no relocations are in the package.
        flags.push("-Crelocation-model=static".to_owned());
        // Functions with the same code are there once. Only the linker that Rust uses for x86-64 has this.
        if architecture == Architecture::X86 {
            flags.push("-Clink-arg=-Wl,--icf=all".to_owned());
        }
    }
    flags
}
