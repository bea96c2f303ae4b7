//! The end-to-end suite: one binary, a backend of its own for each test.

mod authorization;
mod bad_input;
mod calls;
mod cors;
mod faults;
mod realtime;
mod restart;
mod walk;
