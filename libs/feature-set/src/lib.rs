//! No code. This crate sets the features that shared dependencies have in every build: see `Cargo.toml`.
