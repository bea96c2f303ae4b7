//! Who is connected, and delivery to them.
//!
//! | module | what it has |
//! | --- | --- |
//! | `connections` | the connections table |
//! | `activity` | rates and strikes of a connection |
//! | `presence`, `typing` | who is online; how often typing is passed on |
//! | `locks` | who edits which budget line |
//! | `gateway`, `delivery` | the @connections API; frames to all connections of some people |
//! | `closing` | why a connection is closed, and what it is told |
//!
//! Delivery is best effort. What a frame says is durable before it is sent, a failed delivery fails no request, and a client that missed
//! a frame catches up over HTTP.

mod activity;
mod closing;
mod connections;
mod delivery;
mod error;
mod gateway;
mod locks;
mod presence;
mod typing;

pub use closing::{CloseFrame, CloseReason};
pub use connections::{Arrival, Connection, Connections, Departure, MAX_PER_USER};
pub use delivery::{Delivery, frame_text};
pub use error::Error;
pub use gateway::{ConnectionsApi, PostOutcome};
pub use locks::{LineKey, LineLock, LineLockView, LockFrame, Locks, ReleasedLock};
