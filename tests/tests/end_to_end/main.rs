//! The end-to-end suite: one binary, with a separate backend for each test. It links no function.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics, in its helpers too")]

mod audit;
mod authorization;
mod bad_input;
mod browser;
mod browser_files;
mod calls;
mod console;
mod cors;
mod crowd;
mod delivery;
mod equivalence;
mod faults;
mod files;
mod losses;
mod mails;
mod manners;
mod notifications;
mod presence;
mod projects;
mod realtime;
mod restart;
mod sessions;
mod sharing;
mod streams;
mod tokens;
mod walk;
