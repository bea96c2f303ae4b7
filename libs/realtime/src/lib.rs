//! Who is connected, and delivery to them.
//!
//! Delivery is a hint, never the truth: what is announced here was durable before, a delivery that fails fails nothing, and
//! whoever missed a frame catches up over HTTP.

mod closing;
mod connections;
mod delivery;
mod error;
mod gateway;
mod locks;

pub use closing::CloseReason;
pub use connections::{Arrival, Connection, Connections, Departure, MAX_PER_USER};
pub use delivery::{Delivery, frame_text};
pub use error::Error;
pub use gateway::{ConnectionsApi, PostOutcome};
pub use locks::{LineKey, LineLock, Locks, ReleasedLock};
