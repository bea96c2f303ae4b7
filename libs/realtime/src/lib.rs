//! Connections, and frame delivery to them.
//!
//! | module | contents |
//! | --- | --- |
//! | `connections` | the connections table |
//! | `activity` | last activity, rates and strikes of a connection |
//! | `presence`, `typing` | who is online; how often typing is broadcast |
//! | `locks` | who edits which budget line |
//! | `gateway`, `delivery` | the @connections API; delivery to all connections of some people |
//! | `ephemeral` | delivery of frames that are worth nothing later, to a limited number of people |
//! | `closing` | close reasons, and the frames that announce them |
//!
//! Delivery is best effort. A frame's content is durable before the frame is sent. A failed delivery fails no request. A client that missed a
//! frame catches up over HTTP.

mod activity;
mod closing;
mod connections;
mod delivery;
mod ephemeral;
mod error;
mod gateway;
mod lock_frames;
mod locks;
mod presence;
mod typing;

pub use closing::{CloseFrame, CloseReason};
pub use connections::{Arrival, Connection, Connections, Departure, MAX_PER_USER};
pub use delivery::{Delivered, Delivery, frame_text};
pub use ephemeral::{Audience, EphemeralFrame, MAX_AUDIENCE};
pub use error::Error;
pub use gateway::{ConnectionsApi, PostOutcome};
pub use lock_frames::{LineLockView, LockFrame};
pub use locks::{LineKey, LineLock, Locks, ReleasedLock};
