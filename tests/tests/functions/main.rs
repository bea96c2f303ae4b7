//! End-to-end tests that also link the functions: what a function says of itself is compared with what it does. They are one binary, and the rest of
//! the suite another: a changed function does not change the tests that only call it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics, in its helpers too")]

mod contract;
mod environment;
