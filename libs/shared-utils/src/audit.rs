//! Audit lines: sign-ins, lockouts, refusals and changes of rights. `LOG_LEVEL` does not silence them.
//!
//! The events are `login`, `login_failed`, `login_locked`, `refresh_reuse`, `logout`, `role_changed`, `password_changed`, `address_changed` and
//! `access_denied`. A line names people and sessions by id, and has the request's id like every line. It never contains an address, token or password.

/// The `tracing` target of audit lines.
pub(crate) const TARGET: &str = "audit";

/// Writes one audit line. The arguments are the event's name, then fields in `tracing` syntax.
#[macro_export]
macro_rules! audit {
    ($event:literal, $($fields:tt)*) => {
        tracing::info!(target: "audit", audit = $event, $($fields)*, "audit")
    };
}
