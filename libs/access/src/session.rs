//! Proof that a caller's session was checked for this request.
//!
//! Every write on behalf of a person takes a [`Session`]. Only the session check makes one, so a write without the check does not compile:
//!
//! ```compile_fail,E0308
//! use access::tickets::Tickets;
//! use shared_utils::auth::Caller;
//!
//! async fn issue(tickets: &Tickets, caller: &Caller, rate: shared_utils::rate_limit::Rate) {
//!     // A caller's token is genuine, but its session may have ended: this needs a `Session`.
//!     let _ = tickets.issue(caller, 30, rate).await;
//! }
//! ```
//!
//! ```compile_fail,E0423
//! use access::session::Session;
//!
//! fn forge(caller: shared_utils::auth::Caller) -> Session {
//!     Session(caller)
//! }
//! ```
//!
//! With the check it compiles:
//!
//! ```
//! use access::revocations::Revocations;
//! use access::tickets::Tickets;
//! use shared_utils::auth::Caller;
//!
//! async fn issue(revocations: &Revocations, tickets: &Tickets, caller: Caller, rate: shared_utils::rate_limit::Rate) {
//!     if let Ok(session) = revocations.check_session(caller).await {
//!         let _ = tickets.issue(&session, 30, rate).await;
//!     }
//! }
//! ```

use std::ops::Deref;

use shared_utils::auth::Caller;

/// A caller whose session has not ended, whose rights were not replaced and whose account is approved, as of at most five seconds ago.
#[derive(Debug, Clone, Copy)]
pub struct Session(Caller);

impl Session {
    /// Only for [`crate::revocations::Revocations`], after its check.
    pub(crate) const fn checked(caller: Caller) -> Self {
        Self(caller)
    }
}

impl Deref for Session {
    type Target = Caller;

    fn deref(&self) -> &Caller {
        &self.0
    }
}
