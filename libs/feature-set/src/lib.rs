//! No code. See `Cargo.toml`: this crate names the features that shared dependencies have in every build.
