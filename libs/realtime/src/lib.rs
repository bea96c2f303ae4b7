//! Who is connected, and delivery to them.
//!
//! Delivery is a hint, never the truth: what is announced here was durable before, a delivery that fails fails nothing, and
//! whoever missed a frame catches up over HTTP.

mod connections;
mod delivery;
mod ending;
mod error;
mod gateway;
mod locks;

pub use connections::{Arrival, Connection, Connections, Departure, MAX_PER_USER};
pub use delivery::{Announcer, frame_text};
pub use ending::Ending;
pub use error::Error;
pub use gateway::{Gateway, PostOutcome};
pub use locks::{LineLock, LinePlace, Locks, ReleasedLock};
