//! The clock of the whole stack: the machine's time, moved by an offset. The console moves it to see what expires.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime};

use shared_utils::clock::{Clock, Timestamp};

/// The clock. Clones share one offset.
#[derive(Debug, Clone, Default)]
pub struct StackClock(Arc<AtomicI64>);

impl StackClock {
    /// The time in the stack.
    pub fn now(&self) -> Timestamp {
        Clock::System.now().plus_millis(self.offset_ms())
    }

    /// The time in the stack, as the header `Date` has it.
    pub(crate) fn http_date(&self) -> String {
        let millis = u64::try_from(self.now().millis()).unwrap_or_default();
        httpdate::fmt_http_date(SystemTime::UNIX_EPOCH + Duration::from_millis(millis))
    }

    /// The difference to the machine's time, in milliseconds.
    pub fn offset_ms(&self) -> i64 {
        self.0.load(Ordering::SeqCst)
    }

    /// Moves the clock to this difference. Warm sandboxes of another offset take no more events.
    pub fn set_offset_ms(&self, offset_ms: i64) {
        self.0.store(offset_ms, Ordering::SeqCst);
    }
}
