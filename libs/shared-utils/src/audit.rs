//! Audit lines: who signed in, was locked out or refused, whose rights changed. `LOG_LEVEL` does not silence them.
//!
//! The events are `login`, `login_failed`, `login_locked`, `refresh_reuse`, `logout`, `role_changed`, `password_changed`, `address_changed` and
//! `access_denied`. A line names
//! people and logins by their ids, never by address, token or password.

/// The target that audit lines are written under.
pub(crate) const TARGET: &str = "audit";

/// Writes one audit line: the event's name, then fields as `tracing` takes them.
#[macro_export]
macro_rules! audit {
    ($event:literal, $($fields:tt)*) => {
        tracing::info!(target: "audit", audit = $event, $($fields)*, "audit")
    };
}
